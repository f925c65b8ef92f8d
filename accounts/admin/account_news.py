"""News of a person's account: changes by others, and sign-ins from new places.

Their next page of admin shows them. It costs a page one cache look-up, of when others last changed
the account; a new sign-in shows in the user's last_login, which every request reads anyway. A
sign-in is new if none of the last months came from the same network with the same browser.
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

SHOWN_FOR: Final = timedelta(days=3)
KNOWN_FOR: Final = timedelta(days=120)  # a place that was signed in from
_MOST_SIGN_INS: Final = 200
_MOST_NEWS: Final = 3
_MOST_LISTED: Final = 10
_ACTIONS: Final = (
    "person.address_changed",
    "person.password_changed",
    "person.rights_changed",
    "identity.linked",
    "identity.unlinked",
)
_SHOWN_UNTIL: Final = "told_of"  # in the session: news up to this time have been shown
_OWN_SIGN_IN: Final = 5  # seconds in which a sign-in is the session's own
_VERSIONS: Final = re.compile(r"[\d._]+")


def connect() -> None:
    """Called once, when the app is ready."""
    post_save.connect(_note_change, sender=AuditEntry)


def show(request: HttpRequest, *, is_on_page: bool = False) -> None:
    """Add messages with the news that no page has shown yet; an outage costs the news only.

    `is_on_page`: the page shows them itself, as the front page does.
    """
    try:
        since = _since(request)
        if since is None or not _has_news(request, since):
            return
        if not is_on_page:
            _add_messages(request, since)
        request.session[_SHOWN_UNTIL] = time.time()
    except Exception as error:
        if not is_outage(error):
            raise


def notices(user: Any, changes_since: float = 0, sign_ins_since: float = 0) -> Iterator[str]:
    """The news as texts, of SHOWN_FOR, or since those times if they are later.

    Nothing before the first sign-in is news: the account had to be made.
    """
    sign_ins = _sign_ins(user)
    if not sign_ins:
        return
    earliest = timezone.now() - SHOWN_FOR
    since = max(earliest, sign_ins[0][0], _time_of(changes_since))
    since_sign_in = max(earliest, _time_of(sign_ins_since))
    yield from _changes(user, since)
    yield from _new_places(sign_ins, since_sign_in)


def _is_news(entry: AuditEntry) -> bool:
    """Whether it was done to a person's account by somebody else."""
    about_a_user = entry.subject_kind == get_user_model()._meta.label_lower
    is_own = entry.actor_key == entry.subject_key
    by_visitor = entry.actor_kind == AuditEntry.Actor.VISITOR
    return about_a_user and entry.action in _ACTIONS and not by_visitor and not is_own


def latest_sign_ins(user: Any) -> Iterable[SignIn]:
    """The person's latest sign-ins, newest first."""
    return SignIn.objects.filter(user=user).order_by("-at")[:_MOST_LISTED]


def latest_changes(user: Any) -> Iterator[tuple[datetime, str, str]]:
    """Latest changes of the account by others: time, title, reference."""
    for entry in _by_others(user, timezone.now() - KNOWN_FOR)[:_MOST_LISTED]:
        yield entry.at, title_of(entry.action), entry.reference


def _sign_ins(user: Any) -> list[Any]:
    """Time, address and user agent of the sign-ins, oldest first."""
    rows = SignIn.objects.filter(
        user=user, outcome=SignIn.Outcome.ADMITTED, at__gt=timezone.now() - KNOWN_FOR
    )
    latest = rows.order_by("-at").values_list("at", "client_ip", "user_agent")[:_MOST_SIGN_INS]
    return list(reversed(latest))


def _changes(user: Any, since: datetime) -> Iterator[str]:
    for entry in _by_others(user, since)[:_MOST_NEWS]:
        values = {
            "what": title_of(entry.action),
            "when": local_time.text_of(entry.at),
            "ref": entry.reference,
        }
        yield _("Your account: %(what)s, %(when)s (reference %(ref)s).") % values


def _by_others(user: Any, since: datetime) -> QuerySet[AuditEntry]:
    """Changes of the account by others, newest first."""
    entries = AuditEntry.objects.filter(
        at__gt=since,
        subject_kind=user._meta.label_lower,
        subject_key=str(user.pk),
        action__in=_ACTIONS,
    ).exclude(actor_kind=AuditEntry.Actor.VISITOR)  # a first sign-in links the identity
    own = {"actor_kind": AuditEntry.Actor.PERSON, "actor_key": str(user.pk)}
    return entries.exclude(**own).order_by("-at")


def _time_of(seconds: float) -> datetime:
    return local_time.as_stored(datetime.fromtimestamp(seconds, UTC))


def _new_places(sign_ins: list[Any], since: datetime) -> Iterator[str]:
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
    yield from new[-_MOST_NEWS:]


def _network(address: str) -> str:
    """The /24 or /64 around an address: providers change the rest often."""
    network = request_facts.network_of(address)
    return str(ip_network(f"{network}/24", strict=False)) if "." in network else network


def _add_messages(request: HttpRequest, since: tuple[float, float]) -> None:
    url = reverse("admin:staff_own_sessions")
    for text in notices(request.user, *since):
        link = format_html('{} <a href="{}">{}</a>', text, url, _("Your sessions"))
        messages.warning(request, link)


def _since(request: HttpRequest) -> tuple[float, float] | None:
    """Since when changes, and sign-ins, are news to this session; None without a person."""
    if not request.user.is_authenticated:
        return None
    shown = request.session.get(_SHOWN_UNTIL)
    if isinstance(shown, int | float):
        return float(shown), float(shown)
    began = request_facts.signed_in_at(request) or time.time()
    return time.time() - SHOWN_FOR.total_seconds(), began + _OWN_SIGN_IN


def _has_news(request: HttpRequest, since: tuple[float, float]) -> bool:
    last_login = getattr(request.user, "last_login", None)
    changed = cache.get(_key(request.user.pk))
    by_others = isinstance(changed, int | float) and changed > since[0]
    return by_others or bool(last_login and last_login.timestamp() > since[1])


def _key(pk: Any) -> str:
    return f"news:{quote(str(pk))}"


def _note_change(instance: AuditEntry, **kwargs: Any) -> None:
    if not _is_news(instance):
        return
    key, seconds = _key(instance.subject_key), int(SHOWN_FOR.total_seconds())
    transaction.on_commit(lambda: cache.set(key, timezone.now().timestamp(), seconds), robust=True)
