"""Which Microsoft identity is whose: shown side by side, exchanged, or bound before anyone comes.

Exactly one tid and oid is bound to exactly one user, never "whoever has the address next".
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from .. import audit
from ..ids import is_guid
from ..models import AuditEntry, SignIn
from ..sessions import service as sessions
from ..signin.identities import PROVIDER, email_of
from ..signin.policy import same_email
from ..visible import visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet

    from ..models import User

_MOST_SUPERUSERS: Final = 500
_WORD: Final = re.compile(r"\w+")


class CannotLink(Exception):
    """The identity cannot be bound to the user; says why, and nothing was changed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a Microsoft identity, bound or refused."""

    tid: str
    oid: str
    name: str = ""
    address: str = ""
    linked: datetime | None = None
    last_used: datetime | None = None

    @property
    def uid(self) -> str:
        """As it is bound."""
        return f"{self.tid}:{self.oid}"


def of_user(user: User) -> Identity | None:
    """The identity bound to the user, with when it was last used."""
    account = _bound(user).first()
    if account is None:
        return None
    tid, _, oid = str(account.uid).rpartition(":")
    used = SignIn.objects.filter(oid=oid, tid=tid, outcome=SignIn.Outcome.ADMITTED) if oid else None
    newest = used.order_by("-at").first() if used is not None else None
    kept = account.extra_data
    return Identity(
        tid,
        oid,
        name=str(kept.get("name") or ""),
        address=str(kept.get("email") or kept.get("preferred_username") or ""),
        linked=account.date_joined,
        last_used=newest.at if newest else None,
    )


def of_sign_in(row: SignIn) -> Identity:
    """The identity that was refused, as Microsoft named it then."""
    return Identity(row.tid, row.oid, name=row.claimed_name, address=row.email)


def can_relink(row: SignIn) -> bool:
    """Whether the refusal says exactly who was refused, and for whose sake."""
    exact = is_guid(row.tid) and is_guid(row.oid)
    return bool(exact and row.reason == "identity_conflict" and row.user_id)


def differences(user: User, old: Identity | None, new: Identity) -> tuple[str, ...]:
    """In what the refused identity is not the person's: "name", "tenant", "address", "no_name".

    Someone re-created in Entra keeps name, tenant and address; an impostor rarely all three.
    """
    return tuple(_differences(user, old, new))


def _differences(user: User, old: Identity | None, new: Identity) -> Iterator[str]:
    known = [name for name in (user.get_full_name(), old.name if old else "") if "@" not in name]
    known = [name for name in known if name]
    if not new.name or not known:
        yield "no_name"
    elif not any(_same_person(name, new.name) for name in known):
        yield "name"
    if old is not None and old.tid != new.tid:
        yield "tenant"
    if not same_email(new.address, email_of(user)):
        yield "address"


def _same_person(one: str, other: str) -> bool:
    """The same words in any order; or two at least, with more beside them in the other name."""
    if visible(one) != one or visible(other) != other:
        return False
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    return bool(shorter) and (shorter == longer or (len(shorter) > 1 and shorter < longer))


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return set(_WORD.findall(plain))


def relink(user: User, row: SignIn, reason: str, *, by: User | None, seen: str) -> int:
    """Bind exactly the identity that `row` refused to its user, and take the one before.

    `seen` is the identity that was bound when the admin looked ("tid:oid" or ""). Returns how many
    sessions were ended. Raises CannotLink, ValueError without a reason, sessions.StoreUnavailable.
    """
    if not reason.strip():
        raise ValueError("Linking another identity needs a reason.")
    if not can_relink(row) or row.user_id != user.pk:
        raise CannotLink("That sign-in does not say exactly whose identity was refused.")
    new = of_sign_in(row)
    with transaction.atomic(), audit.context(note=reason):
        _check_tenant(new.tid)
        old = _take(user, seen)
        _bind(user, new)
        _tell_history(
            user, f"Microsoft identity {old or 'none'} replaced by {new.uid}: {reason}", by
        )
    return sessions.end_all_of(user)


def bind_ahead(user: User, tid: str, oid: str) -> bool:
    """Bind an object id before the first sign-in; False when it is bound to the user already.

    Raises CannotLink when either has another, or the tenant is not allowed.
    """
    new = Identity(tid.lower(), oid.lower())
    if not is_guid(new.oid):
        raise CannotLink(f"{oid!r} is no object id: it is a GUID, the column id of Entra's export.")
    _check_tenant(new.tid)
    bound = _bound(user).values_list("uid", flat=True).first()
    if bound == new.uid:
        return False
    if bound:
        raise CannotLink(f"is bound to {bound}: ./manage.py staff unlink first")
    _bind(user, new)
    return True


def tenant_of(named: str = "") -> str:
    """The tid that object ids are of: as named, else the one allowed. Raises CannotLink."""
    allowed = sorted(settings.MICROSOFT_ALLOWED_TENANTS) or [settings.MICROSOFT_TENANT_ID]
    tid = named.lower() or (allowed[0].lower() if len(allowed) == 1 else "")
    if not tid:
        raise CannotLink("Several tenants are allowed: name theirs, --tenant GUID.")
    if not is_guid(tid):
        raise CannotLink(f"The tenant {tid!r} is named by a domain: name it, --tenant GUID.")
    return tid


def unbound_superusers() -> QuerySet[Any]:
    """Active superusers whom whoever has their address at Entra would become."""
    users = get_user_model()._default_manager.filter(is_superuser=True, is_active=True)
    bound = SocialAccount.objects.filter(provider=PROVIDER, user=OuterRef("pk"))
    return users.filter(~Exists(bound)).order_by("pk")


def superusers_bound_lately(within: timedelta = timedelta(days=7)) -> QuerySet[AuditEntry]:
    """The audit's entries of superusers bound by a first sign-in in this time, newest first."""
    superusers = get_user_model()._default_manager.filter(is_superuser=True)
    keys = [str(key) for key in superusers.values_list("pk", flat=True)[:_MOST_SUPERUSERS]]
    return AuditEntry.objects.filter(
        action="identity.linked",
        actor_kind=AuditEntry.Actor.VISITOR,
        subject_key__in=keys,
        at__gt=timezone.now() - within,
    ).order_by("-at")


def _check_tenant(tid: str) -> None:
    """A tenant that is named by its domain only is known to Microsoft, and checked at sign-in."""
    allowed = settings.MICROSOFT_ALLOWED_TENANTS or {settings.MICROSOFT_TENANT_ID.lower()}
    if tid not in allowed and all(map(is_guid, allowed)):
        raise CannotLink(f"The tenant {tid} is not one of MICROSOFT_ALLOWED_TENANTS.")


def _bound(user: User) -> QuerySet[SocialAccount]:
    return SocialAccount.objects.filter(user_id=user.pk, provider=PROVIDER)


def _take(user: User, seen: str) -> str:
    account = _bound(user).select_for_update().first()
    bound = str(account.uid) if account else ""
    if bound != seen:
        raise CannotLink("Someone has changed the identity meanwhile: look at it again.")
    if account is not None:
        account.delete()
    return bound


def _bind(user: User, new: Identity) -> None:
    kept = {"tid": new.tid, "oid": new.oid, "email": new.address, "name": new.name}
    try:
        with transaction.atomic():
            SocialAccount.objects.create(user=user, provider=PROVIDER, uid=new.uid, extra_data=kept)
    except IntegrityError:
        raise CannotLink(f"The identity {new.uid} is bound to another user here.") from None


def _tell_history(user: User, text: str, by: User | None) -> None:
    """Admin's history wants a user; the audit knows who it was in any case."""
    LogEntry.objects.log_actions(
        (by or user).pk,
        get_user_model()._default_manager.filter(pk=user.pk),
        CHANGE,
        change_message=text,
        single_object=True,
    )
