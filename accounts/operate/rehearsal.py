"""The go-live rehearsal: which people of an export from Entra could sign in, and why not.

The sign-in's own policy decides on each, with the claims that Entra would send and the users as
they are now. Nothing is written, and Microsoft is not asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils.translation import gettext as _

from .. import registration, users
from ..conf import conf
from ..display.naming import as_set_here
from ..entra.claims import Claims
from ..entra.errors import hint_for, reason_for
from ..ids import is_guid
from ..reasons import REASONS, Refused
from ..signin import mapping
from ..signin.bindings import identity_of, names_of
from ..signin.policy import Candidate, Refuse, Rules, claimed_email, decide, same_email
from ..signin.roles import HeldRights, Rights, Table
from . import linking
from .candidates import Candidates, all_candidates, normalized
from .entra_export import Exported, read_export, unjudged
from .roles import held_with, in_words

DISABLED_AT_ENTRA: Final = 50057  # the AADSTS number that such a person meets


@dataclass(frozen=True, slots=True)
class Foreseen:
    """The outcome of one person's sign-in: `reason` is "" where it is admitted."""

    line: int
    name: str
    email: str
    reason: str = ""
    fix: str = ""
    detail: str = ""
    notes: tuple[str, ...] = ()
    user_id: Any = None
    oid: str = ""

    @property
    def gets_in(self) -> bool:
        """Whether the policy would admit them."""
        return not self.reason


@dataclass(frozen=True, slots=True)
class Collision:
    """Several people of the file with one address, perhaps in another case."""

    emails: tuple[str, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`missing` are users who could sign in, without a match in the file."""

    people: tuple[Foreseen, ...]
    collisions: tuple[Collision, ...]
    missing: tuple[Candidate, ...]
    unjudged: tuple[str, ...] = ()  # columns that the file lacks, and what they are for

    def counts(self) -> dict[str, int]:
        """How many get in ("in"), and how many are refused, by reason."""
        return dict(Counter(person.reason or "in" for person in self.people))


@dataclass(frozen=True, slots=True)
class ByRoles:
    """The effect of app roles on one user: `change` in words, or ""."""

    is_staff: bool
    change: str = ""
    is_missing: bool = False  # no mapped role, with ROLES_REQUIRED


Judge = Callable[["Exported", Candidate], "ByRoles | None"]


def rehearse(
    exported: Iterable[Exported],
    candidates: Sequence[Candidate],
    rules: Rules,
    tenant: str,
    by_roles: Judge | None = None,
) -> Report:
    """The outcome for everyone; `tenant` is the tid of their tokens."""
    file, index = tuple(exported), Candidates(candidates)
    collisions = tuple(_collisions(file))
    shared = {line: c for c in collisions for line in c.lines}
    foreseen = (_foresee(person, index, rules, tenant, shared, by_roles) for person in file)
    people = tuple(foreseen)
    return Report(people, collisions, tuple(_missing(people, candidates)))


def _matching(index: Candidates, claims: Claims) -> list[Candidate]:
    """As at sign-in: the user bound to the identity, and those with the address."""
    bound = next(filter(None, map(index.by_identity.get, names_of(claims))), None)
    named = index.with_email(claimed_email(claims))
    return [bound, *(user for user in named if user is not bound)] if bound else named


def claims_of(person: Exported, tenant: str) -> Claims:
    """The claims that Entra would send of this person."""
    oid = person.oid or f"line-{person.line}"
    return Claims(
        tid=tenant,
        oid=oid,
        sub=oid,
        issuer="",
        email=person.mail or None,
        preferred_username=person.upn or None,
        name=person.name,
        idp=None,
        acct=int(person.is_guest),
        email_verified=None,
        xms_edov=None,
    )


def _foresee(
    person: Exported,
    index: Candidates,
    rules: Rules,
    tenant: str,
    shared: Mapping[int, Collision],
    by_roles: Judge | None,
) -> Foreseen:
    claims = claims_of(person, tenant)
    known = _matching(index, claims)
    judged = {user.user_id: by_roles(person, user) if by_roles else None for user in known}
    candidates = [_with_roles(user, judged[user.user_id]) for user in known]
    if not person.oid:
        candidates = [_with_identity(user, claims) for user in candidates]
    decision = decide(claims, rules, candidates)
    foreseen = Foreseen(
        person.line,
        person.name,
        claimed_email(claims),
        user_id=decision.user_id,
        oid=person.oid,
        **_refusal(person, decision, judged.get(decision.user_id)),
    )
    notes = [*person.unclear, *_notes(foreseen, known, index, shared.get(person.line))]
    if isinstance(decision, Refuse) and decision.code == "unknown_user":
        notes += _by_sign_in_name(person, foreseen.email, index)
    if (rights := judged.get(decision.user_id)) and rights.change:
        notes.append(rights.change)
    return replace(foreseen, notes=tuple(notes))


def _refusal(person: Exported, decision: Any, rights: ByRoles | None) -> dict[str, Any]:
    """The reason, its fix and its detail; {} where the person is admitted."""
    if not person.enabled:
        code, number = reason_for([DISABLED_AT_ENTRA], "")
        return {"reason": code, "fix": as_set_here(hint_for(number))}
    if rights and rights.is_missing and _would_else_get_in(decision):
        return {"reason": "role_missing", "fix": as_set_here(REASONS["role_missing"].fix)}
    if isinstance(decision, Refuse):
        fix, detail = as_set_here(REASONS[decision.code].fix), as_set_here(decision.detail)
        return {"reason": decision.code, "fix": fix, "detail": detail}
    return {}


def _would_else_get_in(decision: Any) -> bool:
    return not isinstance(decision, Refuse) or decision.code == "user_not_staff"


def _with_roles(user: Candidate, rights: ByRoles | None) -> Candidate:
    return replace(user, is_staff=rights.is_staff) if rights else user


def _by_sign_in_name(person: Exported, email: str, index: Candidates) -> Iterable[str]:
    """Microsoft sends the mail if there is one: then the sign-in name matches nobody."""
    for user in index.alike(person.upn) if not same_email(person.upn, email) else ():
        text = _(
            "the sign-in name %(upn)s is the address of a user here, but Microsoft sends the mail:"
            " give the user %(user)s the address %(email)s"
        )
        yield text % {"upn": repr(person.upn), "user": repr(user.email), "email": repr(email)}


def _with_identity(user: Candidate, claims: Claims) -> Candidate:
    """Without an id in the file, the user's identity is taken to be this person's."""
    return replace(user, identity=identity_of(claims)) if user.identity else user


def _notes(
    foreseen: Foreseen, known: Sequence[Candidate], index: Candidates, collision: Collision | None
) -> Iterable[str]:
    for user in known:
        if user.user_id == foreseen.user_id and user.email != foreseen.email:
            yield _named_differently(user, foreseen)
    for user in index.alike(foreseen.email):
        if not same_email(user.email, foreseen.email):
            text = _("looks like the user %(user)s, but is another address")
            yield text % {"user": repr(user.email)}
    if collision:
        others = ", ".join(str(line) for line in collision.lines if line != foreseen.line)
        text = _("has the address of line %(lines)s, case apart: who signs in first gets the user")
        yield text % {"lines": others}


def _named_differently(user: Candidate, foreseen: Foreseen) -> str:
    if same_email(user.email, foreseen.email):
        text = _("differs only by case from the user %(user)s: fine")
    else:
        text = _("is linked to the user %(user)s, and stays so")
    return text % {"user": repr(user.email)}


def _collisions(file: Iterable[Exported]) -> Iterable[Collision]:
    by_normalized: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for person in file:
        if email := person.mail or person.upn:
            by_normalized[normalized(email)].append((email, person.line))
    for found in by_normalized.values():
        if len(found) > 1:
            emails, lines = zip(*found, strict=True)
            yield Collision(tuple(sorted(set(emails))), lines)


def _missing(people: Iterable[Foreseen], users: Iterable[Candidate]) -> Iterable[Candidate]:
    matched = {person.user_id for person in people if person.gets_in}
    return (u for u in users if u.is_active and u.is_staff and u.user_id not in matched)


# --- reading and writing -------------------------------------------------------------------------


def preview(text: str, tenant: str = "", table: Table | None = None) -> Report:
    """Rehearse with an export's text and the mapping in force, or a draft. Raises OperatorError."""
    tid = tenant.lower() or linking.only_tenant()
    people = read_export(text)
    if not is_guid(tid):  # identities are bound by a GUID, so object IDs cannot be compared
        people = tuple(replace(person, oid="") for person in people)
    has_roles = any(one.roles is not None for one in people)
    judge = _by_mapping(mapping.table() if table is None else table) if has_roles else None
    report = rehearse(people, list(all_candidates()), _rules(tid), tid, judge)
    return replace(report, unjudged=unjudged(text))


def _by_mapping(table: Table) -> Judge | None:
    """The effect of the mapping on each user with the roles of the file."""
    if not table:
        return None
    found = {user.pk: user for user in users.everyone()}
    held = mapping.held_by(found)

    def judge(person: Exported, user: Candidate) -> ByRoles | None:
        if person.roles is None:
            return None
        holding = held[user.user_id]
        outcome = held_with(table, holding, person.roles)
        outcome = mapping.safeguarded(found[user.user_id], holding, outcome)
        missing = conf.ROLES_REQUIRED and not outcome.roles
        return ByRoles(outcome.rights.staff, _change(holding.rights, outcome), missing)

    return judge


def _change(held: Rights, outcome: HeldRights) -> str:
    names = ", ".join(outcome.roles) or "no mapped role"
    if outcome.rights == held:
        return f"{names}: rights stay" if not outcome.note else f"{names}: {outcome.note}"
    words = f"{names}: {in_words(held)} becomes {in_words(outcome.rights)}"
    return f"{words}; {outcome.note}" if outcome.note else words


def link_all(report: Report, tenant: str = "") -> Iterator[str]:
    """Bind everyone who would get in to their object ID, one by one.

    Yields "" for each who is bound now, or why not. Raises linking.WhichTenant.
    """
    tid = linking.tenant_of(tenant)
    chosen = [person for person in report.people if person.gets_in and person.oid]
    people = users.everyone().in_bulk([person.user_id for person in chosen])
    for person in (one for one in chosen if one.user_id in people):
        try:
            if linking.bind_ahead(people[person.user_id], tid, person.oid):
                yield ""
        except linking.CannotLink as problem:
            yield f"line {person.line}, {person.email}: {problem}"


def _rules(tenant: str) -> Rules:
    """The rules in force; without an app, those of the environment."""
    try:
        return registration.rules_for(registration.in_force(), named=tenant)
    except Refused:
        tenants = conf.MICROSOFT_ALLOWED_TENANTS or frozenset({tenant})
        return Rules(tenants, allow_guests=conf.MICROSOFT_ALLOW_GUESTS)
