"""What a sign-in does with the users and identities here: decide who is matched, and bind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import transaction
from ..conf import conf
from ..reasons import Refused
from . import identities, mapping
from .bindings import identity_of
from .policy import Refuse, claimed_email, decide
from .roles import Rights

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialAccount

    from ..entra.tokens import Claims
    from .mapping import Held
    from .policy import Candidate, Rules
    from .roles import Outcome


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in; `account` is the identity bound to them, None when it is to be bound."""

    user: Any
    account: SocialAccount | None
    note: str
    rights: tuple[Held, Outcome] | None = None


def admit(claims: Claims, rules: Rules) -> Admission:
    """The user whom the policy admits, with the rights of their app roles; raises Refused."""
    matched = identities.MatchedUsers(claims)
    judged = _judged(matched, claims)
    decision = decide(claims, rules, tuple(_as_judged(one, judged) for one in matched.candidates))
    if isinstance(decision, Refuse):
        raise _refused(decision, matched, judged, claims)
    rights = judged.get(decision.user_id)
    _check_role(rights, matched, judged, claims, decision.user_id)
    account = None if decision.bind else matched.accounts.get(decision.user_id)
    note = " ".join(filter(None, (decision.note, _roles_note(rights))))
    return Admission(matched.users[decision.user_id], account, note, rights)


def _refused(
    decision: Refuse,
    matched: identities.MatchedUsers,
    judged: dict[Any, tuple[Held, Outcome]],
    claims: Claims,
) -> Refused:
    """The policy's refusal; where it is their roles that keep somebody out, that is said."""
    rights, user_id = judged.get(decision.user_id), decision.user_id
    detail = decision.detail
    if decision.code == "user_not_staff" and rights is not None:
        _check_role(rights, matched, judged, claims, user_id)
        note = mapping.missing(rights[1], mapping.table().rows)
        detail = "; ".join(filter(None, (detail, _roles_note(rights) if rights[1].roles else note)))
    _take_at_the_door(matched, judged, claims, user_id)
    return Refused(decision.code, detail, user_id=user_id, cause=decision.cause)


def _roles_note(rights: tuple[Held, Outcome] | None) -> str:
    """For the record: which mapped roles came, and what was remarkable."""
    if rights is None:
        return ""
    names = f"roles: {', '.join(rights[1].roles)}" if rights[1].roles else ""
    return "; ".join(filter(None, (names, rights[1].note)))


def _judged(matched: identities.MatchedUsers, claims: Claims) -> dict[Any, tuple[Held, Outcome]]:
    found = mapping.outcomes(matched.users, claims)
    return {
        pk: (held, mapping.guarded(matched.users[pk], held, outcome))
        for pk, (held, outcome) in found.items()
    }


def _as_judged(person: Candidate, judged: dict[Any, tuple[Held, Outcome]]) -> Candidate:
    found = judged.get(person.user_id)
    return replace(person, is_staff=found[1].after.staff) if found else person


def _check_role(
    rights: tuple[Held, Outcome] | None,
    matched: identities.MatchedUsers,
    judged: dict[Any, tuple[Held, Outcome]],
    claims: Claims,
    user_id: Any,
) -> None:
    """With ROLES_REQUIRED nobody gets in without a role that is mapped."""
    if rights is None or rights[1].roles or not conf.ROLES_REQUIRED:
        return
    _take_at_the_door(matched, judged, claims, user_id)
    detail = mapping.missing(rights[1], mapping.table().rows)
    raise Refused("role_missing", detail, user_id=user_id)


def _take_at_the_door(
    matched: identities.MatchedUsers,
    judged: dict[Any, tuple[Held, Outcome]],
    claims: Claims,
    user_id: Any,
) -> None:
    """Whoever is refused for what their roles no longer give loses it in open sessions, too.

    Only the identity that is bound to the user takes anything from them.
    """
    found, account = judged.get(user_id), matched.accounts.get(user_id)
    if found is None or account is None or account.uid != identity_of(claims):
        return
    held, outcome = found
    less = replace(outcome, after=_of_both(outcome.after, held.rights))
    with transaction.atomic():
        mapping.apply(matched.users[user_id], held, less, claims.client_id)


def _of_both(one: Rights, other: Rights) -> Rights:
    """Signing in gives nothing by itself."""
    return Rights(
        one.staff and other.staff, one.superuser and other.superuser, one.groups & other.groups
    )


def confirm(claims: Claims, rules: Rules, user_id: Any) -> None:
    """Let the person who is in go on, or raise Refused: the same rules as at the sign-in.

    Brings what is kept of the claims up to date; binds nobody.
    """
    admission = admit(claims, rules)
    if admission.account is None or admission.user.pk != user_id:
        raise Refused("session_changed", "identity: no longer bound to the user who is signed in")
    with transaction.atomic():
        _apply_rights(admission, claims)
        identities.refresh(admission.account, claims)


def settle(admission: Admission, claims: Claims) -> SocialAccount:
    """Bind the identity, or bring what is kept of its claims up to date; in a transaction.

    Raises IntegrityError when another sign-in came first: the person is to be decided on again.
    """
    _apply_rights(admission, claims)
    if admission.account is None:
        return identities.bind(admission.user, claims)
    identities.refresh(admission.account, claims)
    return admission.account


def _apply_rights(admission: Admission, claims: Claims) -> None:
    if admission.rights is not None:
        mapping.apply(admission.user, *admission.rights, claims.client_id)


def names_of(claims: Claims) -> tuple[str, str, str]:
    """Email, tid and oid, as the record keeps them."""
    return claimed_email(claims), claims.tid, claims.oid
