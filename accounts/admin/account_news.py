"""What happened to a person's account: changes by others, and sign-ins not seen before.

It is said on their next page of admin, whichever it is. A page asks the shared cache one thing:
when others last changed this account. That someone else signed in as them shows in the user, who
is read for each request anyway. A sign-in is new where none of the last months came from the same
network with the same browser: no look-up service is asked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final
from urllib.parse import quote

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import QuerySet
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from ..audit.actions import title_of
from ..display import browsers, local_time
from ..display.visible import visible
from ..models import AuditEntry, SignIn
from ..stores import transaction
from ..stores.outages import is_outage
from ..web import request_facts

TOLD_FOR: Final = timedelta(days=3)
REMEMBERED: Final = timedelta(days=120)
_MOST_ROWS: Final = 200
_MOST_TOLD: Final = 3
_MOST_SHOWN: Final = 10
_ABOUT_YOU: Final = (
    "person.address_changed",
    "person.password_changed",
    "person.rights_changed",
    "identity.linked",
    "identity.unlinked",
)
_TOLD_UNTIL: Final = "told_of"  # in the session: up to when they have been told
_OWN_SIGN_IN: Final = 5  # seconds in which a sign-in is the session's own
_VERSIONS: Final = re.compile(r"[\d._]+")


def connect() -> None:
    """Called once, when the app is ready."""
    post_save.connect(_happened, sender=AuditEntry)


def tell(request: HttpRequest, *, is_shown: bool = False) -> None:
    """Add messages for what the person was not told of yet; never costs them the page.

    `is_shown`: the page shows it by itself, as the front page does.
    """
    try:
        since = _since(request)
        if since is None or not _is_there_any(request, since):
            return
        if not is_shown:
            _add_messages(request, since)
        request.session[_TOLD_UNTIL] = time.time()
    except Exception as error:
        if not is_outage(error):
            raise


def notices(user: Any, changes_since: float = 0, sign_ins_since: float = 0) -> Iterator[str]:
    """Texts for the person; of the last days, or since those moments.

    Nothing before their first sign-in is news: somebody had to add them, and give them rights.
    """
    sign_ins = _sign_ins(user)
    if not sign_ins:
        return
    lately = timezone.now() - TOLD_FOR
    since = max(lately, sign_ins[0][0], _moment(changes_since))
    since_sign_in = max(lately, _moment(sign_ins_since))
    yield from _changes(user, since)
    yield from _unseen(sign_ins, since_sign_in)


def _concerns(entry: AuditEntry) -> bool:
    """Whether somebody should be told of it: done to their account, and not by them alone."""
    about_a_user = entry.subject_kind == get_user_model()._meta.label_lower
    is_own = entry.actor_key == entry.subject_key
    by_visitor = entry.actor_kind == AuditEntry.Actor.VISITOR
    return about_a_user and entry.action in _ABOUT_YOU and not by_visitor and not is_own


def latest_sign_ins(user: Any) -> Iterable[SignIn]:
    """A person's own latest rows of the record, for their own page."""
    return SignIn.objects.filter(user=user).order_by("-at")[:_MOST_SHOWN]


def latest_changes(user: Any) -> Iterator[tuple[datetime, str, str]]:
    """What others did to their account lately: when, what, and its reference."""
    for entry in _by_others(user, timezone.now() - REMEMBERED)[:_MOST_SHOWN]:
        yield entry.at, title_of(entry.action), entry.reference


def _sign_ins(user: Any) -> list[Any]:
    """When, from where and with what they came in, the oldest first."""
    rows = SignIn.objects.filter(
        user=user, outcome=SignIn.Outcome.ADMITTED, at__gt=timezone.now() - REMEMBERED
    )
    latest = rows.order_by("-at").values_list("at", "client_ip", "user_agent")[:_MOST_ROWS]
    return list(reversed(latest))


def _changes(user: Any, since: datetime) -> Iterator[str]:
    for entry in _by_others(user, since)[:_MOST_TOLD]:
        values = {
            "what": title_of(entry.action),
            "when": local_time.text_of(entry.at),
            "ref": entry.reference,
        }
        yield _("Your account: %(what)s, %(when)s (reference %(ref)s).") % values


def _by_others(user: Any, since: datetime) -> QuerySet[AuditEntry]:
    """What others did to their rights, address or identity."""
    entries = AuditEntry.objects.filter(
        at__gt=since,
        subject_kind=user._meta.label_lower,
        subject_key=str(user.pk),
        action__in=_ABOUT_YOU,
    ).exclude(actor_kind=AuditEntry.Actor.VISITOR)  # the first sign-in binds by itself
    own = {"actor_kind": AuditEntry.Actor.PERSON, "actor_key": str(user.pk)}
    return entries.exclude(**own).order_by("-at")


def _moment(seconds: float) -> datetime:
    return local_time.as_stored(datetime.fromtimestamp(seconds, UTC))


def _unseen(sign_ins: list[Any], since: datetime) -> Iterator[str]:
    known: set[tuple[str, str]] = set()
    new: list[str] = []
    for at, address, agent in sign_ins:
        place = (_network(address or ""), _VERSIONS.sub("", agent))
        if known and place not in known and at > since:
            values = {
                "when": local_time.text_of(at),
                "address": address or "?",
                "browser": visible(browsers.browser_of(agent)) or "?",
            }
            text = _("New: someone signed in as you, %(when)s, from %(address)s with %(browser)s.")
            new.append(text % values)
        known.add(place)
    yield from new[-_MOST_TOLD:]


def _network(address: str) -> str:
    """The /24 or /64 around an address: a telephone changes its last part all day."""
    found = request_facts.network_of(address)
    return str(ip_network(f"{found}/24", strict=False)) if "." in found else found


def _add_messages(request: HttpRequest, since: tuple[float, float]) -> None:
    url = reverse("admin:staff_own_sessions")
    for text in notices(request.user, *since):
        link = format_html('{} <a href="{}">{}</a>', text, url, _("Your sessions"))
        messages.warning(request, link)


def _since(request: HttpRequest) -> tuple[float, float] | None:
    """From when on changes, and sign-ins, are news to this session; None where nobody is in."""
    if not request.user.is_authenticated:
        return None
    told = request.session.get(_TOLD_UNTIL)
    if isinstance(told, int | float):
        return float(told), float(told)
    began = request_facts.signed_in_at(request) or time.time()
    return time.time() - TOLD_FOR.total_seconds(), began + _OWN_SIGN_IN


def _is_there_any(request: HttpRequest, since: tuple[float, float]) -> bool:
    last_login = getattr(request.user, "last_login", None)
    changed = cache.get(_key(request.user.pk))
    by_others = isinstance(changed, int | float) and changed > since[0]
    return by_others or bool(last_login and last_login.timestamp() > since[1])


def _key(pk: Any) -> str:
    return f"news:{quote(str(pk))}"


def _happened(instance: AuditEntry, **kwargs: Any) -> None:
    if not _concerns(instance):
        return
    key, seconds = _key(instance.subject_key), int(TOLD_FOR.total_seconds())
    # No partial: Django names a robust hook that fails by its __qualname__.
    transaction.on_commit(lambda: cache.set(key, timezone.now().timestamp(), seconds), robust=True)
