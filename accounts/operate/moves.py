"""Link many users to new object IDs, or change their addresses, by a mapping file.

`decide` plans each line; an ambiguous line is a problem. `carry_out` writes all lines or none.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError
from django.utils.translation import gettext as _

from .. import audit, users
from ..display.references import new_reference
from ..signin import bindings
from ..signin.policy import Candidate, same_email
from ..stores import transaction
from ..users import email_field, email_of
from . import OperatorError, linking, require_reason
from .candidates import Candidates, all_candidates
from .moves_file import Move, read_moves

Outcome = Literal["link", "address", "already", "not here", "problem"]
_LONGEST_ADDRESS: Final = 254
_MOST_NAMED: Final = 5  # other lines that a note names
COLUMNS: Final = ("line", "old", "new", "what", "person", "note")


@dataclass(frozen=True, slots=True)
class Planned:
    """The outcome for one line; `seen` is the identity or address that the person has now."""

    line: int
    old: str
    new: str
    what: Outcome
    key: Any = None
    person: str = ""
    note: str = ""
    seen: str = ""
    uid: str = ""
    is_superuser: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """How many were linked, how many have a new address, and whether Redis failed meanwhile."""

    linked: int
    addressed: int
    store_failed: bool = False


# --- deciding ------------------------------------------------------------------------------------


def decide(
    moves: Sequence[Move],
    people: Iterable[Candidate],
    tenant: str,
    allowed: frozenset[str] = frozenset(),
) -> list[Planned]:
    """The outcome for each line; `tenant` is the tid of new object IDs that do not name theirs."""
    index = Candidates(people)
    planned = [_decide_one(move, index, tenant, allowed) for move in moves]
    found = dict(_duplicates(planned)) | dict(_chains(moves))
    unread = {move.line for move in moves if move.problem}
    return [
        replace(row, what="problem", note=found[row.line])
        if row.line in found and row.line not in unread
        else row
        for row in planned
    ]


def _named(index: Candidates, value: str) -> Sequence[Candidate]:
    """Users with this address, object ID or `tid:oid`."""
    return index.with_email(value) if "@" in value else index.with_identity(value)


def _decide_one(move: Move, index: Candidates, tenant: str, allowed: frozenset[str]) -> Planned:
    unplanned = Planned(move.line, move.old, move.new, "problem")
    if move.problem:
        return replace(unplanned, note=move.problem)
    found = _named(index, move.old)
    if len(found) > 1:
        emails = ", ".join(one.email for one in found)
        text = _("%(old)s is more than one user here: %(emails)s.")
        return replace(unplanned, note=text % {"old": move.old, "emails": emails})
    if not found:
        return _unknown(unplanned, index)
    person = found[0]
    planned = replace(
        unplanned, key=person.user_id, person=person.email, is_superuser=person.is_superuser
    )
    if "@" in move.new:
        return _addressed(planned, person, index)
    uid = move.new if ":" in move.new else f"{move.tenant or tenant}:{move.new}"
    return _linked(replace(planned, uid=uid), person, index, allowed)


def _unknown(unplanned: Planned, index: Candidates) -> Planned:
    note = _("Nobody here has it.")
    if has_new := _named(index, unplanned.new):
        text = _("%(email)s has the new one: was this line done before?")
        note += " " + text % {"email": has_new[0].email}
    return replace(unplanned, what="not here", note=note)


def _addressed(planned: Planned, person: Candidate, index: Candidates) -> Planned:
    if person.email == planned.new:
        return replace(planned, what="already", note=_("Has this address already."))
    if same_email(person.email, planned.new):
        note = _("Differs by case only, which makes no difference.")
        return replace(planned, what="already", note=note)
    if taken := [one for one in index.with_email(planned.new) if one.user_id != person.user_id]:
        text = _("%(email)s is another user's address here.")
        return replace(planned, note=text % {"email": taken[0].email})
    if not _is_address(planned.new):
        return replace(planned, note=_("%(text)s is no email address.") % {"text": planned.new})
    return replace(planned, what="address", seen=person.email, note=_warning(person))


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= _LONGEST_ADDRESS


def _linked(
    planned: Planned, person: Candidate, index: Candidates, allowed: frozenset[str]
) -> Planned:
    if person.identity == planned.uid:
        return replace(planned, what="already", note=_("Is linked to this object ID already."))
    tid = bindings.read(planned.uid).tid
    if not tid:
        note = _("Which tenant is the new object ID from? Write TENANT-ID:OBJECT-ID.")
        return replace(planned, note=note)
    if why := linking.why_not_of(tid, allowed):
        return replace(planned, note=why)
    if taken := index.with_identity(planned.uid):
        text = _("The new object ID is linked to %(email)s here.")
        return replace(planned, note=text % {"email": taken[0].email})
    note = _warning(person) or ("" if person.identity else _("Was not linked before."))
    return replace(planned, what="link", seen=person.identity, note=note)


def _warning(person: Candidate) -> str:
    return _("A superuser: be sure that it is the same person.") if person.is_superuser else ""


def _chains(moves: Sequence[Move]) -> Iterator[tuple[int, str]]:
    """Lines whose new value is the old value of another line: their order is ambiguous."""
    olds: dict[str, Move] = {}
    for move in moves:
        olds.setdefault(move.old.lower(), move)
    for move in moves:
        other = olds.get(move.new.lower())
        if other is None or other.line == move.line or move.old.lower() == move.new.lower():
            continue
        if other.new.lower() == move.old.lower():
            text = _("Swaps with line %(line)d: which of them is meant is not certain. One by one.")
            yield move.line, text % {"line": other.line}
            continue
        text = _("Takes what line %(line)d gives up: put it into a second file, after that one.")
        yield move.line, text % {"line": other.line}
        text = _("Gives up what line %(line)d takes: put that line into a second file.")
        yield other.line, text % {"line": move.line}


def _duplicates(planned: Sequence[Planned]) -> Iterator[tuple[int, str]]:
    """Lines with the same person, or the same new address or object ID, as another line."""
    by_old: defaultdict[Any, list[int]] = defaultdict(list)
    by_new: defaultdict[str, list[int]] = defaultdict(list)
    for row in planned:
        who = row.key if row.key is not None else row.old.lower()
        by_old[who, "@" in row.new].append(row.line)
        by_new[(row.uid or row.new).lower()].append(row.line)
    person = _("The same person as in line %(lines)s: keep one of them.")
    new = _("The same new one as in line %(lines)s: keep one of them.")
    for text, groups in ((person, by_old), (new, by_new)):
        for lines in groups.values():
            for line in lines if len(lines) > 1 else ():
                yield line, text % {"lines": _others(lines, line)}


def _others(lines: Sequence[int], line: int) -> str:
    """The first of the other lines: a file may name one person a thousand times."""
    some = [str(n) for n in lines[: _MOST_NAMED + 1] if n != line][:_MOST_NAMED]
    return ", ".join(some) + (", ..." if len(lines) - 1 > _MOST_NAMED else "")


# --- reading and writing -------------------------------------------------------------------------


def plan(text: str, tenant: str = "") -> list[Planned]:
    """What the file would do. Raises OperatorError."""
    moves = read_moves(text)
    needs_tenant = any("@" not in m.new and ":" not in m.new and not m.tenant for m in moves)
    tid = linking.tenant_of(tenant) if needs_tenant else tenant.lower()
    return decide(moves, all_candidates(), tid, linking.tenants_allowed())


def blocking(planned: Iterable[Planned], *, skip_unknown: bool = False) -> list[Planned]:
    """The lines because of which nothing is written."""
    stops = ("problem",) if skip_unknown else ("problem", "not here")
    return [row for row in planned if row.what in stops]


def digest(planned: Iterable[Planned]) -> str:
    """A digest of the preview that is confirmed: after a change, there is a new preview."""
    facts = [(p.line, p.old, p.new, p.what, p.key, p.seen, p.uid, p.is_superuser) for p in planned]
    return hashlib.sha256(repr(facts).encode(errors="replace")).hexdigest()


def carry_out(
    planned: Sequence[Planned], reason: str, *, by: Any = None, skip_unknown: bool = False
) -> Done:
    """Write all of it, in one transaction, and end the sessions of those who were linked.

    Raises OperatorError without a reason, or when a line cannot be done.
    """
    require_reason(reason)
    if stops := blocking(planned, skip_unknown=skip_unknown):
        raise OperatorError(_on_line(stops[0], stops[0].note))
    todo = [row for row in planned if row.what in ("link", "address")]
    with transaction.atomic(), audit.context(note=reason, reference=new_reference()):
        people = _locked(todo)
        for row in todo:
            _carry_out_one(row, people, reason, by)
    linked = {row.key for row in todo if row.what == "link"}
    ended = [linking.end_sessions(people[key]) for key in linked]
    return Done(len(linked), len(todo) - len(linked), store_failed=not all(ended))


def _locked(todo: Iterable[Planned]) -> Mapping[Any, Any]:
    keys = sorted({row.key for row in todo})
    found = users.everyone().filter(pk__in=keys).select_for_update().order_by("pk")
    return {user.pk: user for user in found}


def _carry_out_one(row: Planned, people: Mapping[Any, Any], reason: str, by: Any) -> None:
    user = people.get(row.key)
    try:
        if user is None:
            raise OperatorError(_("Someone has deleted the person meanwhile."))
        if row.what == "link":
            linking.exchange(user, row.uid, reason, by=by, seen=row.seen)
        else:
            _readdress(user, row, reason, by)
    except (OperatorError, IntegrityError) as problem:
        why = str(problem)
        if isinstance(problem, IntegrityError):
            why = _("Another user has it now.")
        raise OperatorError(_on_line(row, f"{row.person}: {why}")) from None


def _on_line(row: Planned, why: str) -> str:
    return _("Line %(line)d: %(why)s") % {"line": row.line, "why": why}


def _readdress(user: Any, row: Planned, reason: str, by: Any) -> None:
    if email_of(user) != row.seen:
        raise OperatorError(_("Someone has changed the address meanwhile: look at it again."))
    field = email_field()
    setattr(user, field, row.new)
    with transaction.atomic():
        user.save(update_fields=[field])
    linking.write_history(user, f"Email address {row.seen} replaced by {row.new}: {reason}", by)


def of_tenant(tid: str) -> list[str]:
    """The addresses of everyone bound to an identity of this tenant."""
    start = f"{tid.lower()}:"
    return sorted(one.email for one in all_candidates() if one.identity.startswith(start))
