"""What a person should know of their own account: changes by others, and sign-ins not seen before.

Told without any look-up service: a sign-in is new where none of the last months came from the same
network with the same browser.
"""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts.audit.actions import title_of
from accounts.models import AuditEntry, SignIn
from accounts.web.request_facts import network_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TOLD_FOR: Final = timedelta(days=3)
REMEMBERED: Final = timedelta(days=120)
_MOST_ROWS: Final = 200
_MOST_TOLD: Final = 3
_ABOUT_YOU: Final = (
    "person.address_changed",
    "person.password_changed",
    "person.rights_changed",
    "identity.linked",
    "identity.unlinked",
)
_VERSIONS: Final = re.compile(r"[\d._]+")


def notices(user: Any) -> Iterator[tuple[str, str]]:
    """Texts for the person's front page, each with where to look."""
    own = reverse("admin:accounts_own_sessions")
    for text in (*_changes(user), *_unseen(user)):
        yield text, own


def _changes(user: Any) -> Iterator[str]:
    """What others did to their rights, address or identity."""
    entries = AuditEntry.objects.filter(
        at__gt=timezone.now() - TOLD_FOR,
        subject_kind=user._meta.label_lower,
        subject_key=str(user.pk),
        action__in=_ABOUT_YOU,
    ).exclude(actor_kind=AuditEntry.Actor.VISITOR)  # the first sign-in binds by itself
    entries = entries.exclude(actor_kind=AuditEntry.Actor.PERSON, actor_key=str(user.pk))
    for entry in entries.order_by("-at")[:_MOST_TOLD]:
        values = {"what": title_of(entry.action), "when": _when(entry.at), "ref": entry.reference}
        yield _("Your account: %(what)s, %(when)s (reference %(ref)s).") % values


def _unseen(user: Any) -> Iterator[str]:
    rows = SignIn.objects.filter(
        user=user, outcome=SignIn.Outcome.ADMITTED, at__gt=timezone.now() - REMEMBERED
    )
    latest: list[Any] = list(
        rows.order_by("-at").values_list("at", "client_ip", "user_agent")[:_MOST_ROWS]
    )
    known: set[tuple[str, str]] = set()
    new: list[str] = []
    lately = timezone.now() - TOLD_FOR
    for at, address, agent in reversed(latest):
        place = (_network(address or ""), _VERSIONS.sub("", agent))
        if known and place not in known and at > lately:
            values = {"when": _when(at), "address": address or "?"}
            new.append(_("New: someone signed in as you, %(when)s, from %(address)s.") % values)
        known.add(place)
    yield from new[-_MOST_TOLD:]


def _network(address: str) -> str:
    """The /24 or /64 around an address: a telephone changes its last part all day."""
    found = network_of(address)
    return str(ip_network(f"{found}/24", strict=False)) if "." in found else found


def _when(moment: Any) -> str:
    local = timezone.localtime(moment)
    return date_format(local, "SHORT_DATETIME_FORMAT")
