"""Who gets in: one pure function over frozen values.

`decide` takes the verified claims, the site's rules and the users they could belong to, and returns
Admit or Refuse. It follows docs/architecture.md, Who gets in, 3 to 7. Whoever is not admitted by
the last step is refused.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..ids import CONSUMER_TENANT
from .bindings import names_of, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..entra.claims import Claims
    from .bindings import Binding

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NO_TENANT = (
    "identity: bound by its object ID alone, and several tenants are allowed:"
    " ./manage.py staff adopt --from allauth --tenant GUID"
)
BOUND_ELSEWHERE = "identity: the user is bound in tenant "  # the organization may have moved
_NO_DOMAINS: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rules:
    """Whom this site allows: `domains` are the mail domains that each tenant owns, by tid."""

    tenants: frozenset[str]
    allow_guests: bool = False
    domains: Mapping[str, frozenset[str]] = field(default_factory=lambda: _NO_DOMAINS)
    superusers_by_oid: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A user whom the claims could name; `identity` is the uid bound to them, or ""."""

    user_id: Any
    email: str
    identity: str = ""
    is_active: bool = True
    is_staff: bool = True
    is_superuser: bool = False


@dataclass(frozen=True, slots=True)
class Admit:
    """Let this user in; `bind` the identity to them first when it is new."""

    user_id: Any
    bind: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Keep this person out; `code`, `detail` and `cause` are those of reasons.Refused."""

    code: str
    detail: str = ""
    user_id: Any = None
    cause: str = ""


Decision = Admit | Refuse


def decide(claims: Claims, rules: Rules, candidates: Iterable[Candidate]) -> Decision:
    """Admit or refuse the person of these verified claims."""
    people = tuple(candidates)
    return (
        _refuse_tenant(claims, rules)
        or _refuse_guest(claims, rules)
        or _refuse_unverified(claims)
        or _known(claims, rules, people)
        or _new(claims, rules, people)
    )


def claimed_email(claims: Claims) -> str:
    """`email`, or `preferred_username` only where `email` is absent, null or empty; else ""."""
    return claims.email or claims.preferred_username or ""


def same_email(one: str, other: str) -> bool:
    """Equal when ASCII case is ignored and nothing else: no trimming, no Unicode folding."""
    return one.translate(_ASCII_LOWER) == other.translate(_ASCII_LOWER)


def is_guest(claims: Claims) -> bool:
    """A B2B guest: another identity provider vouches, or the tenant says acct 1."""
    return claims.acct == 1 or (bool(claims.idp) and claims.idp != claims.issuer)


def _refuse_tenant(claims: Claims, rules: Rules) -> Refuse | None:
    if claims.tid == CONSUMER_TENANT:
        return Refuse("wrong_tenant", "tid: a personal Microsoft account")
    if claims.tid not in rules.tenants:
        return Refuse("wrong_tenant", "tid: not one of MICROSOFT_ALLOWED_TENANTS")
    return None


def _refuse_guest(claims: Claims, rules: Rules) -> Refuse | None:
    if is_guest(claims) and not rules.allow_guests:
        return Refuse("guest_not_allowed", "idp or acct: a guest of the tenant")
    return None


def _refuse_unverified(claims: Claims) -> Refuse | None:
    if claims.email_verified is False or claims.xms_edov is False:
        return Refuse("no_email", "email: declared unverified by email_verified or xms_edov")
    return None


def _known(claims: Claims, rules: Rules, people: tuple[Candidate, ...]) -> Decision | None:
    """A bound identity is that user, whatever the email is now, and never anyone else.

    An object ID that was bound without a tenant counts only where a single tenant is allowed.
    """
    complete, *partial = names_of(claims)
    bound = [person for person in people if person.identity == complete]
    bound = bound or [person for person in people if person.identity in partial]
    if not bound:
        return None
    if len(bound) > 1:
        return Refuse("identity_conflict", "identity: bound to more than one user")
    if bound[0].identity == claims.oid and len(rules.tenants) > 1:
        return Refuse("identity_conflict", _NO_TENANT, bound[0].user_id)
    notes = (_completed(bound[0]), _moved(claims, bound[0], people))
    return _if_staff(bound[0], bind=False, note=" ".join(filter(None, notes)))


def _new(claims: Claims, rules: Rules, people: tuple[Candidate, ...]) -> Decision:
    """An unknown identity is bound to the one unbound user who has its email."""
    email = claimed_email(claims)
    if not email:
        return Refuse("no_email", "email: neither email nor preferred_username")
    if not _owns_domain(claims, rules, email):
        return Refuse("email_not_owned", _why_not_owned(claims, rules))
    matches = [person for person in people if same_email(person.email, email)]
    if len(matches) > 1:
        return Refuse("ambiguous_email", "email: more than one user has it")
    if not matches:
        return Refuse("unknown_user", _no_user_has(claims))
    return _if_unbound(matches[0], claims, rules)


def _no_user_has(claims: Claims) -> str:
    """The detail, with the cause where the address shows it."""
    detail = "email: no user has it"
    if not claims.email:
        return f"{detail}: the token has no email claim, so preferred_username counted"
    spaced = claims.email != claims.email.strip()
    return f"{detail}: at Microsoft it begins or ends with a space" if spaced else detail


def _owns_domain(claims: Claims, rules: Rules, email: str) -> bool:
    """With several tenants, each may claim addresses of its own domains only (nOAuth)."""
    domains = rules.domains.get(claims.tid, frozenset())
    if len(rules.tenants) == 1 and not domains:
        return True
    # xms_edov is about the email claim, not about preferred_username, which may replace it.
    is_vouched_for = claims.xms_edov is True and bool(claims.email)
    return is_vouched_for or email.rpartition("@")[2].translate(_ASCII_LOWER) in domains


def _why_not_owned(claims: Claims, rules: Rules) -> str:
    if rules.domains.get(claims.tid):
        return "email: its domain is not among those listed for the person's tenant"
    return "email: no domain is listed for the person's tenant"


def _if_unbound(person: Candidate, claims: Claims, rules: Rules) -> Decision:
    if not person.identity:
        return _first(person, rules)
    bound = read(person.identity)
    if bound.tid in ("", claims.tid):
        return Refuse("identity_conflict", _why_another(bound, claims), person.user_id)
    tid = bound.tid
    detail = f"{BOUND_ELSEWHERE}{tid}: has the organization moved to this one?"
    return Refuse("identity_conflict", detail, person.user_id, cause="tenant_moved")


def _why_another(bound: Binding, claims: Claims) -> str:
    if bound.tid:
        return "identity: the user is bound to another one"
    if bound.oid:
        return "identity: the user is bound to another object ID, by allauth's own provider"
    if not bound.sub:
        return "identity: the user is bound to another one, in a form that is not known"
    if bound.client_id == claims.client_id:
        return "identity: the user is expected with another sub, adopted from another package"
    return f"identity: the user's sub was adopted for the client ID {bound.client_id}, not this one"


def _first(person: Candidate, rules: Rules) -> Decision:
    if person.is_superuser and rules.superusers_by_oid:
        why = "identity: a superuser whose object ID was not entered (SUPERUSER_FIRST_SIGN_IN)"
        return Refuse("identity_conflict", why, person.user_id)
    return _if_staff(person, bind=True)


def _if_staff(person: Candidate, *, bind: bool, note: str = "") -> Decision:
    if not person.is_active:
        return Refuse("user_inactive", "user: is_active is off", person.user_id)
    if not person.is_staff:
        return Refuse("user_not_staff", "user: is_staff is off", person.user_id)
    return Admit(person.user_id, bind=bind, note=note)


def _completed(bound: Candidate) -> str:
    binding = read(bound.identity)
    if binding.tid:
        return ""
    return f"identity: known by its {'object ID' if binding.oid else 'sub'} alone until now"


def _moved(claims: Claims, bound: Candidate, people: tuple[Candidate, ...]) -> str:
    email = claimed_email(claims)
    others = [person for person in people if person is not bound]
    if email and any(same_email(person.email, email) for person in others):
        return "email: now names another user here; the identity keeps its own"
    return ""
