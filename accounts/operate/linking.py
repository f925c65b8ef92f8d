"""The Microsoft identities of users: compare, exchange, remove, or bind before the first sign-in.

An identity is a tid and oid and is bound to one user, never to whoever has the address next.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from .. import audit
from ..conf import conf
from ..display.naming import as_set_here
from ..display.visible import visible
from ..ids import is_guid
from ..models import AuditEntry, SignIn, User
from ..sessions import service as sessions
from ..signin import bindings
from ..signin.identities import PROVIDER, accounts_of, claims_stored_in
from ..signin.policy import same_email
from ..stores import transaction
from ..users import email_of, everyone, name_of, with_flags
from . import OperatorError, require_reason

logger = logging.getLogger("django.security.sign_in")
_MOST_SUPERUSERS: Final = 500
_WORD: Final = re.compile(r"\w+")


class CannotLink(OperatorError):
    """The identity cannot be bound to the user, and nothing was changed."""


class NothingToUnlink(OperatorError):
    """The person is not bound to a Microsoft identity."""

    def __init__(self) -> None:
        super().__init__("Not bound to a Microsoft identity: nothing to unlink.")


class WhichTenant(CannotLink):
    """The tenant of the object IDs must be named."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a Microsoft identity, bound or refused."""

    tid: str
    oid: str
    name: str = ""
    address: str = ""
    linked: datetime | None = None
    last_used: datetime | None = None
    bound_as: str = ""

    @property
    def uid(self) -> str:
        """The SocialAccount's uid."""
        return self.bound_as or f"{self.tid}:{self.oid}"


def of_user(user: User) -> Identity | None:
    """The identity bound to the user, with when it was last used."""
    found = of_users([user.pk]).get(user.pk)
    if found is None or not (found.tid and found.oid):
        return found
    used = SignIn.objects.filter(oid=found.oid, tid=found.tid, outcome=SignIn.Outcome.ADMITTED)
    return replace(found, last_used=used.order_by("-at").values_list("at", flat=True).first())


def of_users(keys: Iterable[Any]) -> dict[Any, Identity]:
    """The identities bound to these users, by primary key, without `last_used`."""
    accounts = SocialAccount.objects.filter(provider=PROVIDER, user__in=list(keys))
    complete_last = sorted(accounts, key=lambda account: (":" in account.uid, -account.pk))
    return {account.user_id: _identity(account) for account in complete_last}


def _identity(account: SocialAccount) -> Identity:
    uid, claims = bindings.read(str(account.uid)), claims_stored_in(account)
    return Identity(
        uid.tid,
        uid.oid,
        name=str(claims.get("name") or ""),
        address=str(claims.get("email") or claims.get("preferred_username") or ""),
        linked=account.date_joined,
        bound_as=str(account.uid),
    )


def is_linked() -> Exists:
    """Whether a user of the query has an identity, as a condition."""
    return Exists(SocialAccount.objects.filter(provider=PROVIDER, user=OuterRef("pk")))


def of_sign_in(row: SignIn) -> Identity:
    """The identity that was refused, with the name and address in its token."""
    return Identity(row.tid, row.oid, name=row.claimed_name, address=row.email)


def can_relink(row: SignIn) -> bool:
    """Whether the refusal names both the identity and the user it conflicts with."""
    exact = is_guid(row.tid) and is_guid(row.oid)
    return bool(exact and row.reason == "identity_conflict" and row.user_id)


def differences(user: User, old: Identity | None, new: Identity) -> Iterator[str]:
    """How the refused identity differs from the person: "name", "tenant", "address", "no_name".

    An account re-created in Entra keeps name, tenant and address; an impostor rarely has all three.
    """
    known = [name for name in (name_of(user), old.name if old else "") if name and "@" not in name]
    if not new.name or not known:
        yield "no_name"
    elif not any(_same_person(name, new.name) for name in known):
        yield "name"
    if old is not None and old.tid and old.tid != new.tid:
        yield "tenant"
    if not same_email(new.address, email_of(user)):
        yield "address"


def _same_person(one: str, other: str) -> bool:
    """The same words in any order; or all words of one, at least two, are in the other."""
    if visible(one) != one or visible(other) != other:
        return False
    shorter, longer = sorted((_words(one), _words(other)), key=len)
    return bool(shorter) and (shorter == longer or (len(shorter) > 1 and shorter < longer))


def _words(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKC", name).casefold()
    return set(_WORD.findall(plain))


def relink(user: User, row: SignIn, reason: str, *, by: User | None, seen: str) -> int:
    """Bind exactly the identity that `row` refused to its user, in place of `seen`.

    `seen` is the identity that the admin was shown ("tid:oid" or ""). Returns how many sessions
    were ended. Raises OperatorError, sessions.StoreUnavailable.
    """
    require_reason(reason)
    if not can_relink(row) or row.user_id != user.pk:
        raise CannotLink(_("That sign-in does not say exactly whose identity was refused."))
    new = of_sign_in(row)
    with transaction.atomic(), audit.context(note=reason):
        _replace(user, new, reason, by=by, seen=seen)
    return sessions.end_all_of(user)


def unlink(user: User, reason: str, by: User | None = None) -> int:
    """Remove a user's Microsoft identity; their next sign-in binds a new one, by email.

    The reason is in admin's history and the log. Returns how many sessions were ended. Raises
    NothingToUnlink, OperatorError without a reason, and sessions.StoreUnavailable when the store
    did not answer; the sessions have ended even so.
    """
    require_reason(reason)
    reason = " ".join(reason.split())
    with transaction.atomic():
        identity = _remove(user)
        if not identity:
            raise NothingToUnlink
        where = "" if by else " on the command line"
        write_history(user, f"Microsoft identity {identity} unlinked{where}: {reason}", by)
        bound = bindings.read(identity)
        facts = {"user_id": user.pk, "tid": bound.tid, "oid": bound.oid, "detail": reason}
        facts |= {"event": "identity_unlinked", "by_user_id": by.pk if by else None}
        logger.warning("identity unlinked", extra=facts)
    return sessions.end_all_of(user)


def exchange(user: Any, uid: str, reason: str, *, by: Any, seen: str) -> None:
    """Bind the uid of a mapping file to the user in place of `seen`. Raises CannotLink.

    The caller has a transaction, and ends the sessions after it.
    """
    bound = bindings.read(uid)
    new = Identity(bound.tid, bound.oid, address=email_of(user))
    _replace(user, new, reason, by=by, seen=seen)


def _replace(user: Any, new: Identity, reason: str, *, by: Any, seen: str) -> None:
    _check_tenant(new.tid)
    old = _remove(user)
    if old != seen:
        raise CannotLink(_("Someone has changed the identity meanwhile: look at it again."))
    claims = {"tid": new.tid, "oid": new.oid, "email": new.address, "name": new.name}
    _save(SocialAccount(user=user, provider=PROVIDER, uid=new.uid, extra_data=claims))
    write_history(user, f"Microsoft identity {old or 'none'} replaced by {new.uid}: {reason}", by)


def bind_ahead(user: User, tid: str, oid: str) -> bool:
    """Bind an object ID before the first sign-in; False when the user has it already.

    Raises CannotLink when the user or the object ID is bound otherwise, or the tenant not allowed.
    """
    new = Identity(tid.lower(), oid.lower())
    if not is_guid(new.oid):
        text = _("%(text)s is no object ID: it is a GUID, the column id of Entra's export.")
        raise CannotLink(text % {"text": oid})
    _check_tenant(new.tid)
    return adopt(user, new.uid)


def adopt(user: User, uid: str, address: str = "") -> bool:
    """Bind a uid before the first sign-in with it; False when the user has it already.

    An object ID without a tenant, as allauth's provider binds it, is completed. Raises CannotLink
    when the user or the uid is bound otherwise.
    """
    bound, accounts = bindings.read(uid), list(accounts_of(user))
    if any(account.uid == uid for account in accounts):
        return False
    same = [one for one in accounts if _is_part_of(one.uid, bound)]
    others = [one.uid for one in accounts if one not in same and bindings.is_known(one.uid)]
    if others:
        text = _("Another Microsoft identity is linked: %(identity)s. Unlink it first.")
        raise CannotLink(text % {"identity": others[0]})
    account = same[0] if same else SocialAccount(user=user, provider=PROVIDER)
    account.uid = uid
    account.extra_data = {"tid": bound.tid, "oid": bound.oid, "email": address}
    _save(account)
    return True


def _is_part_of(uid: str, bound: bindings.Binding) -> bool:
    """Whether a uid is this object ID without its tenant, or with it in another form."""
    parts = set(re.split("[.:@]", uid.lower()))
    return bool(bound.oid) and {bound.oid} <= parts <= {bound.oid, bound.tid}


def tenant_of(named: str = "") -> str:
    """The tenant of object IDs: as named, else the one allowed. Raises WhichTenant."""
    tid = named.lower() or only_tenant()
    if not is_guid(tid):
        raise WhichTenant(f"The tenant {tid!r} is named by a domain: name it, --tenant GUID.")
    return tid


def only_tenant() -> str:
    """The one allowed tenant, by its GUID or its domain. Raises WhichTenant."""
    allowed: list[str] = sorted(conf.MICROSOFT_ALLOWED_TENANTS) or [conf.MICROSOFT_TENANT_ID]
    if len(allowed) > 1:
        raise WhichTenant("Several tenants are allowed: name theirs, --tenant GUID.")
    return allowed[0].lower()


def unbound_superusers() -> QuerySet[Any]:
    """Active superusers without an identity: the first sign-in with their address binds one."""
    superusers = with_flags(everyone(), is_superuser=True, is_active=True)
    return superusers.filter(~is_linked()).order_by("pk")


def superusers_bound_lately(within: timedelta = timedelta(days=7)) -> QuerySet[AuditEntry]:
    """Audit entries of superusers bound by a first sign-in within this time, newest first."""
    superusers = with_flags(everyone(), is_superuser=True)
    keys = [str(key) for key in superusers.values_list("pk", flat=True)[:_MOST_SUPERUSERS]]
    return AuditEntry.objects.filter(
        action="identity.linked",
        actor_kind=AuditEntry.Actor.VISITOR,
        subject_key__in=keys,
        at__gt=timezone.now() - within,
    ).order_by("-at")


def tenants_allowed() -> frozenset[str]:
    """The tenants that identities may be of; empty where a tenant is named by its domain.

    Only Microsoft knows the GUID of a domain: the sign-in checks it.
    """
    named = conf.MICROSOFT_ALLOWED_TENANTS or {conf.MICROSOFT_TENANT_ID.lower()}
    return frozenset(named) if all(map(is_guid, named)) else frozenset()


def why_not_of(tid: str, allowed: frozenset[str]) -> str:
    """Why no identity of this tenant may be linked; "" where it may, or `allowed` is empty."""
    if not allowed or tid in allowed:
        return ""
    text = as_set_here(_("The tenant %(tid)s is not one of MICROSOFT_ALLOWED_TENANTS."))
    return text % {"tid": tid}


def _check_tenant(tid: str) -> None:
    if why := why_not_of(tid, tenants_allowed()):
        raise CannotLink(why)


def _remove(user: User) -> str:
    """Delete the user's accounts; returns the uid that was in force, or ""."""
    accounts = list(accounts_of(user).select_for_update())
    for account in accounts:
        account.delete()
    return str(accounts[0].uid) if accounts else ""


def _save(account: SocialAccount) -> None:
    try:
        with transaction.atomic():
            account.save()
    except IntegrityError:
        text = _("The identity %(identity)s is linked to another user here.")
        raise CannotLink(text % {"identity": account.uid}) from None


def end_sessions(user: Any) -> bool:
    """End the user's sessions; False when the store did not answer, and lists may lag."""
    try:
        sessions.end_all_of(user)
    except sessions.StoreUnavailable:
        return False
    return True


def write_history(user: Any, text: str, by: Any) -> None:
    """Admin's history needs an actor who is a user; the audit has the real one."""
    LogEntry.objects.log_actions(
        (by or user).pk,
        get_user_model()._default_manager.filter(pk=user.pk),
        CHANGE,
        change_message=text,
        single_object=True,
    )
