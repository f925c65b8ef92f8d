"""Which users an identity could mean, and binding it to one of them.

The binding is allauth's SocialAccount with uid "tid:oid". That an identity has one user and
a user one identity is kept by the database: allauth's unique (provider, uid), and the partial
unique index on the user that this app's migration adds.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from .policy import Candidate, claimed_email, identity_of, same_email

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.contrib.auth.models import AbstractBaseUser

    from ..entra.tokens import Claims

PROVIDER: Final = "microsoft"

logger = logging.getLogger("django.security.sign_in")


class MatchedUsers:
    """The users that these claims could mean, read once."""

    def __init__(self, claims: Claims) -> None:
        self.account = _bound_account(identity_of(claims))
        self.users: dict[Any, AbstractBaseUser] = {}
        self.candidates = tuple(self._candidates(claims))

    def _candidates(self, claims: Claims) -> Iterator[Candidate]:
        if self.account is not None:
            yield self._seen(self.account.user, self.account.uid)
            if same_email(email_of(self.account.user), claimed_email(claims)):
                return
        for user in _users_with(claimed_email(claims)):
            if user.pk not in self.users:
                yield self._seen(user, user.bound_identity or "")

    def _seen(self, user: Any, identity: str) -> Candidate:
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
    """All that is kept of the claims."""
    return {
        "tid": claims.tid,
        "oid": claims.oid,
        "email": claims.email or "",
        "preferred_username": claims.preferred_username or "",
        "name": claims.name,
    }


def bind(user: Any, claims: Claims) -> SocialAccount:
    """Bind the identity to the user. Raises IntegrityError when either is bound already.

    A superuser's is a warning in the log: whoever may write addresses in Entra could do it.
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
    """Bring what is kept of the claims up to date, when it has changed.

    Raises IntegrityError when the identity was unlinked meanwhile: it is to be decided again.
    """
    if account.extra_data == stored_claims(claims):
        return
    same = SocialAccount.objects.filter(pk=account.pk)
    if not same.update(extra_data=stored_claims(claims), last_login=timezone.now()):
        raise IntegrityError("the identity is gone")


def email_of(user: Any) -> str:
    """The user's email, on any user model."""
    return str(getattr(user, user.get_email_field_name()) or "")


def _bound_account(identity: str) -> SocialAccount | None:
    accounts = SocialAccount.objects.select_related("user").filter(provider=PROVIDER, uid=identity)
    return next(iter(accounts), None)


def _users_with(email: str) -> list[Any]:
    """Users whose email may equal this one; the database's idea of case is wider than ours."""
    if not email or not _storable(email):
        return []
    model = get_user_model()
    bound = SocialAccount.objects.filter(user=OuterRef("pk"), provider=PROVIDER)
    users = model._default_manager.filter(**{f"{model.get_email_field_name()}__iexact": email})
    users = users.annotate(bound_identity=Subquery(bound.values("uid")[:1]))
    return [user for user in users if same_email(email_of(user), email)]


def _storable(email: str) -> bool:
    """PostgreSQL refuses NUL and lone surrogates: such an address is nobody's."""
    return email.isprintable() and len(email) <= 254
