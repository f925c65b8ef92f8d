"""Decide which user the verified claims belong to, and bind the identity to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from allauth.socialaccount.models import SocialAccount

from ..conf import conf
from ..entra.claims import Claims
from ..reasons import Refused
from ..stores import transaction
from . import identities, mapping
from .bindings import identity_of
from .mapping import RightsChange
from .policy import Admit, Candidate, Decision, Refuse, Rules, decide


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in; `account` is the identity bound to them, None when it is still to be bound."""

    user: Any
    account: SocialAccount | None
    note: str
    change: RightsChange | None = None


def admit(claims: Claims, rules: Rules) -> Admission:
    """The user whom the policy admits, with the rights of their app roles; raises Refused."""
    matched = identities.MatchedUsers(claims)
    changes = mapping.changes_for(matched.users, claims)
    people = [_with_new_rights(one, changes.get(one.user_id)) for one in matched.candidates]
    decision = decide(claims, rules, people)
    change, account = changes.get(decision.user_id), matched.accounts.get(decision.user_id)
    decision = _with_role(decision, change)
    if isinstance(decision, Refuse):
        if change and account and account.uid == identity_of(claims):
            _take_rights(change, claims)
        cause, user_id = decision.cause, decision.user_id
        raise Refused(decision.code, decision.detail, user_id=user_id, cause=cause)
    note = " ".join(filter(None, (decision.note, change.note if change else "")))
    user = matched.users[decision.user_id]
    return Admission(user, None if decision.bind else account, note, change)


def _with_new_rights(person: Candidate, change: RightsChange | None) -> Candidate:
    return replace(person, is_staff=change.outcome.rights.staff) if change else person


def _with_role(decision: Decision, change: RightsChange | None) -> Decision:
    """Refuse without a role under ROLES_REQUIRED; say where a refusal is due to roles."""
    if change is None or (isinstance(decision, Refuse) and decision.code != "user_not_staff"):
        return decision
    is_mapped = change.outcome.state != "off"
    if is_mapped and not change.outcome.roles and conf.ROLES_REQUIRED:
        return Refuse("role_missing", mapping.missing(change.outcome), decision.user_id)
    if isinstance(decision, Admit):
        return decision
    why = change.note if change.outcome.roles else mapping.missing(change.outcome)
    return replace(decision, detail="; ".join(filter(None, (decision.detail, why))))


def _take_rights(change: RightsChange, claims: Claims) -> None:
    """Take from a user who is refused what their roles no longer give: sessions may be open.

    For the identity that is bound to the user only; nothing is given.
    """
    less = replace(change.outcome, rights=change.outcome.rights & change.held.rights)
    with transaction.atomic():
        mapping.apply(replace(change, outcome=less), claims.client_id)


def confirm(claims: Claims, rules: Rules, user_id: Any) -> None:
    """Apply the rules of a sign-in again to someone who is signed in. Raises Refused.

    Updates the stored claims; binds nobody.
    """
    admission = admit(claims, rules)
    if admission.account is None or admission.user.pk != user_id:
        raise Refused("session_changed", "identity: no longer bound to the user who is signed in")
    with transaction.atomic():
        settle(admission, claims)


def settle(admission: Admission, claims: Claims) -> SocialAccount:
    """Bind the identity, or update its stored claims; for use in a transaction.

    Raises IntegrityError when another sign-in came first: `admit` is to be called again.
    """
    if admission.change is not None:
        mapping.apply(admission.change, claims.client_id)
    if admission.account is None:
        return identities.bind(admission.user, claims)
    identities.refresh(admission.account, claims)
    return admission.account
