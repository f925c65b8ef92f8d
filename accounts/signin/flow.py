"""What a sign-in does with the users and identities here: decide who is matched, and bind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from allauth.socialaccount.models import SocialAccount

from ..conf import conf
from ..entra.tokens import Claims
from ..reasons import Refused
from ..stores import transaction
from . import identities, mapping
from .bindings import identity_of
from .mapping import Judged
from .policy import Admit, Candidate, Decision, Refuse, Rules, decide


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in; `account` is the identity bound to them, None when it is to be bound."""

    user: Any
    account: SocialAccount | None
    note: str
    judged: Judged | None = None


def admit(claims: Claims, rules: Rules) -> Admission:
    """The user whom the policy admits, with the rights of their app roles; raises Refused."""
    matched = identities.MatchedUsers(claims)
    by_roles = mapping.judged(matched.users, claims)
    people = [_as_judged(person, by_roles.get(person.user_id)) for person in matched.candidates]
    decision = decide(claims, rules, people)
    judged, account = by_roles.get(decision.user_id), matched.accounts.get(decision.user_id)
    decision = _with_role(decision, judged)
    if isinstance(decision, Refuse):
        if judged and account and account.uid == identity_of(claims):
            _take_rights(judged, claims)
        cause, user_id = decision.cause, decision.user_id
        raise Refused(decision.code, decision.detail, user_id=user_id, cause=cause)
    note = " ".join(filter(None, (decision.note, judged.note if judged else "")))
    user = matched.users[decision.user_id]
    return Admission(user, None if decision.bind else account, note, judged)


def _as_judged(person: Candidate, judged: Judged | None) -> Candidate:
    return replace(person, is_staff=judged.outcome.rights.staff) if judged else person


def _with_role(decision: Decision, judged: Judged | None) -> Decision:
    """With ROLES_REQUIRED nobody gets in without a role; where roles keep somebody out, say so."""
    if judged is None or (isinstance(decision, Refuse) and decision.code != "user_not_staff"):
        return decision
    is_mapped = judged.outcome.state != "off"
    if is_mapped and not judged.outcome.roles and conf.ROLES_REQUIRED:
        return Refuse("role_missing", mapping.missing(judged.outcome), decision.user_id)
    if isinstance(decision, Admit):
        return decision
    why = judged.note if judged.outcome.roles else mapping.missing(judged.outcome)
    return replace(decision, detail="; ".join(filter(None, (decision.detail, why))))


def _take_rights(judged: Judged, claims: Claims) -> None:
    """Whoever is refused loses in open sessions, too, what their roles no longer give.

    Nothing is given by it, and only for the identity that is bound to the user.
    """
    less = replace(judged.outcome, rights=judged.outcome.rights & judged.held.rights)
    with transaction.atomic():
        mapping.apply(replace(judged, outcome=less), claims.client_id)


def confirm(claims: Claims, rules: Rules, user_id: Any) -> None:
    """Let the person who is in go on, or raise Refused: the same rules as at the sign-in.

    Brings what is kept of the claims up to date; binds nobody.
    """
    admission = admit(claims, rules)
    if admission.account is None or admission.user.pk != user_id:
        raise Refused("session_changed", "identity: no longer bound to the user who is signed in")
    with transaction.atomic():
        settle(admission, claims)


def settle(admission: Admission, claims: Claims) -> SocialAccount:
    """Bind the identity, or bring what is kept of its claims up to date; in a transaction.

    Raises IntegrityError when another sign-in came first: the person is to be decided on again.
    """
    if admission.judged is not None:
        mapping.apply(admission.judged, claims.client_id)
    if admission.account is None:
        return identities.bind(admission.user, claims)
    identities.refresh(admission.account, claims)
    return admission.account
