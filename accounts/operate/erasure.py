"""Erase a person's data (GDPR, article 17), and keep the audit verifiable.

The user is deleted, with identity, addresses, break-glass links and admin's history of them;
sign-ins are made anonymous; the audit loses the texts that name the person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q, QuerySet

from .. import audit
from ..models import SignIn, User
from ..sessions import service as sessions
from ..signin import bindings
from ..signin.identities import PROVIDER, claims_stored_in
from ..stores import transaction
from ..users import email_of, is_last_superuser
from . import OperatorError, linking, require_reason

_ANONYMOUS: Final = {
    "user": None,
    "email": "",
    "claimed_name": "",
    "oid": "",
    "client_ip": None,
    "user_agent": "",
    "host": "",
}


class LastSuperuser(OperatorError):
    """Nobody else could administer the site."""

    def __init__(self) -> None:
        super().__init__("This is the last active superuser: make another one first.")


@dataclass(frozen=True, slots=True)
class Erased:
    """How many sign-ins, texts of the audit and entries of admin's history were made anonymous."""

    key: str
    sign_ins: int
    audit_texts: int
    admin_history: int


def erase_person(user: User, reason: str) -> Erased:
    """Erase the person.

    Raises LastSuperuser, OperatorError without a reason, and sessions.StoreUnavailable when the
    store did not answer: everything is erased, and sessions of a deleted user are not valid.
    """
    require_reason(reason)
    key = str(user.pk)
    with transaction.atomic():
        if is_last_superuser(user, lock=True):
            raise LastSuperuser
        with audit.context(silent=True):
            sign_ins = _sign_ins_of(user).update(**_ANONYMOUS)
            history = _erase_history(user)
            ended = linking.end_sessions(user)
            user.delete()
        texts = audit.erase(key, note=reason)
    if not ended:
        raise sessions.StoreUnavailable
    return Erased(key, sign_ins, texts, history)


def _sign_ins_of(user: User) -> QuerySet[SignIn]:
    """Theirs, and the refused ones that claimed an address or an identity of theirs."""
    bound = list(SocialAccount.objects.filter(user_id=user.pk, provider=PROVIDER))
    theirs = Q(user=user)
    for address in _addresses(user, bound):
        theirs |= Q(email__iexact=address)
    for account in bound:
        if oid := bindings.read(account.uid).oid:
            theirs |= Q(oid=oid)
    return SignIn.objects.filter(theirs)


def _addresses(user: User, bound: list[SocialAccount]) -> set[str]:
    claimed = {
        str(claims_stored_in(a).get(n) or "")
        for a in bound
        for n in ("email", "preferred_username")
    }
    listed = EmailAddress.objects.filter(user_id=user.pk).values_list("email", flat=True)
    return {email_of(user), *claimed, *listed} - {""}


def _erase_history(user: Any) -> int:
    """Entries about them are made anonymous; those by them are deleted with the user."""
    kind = ContentType.objects.get_for_model(user)
    about = LogEntry.objects.filter(content_type=kind, object_id=str(user.pk))
    return about.update(object_repr="(erased)", change_message="", object_id=None)
