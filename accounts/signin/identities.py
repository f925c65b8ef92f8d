"""Which users an identity could belong to, and binding it to one of them.

The binding is allauth's SocialAccount with uid "tid:oid" (the other forms are in bindings.py). The
database ensures that an identity has one user and a user one identity: by allauth's unique
(provider, uid), and by the partial unique index on the user that this app's migration adds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError
from django.db.models import Case, OuterRef, QuerySet, Subquery, Value, When
from django.utils import timezone

from ..entra.claims import Claims
from ..stores.prepared_queries import Prepared
from ..users import by_email, email_of
from .bindings import identity_of, names_of
from .policy import Candidate, claimed_email, same_email

PROVIDER: Final = "microsoft"

logger = logging.getLogger("django.security.sign_in")


class MatchedUsers:
    """The users that these claims could belong to, read once."""

    def __init__(self, claims: Claims) -> None:
        self.users: dict[Any, AbstractBaseUser] = {}
        self.accounts: dict[Any, SocialAccount] = {}
        self.candidates = tuple(self._candidates(claims))

    def _candidates(self, claims: Claims) -> Iterator[Candidate]:
        for account, identity in _bound_accounts(claims):
            yield self._candidate(account.user, identity)
            self.accounts[account.user_id] = account
            is_complete = account.uid == identity_of(claims)
            if is_complete and same_email(email_of(account.user), claimed_email(claims)):
                return
        for user in _users_with(claimed_email(claims)):
            if user.pk not in self.users:
                yield self._candidate(user, user.bound_identity or "")

    def _candidate(self, user: Any, identity: str) -> Candidate:
        self.users[user.pk] = user
        return Candidate(
            user_id=user.pk,
            email=email_of(user),
            identity=identity,
            is_active=user.is_active,
            is_staff=getattr(user, "is_staff", False),
            is_superuser=getattr(user, "is_superuser", False),
        )


def stored_claims(claims: Claims) -> dict[str, str]:
    """The claims that are stored with the identity."""
    return {
        "tid": claims.tid,
        "oid": claims.oid,
        "email": claims.email or "",
        "preferred_username": claims.preferred_username or "",
        "name": claims.name,
    }


def bind(user: Any, claims: Claims) -> SocialAccount:
    """Bind the identity to the user. Raises IntegrityError when either is bound already.

    A superuser's is logged as a warning: anyone who may change addresses in Entra could cause it.
    """
    account = SocialAccount.objects.create(
        user=user, provider=PROVIDER, uid=identity_of(claims), extra_data=stored_claims(claims)
    )
    if getattr(user, "is_superuser", False):
        facts = {"event": "superuser_bound", "user_id": user.pk, "email": email_of(user)}
        logger.warning(
            "a superuser's first sign-in was bound by email",
            extra={**facts, "tid": claims.tid, "oid": claims.oid},
        )
    return account


def refresh(account: SocialAccount, claims: Claims) -> None:
    """Update the stored claims when they have changed; complete the identity.

    Raises IntegrityError when the identity was unlinked meanwhile.
    """
    if account.uid != identity_of(claims):
        _complete(account, claims)
    elif account.extra_data != stored_claims(claims):
        same = SocialAccount.objects.filter(pk=account.pk, uid=account.uid)
        if not same.update(extra_data=stored_claims(claims), last_login=timezone.now()):
            raise IntegrityError("the identity is gone")


def _complete(account: SocialAccount, claims: Claims) -> None:
    """Replace a uid that has no tid, or an expected sub, by tid and oid; this is audited."""
    same = SocialAccount.objects.select_for_update().filter(pk=account.pk, uid=account.uid)
    row = same.first()
    if row is None:
        raise IntegrityError("the identity is gone, or completed by another sign-in")
    row.uid, row.extra_data = identity_of(claims), stored_claims(claims)
    row.save(update_fields=["uid", "extra_data", "last_login"])


def identity_of_user(user: Any) -> Subquery:
    """The uid bound to the user `user`, for an annotation.

    Beside one with a tenant, one that allauth's own provider stored is ignored.
    """
    return Subquery(accounts_of(user).values("uid")[:1])


def claims_stored_in(account: SocialAccount) -> dict[str, Any]:
    """The stored claims; {} where other code stored none, or no object."""
    return account.extra_data if isinstance(account.extra_data, dict) else {}


def accounts_of(user: Any) -> QuerySet[SocialAccount]:
    """The user's identities, the one that counts first."""
    named = Case(When(uid__contains=":", then=Value(0)), default=Value(1))
    return SocialAccount.objects.filter(user=user, provider=PROVIDER).order_by(named, "pk")


_accounts_named = Prepared(
    lambda *names: SocialAccount.objects.filter(provider=PROVIDER, uid__in=names).select_related(
        "user"
    )
)


def _bound_accounts(claims: Claims) -> list[tuple[SocialAccount, str]]:
    """The accounts that these claims may name, the most specific first, with the uid that counts.

    Each user once. A user who also has a complete identity is bound by that alone.
    """
    names = names_of(claims)
    found: dict[Any, tuple[SocialAccount, str]] = {}
    for account in sorted(_accounts_named(*names), key=lambda it: names.index(it.uid)):
        if account.user_id not in found:
            found[account.user_id] = (account, _binding_of(account))
    return list(found.values())


def _binding_of(account: SocialAccount) -> str:
    """The uid that counts for the account's user, who can have one with a colon only."""
    if ":" in account.uid:
        return str(account.uid)
    beside = accounts_of(account.user).filter(uid__contains=":").values_list("uid", flat=True)
    return str(beside.first() or account.uid)


def _users_with(email: str) -> list[Any]:
    """The users with this email; the database ignores more of case than `same_email` does."""
    if not email or not _storable(email):
        return []
    users = by_email(email).annotate(bound_identity=identity_of_user(OuterRef("pk")))
    return [user for user in users if same_email(email_of(user), email)]


def _storable(email: str) -> bool:
    """PostgreSQL refuses NUL and lone surrogates: such an address is nobody's."""
    return email.isprintable() and len(email) <= 254
