"""The story of a sign-in once the claims are verified: decide, bind, record, enter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import IntegrityError, transaction

from accounts.reasons import Refused
from accounts.signin import identities, record
from accounts.signin.policy import Admit, Refuse, claimed_email, decide

if TYPE_CHECKING:
    from collections.abc import Callable

    from allauth.socialaccount.models import SocialAccount

    from accounts.entra.tokens import Claims
    from accounts.models import SignIn
    from accounts.signin.policy import Decision, Rules
    from accounts.signin.record import Attempt

Entered = TypeVar("Entered")


class Kept(Refused):
    """A refusal by the policy: it knows which user was meant, if any."""

    def __init__(self, refuse: Refuse) -> None:
        super().__init__(refuse.code, refuse.detail)
        self.user_id = refuse.user_id


def sign_in(
    claims: Claims,
    rules: Rules,
    attempt: Attempt,
    enter: Callable[[Any, SocialAccount], Entered],
) -> Entered:
    """Let the person of these claims in through `enter`, or raise Refused.

    Binding, record and entry are one transaction. A first sign-in that loses the race for a
    user to another one is decided again, once, on what the winner left.
    """
    attempt.email, attempt.tid, attempt.oid = claimed_email(claims), claims.tid, claims.oid
    try:
        return _decide_and_enter(claims, rules, attempt, enter)
    except IntegrityError:
        return _decide_and_enter(claims, rules, attempt, enter)


def confirm(claims: Claims, rules: Rules, attempt: Attempt, user_id: Any) -> None:
    """Let the person who is in go on, or raise Refused: the same rules as at the door.

    Brings what is kept of the claims up to date; writes no sign-in, for there is none.
    """
    attempt.email, attempt.tid, attempt.oid = claimed_email(claims), claims.tid, claims.oid
    meant = identities.Meant(claims)
    admit = _admitted(decide(claims, rules, meant.candidates))
    if admit.user_id != user_id or meant.account is None:
        raise Refused("session_changed", "identity: no longer bound to the user who is signed in")
    identities.refresh(meant.account, claims)


def _decide_and_enter(
    claims: Claims,
    rules: Rules,
    attempt: Attempt,
    enter: Callable[[Any, SocialAccount], Entered],
) -> Entered:
    meant = identities.Meant(claims)
    admit = _admitted(decide(claims, rules, meant.candidates))
    try:
        row, entered = _settle(admit, meant, claims, enter, attempt, write=True)
    except record.RecordNotWritten:
        row, entered = _settle(admit, meant, claims, enter, attempt, write=False)
    record.tell(row, attempt)
    return entered


def _admitted(decision: Decision) -> Admit:
    if isinstance(decision, Refuse):
        raise Kept(decision)
    return decision


def _settle(
    admit: Admit,
    meant: identities.Meant,
    claims: Claims,
    enter: Callable[[Any, SocialAccount], Entered],
    attempt: Attempt,
    *,
    write: bool,
) -> tuple[SignIn, Entered]:
    user = meant.users[admit.user_id]
    with transaction.atomic():
        account = _account(admit, meant, claims, user)
        written = record.admitted if write else record.admitted_unwritten
        return written(attempt, user.pk, admit.note), enter(user, account)


def _account(admit: Admit, meant: identities.Meant, claims: Claims, user: Any) -> SocialAccount:
    if admit.bind or meant.account is None:
        return identities.bind(user, claims)
    identities.refresh(meant.account, claims)
    return meant.account
