"""What a sign-in does with the users and identities here: decide who is meant, and bind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accounts.reasons import Refused
from accounts.signin import identities
from accounts.signin.policy import Refuse, claimed_email, decide

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialAccount

    from accounts.entra.tokens import Claims
    from accounts.signin.policy import Rules


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in; `account` is the identity bound to them, None when it is to be bound."""

    user: Any
    account: SocialAccount | None
    note: str


def admit(claims: Claims, rules: Rules) -> Admission:
    """The user whom the policy admits; raises Refused."""
    meant = identities.Meant(claims)
    decision = decide(claims, rules, meant.candidates)
    if isinstance(decision, Refuse):
        raise Refused(
            decision.code, decision.detail, user_id=decision.user_id, cause=decision.cause
        )
    account = None if decision.bind else meant.account
    return Admission(meant.users[decision.user_id], account, decision.note)


def confirm(claims: Claims, rules: Rules, user_id: Any) -> None:
    """Let the person who is in go on, or raise Refused: the same rules as at the door.

    Brings what is kept of the claims up to date; binds nobody.
    """
    admission = admit(claims, rules)
    if admission.account is None or admission.user.pk != user_id:
        raise Refused("session_changed", "identity: no longer bound to the user who is signed in")
    identities.refresh(admission.account, claims)


def settle(admission: Admission, claims: Claims) -> SocialAccount:
    """Bind the identity, or bring what is kept of its claims up to date; in a transaction.

    Raises IntegrityError when another sign-in came first: the person is to be decided on again.
    """
    if admission.account is None:
        return identities.bind(admission.user, claims)
    identities.refresh(admission.account, claims)
    return admission.account


def names_of(claims: Claims) -> tuple[str, str, str]:
    """Email, tid and oid, as the record keeps them."""
    return claimed_email(claims), claims.tid, claims.oid
