"""The go-live rehearsal: of these people exported from Entra, who would get in, and why not.

Each is put to the very policy that decides at sign-in, with claims made up as Entra would
send them and the users who are here now. Nothing is written, nobody at Microsoft is asked.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db.models import OuterRef
from django.utils.translation import gettext as _

from .. import registration, users
from ..conf import conf
from ..display.naming import as_set_here
from ..entra.claims import Claims
from ..entra.errors import hint_for, reason_for
from ..ids import is_guid
from ..reasons import REASONS, Refused
from ..signin import mapping, roles
from ..signin.bindings import identity_of, names_of
from ..signin.identities import identity_of_user
from ..signin.policy import Candidate, Refuse, Rules, claimed_email, decide, same_email
from ..signin.roles import HeldRights, Rights, Table, TokenRoles
from . import linking
from .entra_export import Exported, read_export, unjudged
from .roles import in_words

_CHUNK: Final = 500
DISABLED_AT_ENTRA: Final = 50057  # the AADSTS number that such a person meets


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would become of one person: `reason` is "" for whoever gets in."""

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
    """Several people of the file with one address, equal but for case perhaps."""

    emails: tuple[str, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`missing` are users here who could sign in, whom nobody in the file would become."""

    people: tuple[Foreseen, ...]
    collisions: tuple[Collision, ...]
    missing: tuple[Candidate, ...]
    unjudged: tuple[str, ...] = ()  # columns that the file has not, and what they are for

    def counts(self) -> dict[str, int]:
        """How many get in ("in"), and how many are refused, by reason."""
        counted: defaultdict[str, int] = defaultdict(int)
        for person in self.people:
            counted[person.reason or "in"] += 1
        return dict(counted)


@dataclass(frozen=True, slots=True)
class ByRoles:
    """What a person's app roles would make of one user: `change` in words, "" for none."""

    is_staff: bool
    change: str = ""
    is_missing: bool = False  # and ROLES_REQUIRED is on


Judge = Callable[["Exported", Candidate], "ByRoles | None"]


def rehearse(
    exported: Iterable[Exported],
    candidates: Sequence[Candidate],
    rules: Rules,
    tenant: str,
    by_roles: Judge | None = None,
) -> Report:
    """Foresee everyone; `tenant` is the tid that they come from."""
    file, index = tuple(exported), _Index(candidates)
    collisions = tuple(_collisions(file))
    shared = {line: c for c in collisions for line in c.lines}
    foreseen = (_foresee(person, index, rules, tenant, shared, by_roles) for person in file)
    people = tuple(foreseen)
    return Report(people, collisions, tuple(_missing(people, candidates)))


class _Index:
    """The site's users, by identity, by address, and by what an address looks like."""

    def __init__(self, users: Iterable[Candidate]) -> None:
        self.by_identity: dict[str, Candidate] = {}
        self.by_normalized: defaultdict[str, list[Candidate]] = defaultdict(list)
        for user in users:
            self.by_identity[user.identity] = user
            self.by_normalized[normalized(user.email)].append(user)

    def candidates(self, claims: Claims) -> list[Candidate]:
        """As at sign-in: whoever is bound to the identity, and whoever has the address."""
        bound = next(filter(None, map(self.by_identity.get, names_of(claims))), None)
        email = claimed_email(claims)
        named = [user for user in self.alike(email) if same_email(user.email, email)]
        return [bound, *(u for u in named if u is not bound)] if bound else named

    def alike(self, email: str) -> list[Candidate]:
        """Users whose address looks the same, whether or not it is."""
        return self.by_normalized.get(normalized(email), []) if email else []


def normalized(email: str) -> str:
    """What an address looks like to a person: case, blanks and look-alike forms ignored."""
    return unicodedata.normalize("NFKC", email).strip().casefold()


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
    index: _Index,
    rules: Rules,
    tenant: str,
    shared: Mapping[int, Collision],
    by_roles: Judge | None,
) -> Foreseen:
    claims = claims_of(person, tenant)
    known = index.candidates(claims)
    judged = {user.user_id: by_roles(person, user) if by_roles else None for user in known}
    candidates = [_with_roles(user, judged[user.user_id]) for user in known]
    if not person.oid:
        candidates = [_as_theirs(user, claims) for user in candidates]
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
    """The reason, its fix and its detail; {} for whoever gets in."""
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


def _by_sign_in_name(person: Exported, email: str, index: _Index) -> Iterable[str]:
    """Microsoft sends the mail where there is one: the sign-in name alone fits nobody."""
    for user in index.alike(person.upn) if not same_email(person.upn, email) else ():
        text = _(
            "the sign-in name %(upn)s is the address of a user here, but Microsoft sends the mail:"
            " give the user %(user)s the address %(email)s"
        )
        yield text % {"upn": repr(person.upn), "user": repr(user.email), "email": repr(email)}


def _as_theirs(user: Candidate, claims: Claims) -> Candidate:
    """Without an id in the file, an identity that is bound already counts as this person's."""
    return replace(user, identity=identity_of(claims)) if user.identity else user


def _notes(
    foreseen: Foreseen, known: Sequence[Candidate], index: _Index, collision: Collision | None
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
    """The rehearsal of an export's text, with the mapping in force, or with this draft of one.

    Raises OperatorError.
    """
    tid = tenant.lower() or linking.only_tenant()
    people = read_export(text)
    if not is_guid(tid):  # identities are bound under a GUID: these cannot be compared
        people = tuple(replace(person, oid="") for person in people)
    has_roles = any(one.roles is not None for one in people)
    judge = _by_mapping(mapping.table() if table is None else table) if has_roles else None
    report = rehearse(people, list(all_candidates()), _rules(tid), tid, judge)
    return replace(report, unjudged=unjudged(text))


def _by_mapping(table: Table) -> Judge | None:
    """What the mapping would make of each user with the roles of the file."""
    if not table:
        return None
    found = {user.pk: user for user in users.everyone()}
    held = mapping.held_by(found)
    seen = replace(table, seen=frozenset({""}))

    def judge(person: Exported, user: Candidate) -> ByRoles | None:
        if person.roles is None:
            return None
        holding, token_roles = held[user.user_id], TokenRoles(person.roles, person.roles)
        outcome = roles.rights_after(seen, "", token_roles, holding.rights, holding.given)
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


def link_all(report: Report, tenant: str = "") -> tuple[int, list[str]]:
    """Bind everyone who would get in to their object ID now; how many, and what went wrong."""
    tid, linked, problems = linking.tenant_of(tenant), 0, []
    people = users.everyone().in_bulk([p.user_id for p in report.people if p.gets_in and p.oid])
    for person in report.people:
        if not (person.gets_in and person.oid and person.user_id in people):
            continue
        try:
            linked += linking.bind_ahead(people[person.user_id], tid, person.oid)
        except linking.CannotLink as problem:
            problems.append(f"line {person.line}, {person.email}: {problem}")
    return linked, problems


def all_candidates() -> Iterator[Candidate]:
    """Every user as the policy sees them."""
    found = users.everyone().annotate(bound_identity=identity_of_user(OuterRef("pk")))
    for user in found.iterator(chunk_size=_CHUNK):
        yield Candidate(
            user.pk,
            users.email_of(user),
            user.bound_identity or "",
            user.is_active,
            users.is_staff(user),
            users.is_superuser(user),
        )


def _rules(tenant: str) -> Rules:
    """The rules in force; those of the environment when no app is set up yet."""
    try:
        return registration.rules_for(registration.in_force(), named=tenant)
    except Refused:
        tenants = conf.MICROSOFT_ALLOWED_TENANTS or frozenset({tenant})
        return Rules(tenants, allow_guests=conf.MICROSOFT_ALLOW_GUESTS)
