"""The front page's context, cached for a minute, so that a page costs one look-up.

What everybody who may see it sees is cached once for each language, and what is about one person
beside it. Each audit entry removes both, so that no notice outlives its cause.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from django.conf import settings
from django.core.cache import cache
from django.db.models.signals import post_save
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language

from ... import users
from ...models import AuditEntry
from ...protection.sealed import NotSealed, seal, unseal
from ...sessions import service
from ...stores import transaction
from .. import account_news, sessions
from ..people.people_list import may_see_sign_ins
from ..sign_ins import chart
from . import notices
from .notices import Notice

SECONDS: Final = 60
_PEOPLE_SHOWN: Final = 8
_EVERYBODY: Final = "all"
Parts = dict[str, Any]


def context_for(user: Any) -> dict[str, Any]:
    """For index.html: notices, errors first; the chart; who is signed in."""
    makers: dict[str, Callable[[], Parts]] = {str(user.pk): partial(_made_for, user)}
    reads_record, ends_sessions = may_see_sign_ins(user), sessions.may_end(user)
    if reads_record or ends_sessions or users.is_superuser(user):
        makers[_EVERYBODY] = _made_for_everybody
    parts = _cached_or_made(makers)
    own, shared = parts[str(user.pk)], parts.get(_EVERYBODY, {})
    listed = [*own["notices"]]
    listed += shared["for_superusers"] if users.is_superuser(user) else []
    listed += shared["for_readers"] if reads_record else []
    return {
        "notices": sorted((Notice(**one) for one in listed), key=lambda one: one.level != "error"),
        "chart": mark_safe(shared["chart"]) if reads_record else "",  # noqa: S308 -- sealed, of _chart
        "people": mark_safe(shared["people"]) if ends_sessions else "",  # noqa: S308 -- likewise
        "watches": users.is_superuser(user) or reads_record,
        "has_news": bool(own["notices"]),
    }


def connect() -> None:
    """Called once, when the app is ready."""
    post_save.connect(_forget, sender=AuditEntry)


def _made_for(user: Any) -> Parts:
    url = reverse("admin:staff_own_sessions")
    return {"notices": _as_dicts(Notice("warning", t, url) for t in account_news.notices(user))}


def _made_for_everybody() -> Parts:
    return {
        "for_superusers": _as_dicts(
            [*notices.of_app(), *notices.of_superusers(), *notices.of_moved_tenant()]
        ),
        "for_readers": _as_dicts([*notices.of_refusals(), *notices.of_links()]),
        "chart": _chart(),
        "people": _people_signed_in(),
    }


def _chart() -> str:
    """The sign-in chart with today's figures, as HTML."""
    drawn = chart.last_days()
    context = {"chart": drawn, "svg": chart.svg(drawn), "today": drawn.bars[-1]}
    return render_to_string("microsoft_admin/admin/signin/chart_in_short.html", context)


def _people_signed_in() -> str:
    """Who is signed in, the latest first, as HTML; "" when the session store is unavailable."""
    try:
        people = service.people_signed_in()
    except service.StoreUnavailable:
        return ""
    context = {"people": people[:_PEOPLE_SHOWN], "more": max(0, len(people) - _PEOPLE_SHOWN)}
    return render_to_string("microsoft_admin/admin/includes/people_signed_in.html", context)


def _as_dicts(listed: Iterable[Notice]) -> list[dict[str, str]]:
    return [asdict(notice) for notice in listed]


def _cached_or_made(makers: dict[str, Callable[[], Parts]]) -> dict[str, Parts]:
    """One round trip to the cache where all parts are in it, and one more for each that is not."""
    keys = {name: _key(name, get_language()) for name in makers}
    cached = cache.get_many(keys.values())
    found = {name: _unsealed(key, cached.get(key)) for name, key in keys.items()}
    made = {name: make() for name, make in makers.items() if found[name] is None}
    for name, parts in made.items():
        cache.set(keys[name], seal(keys[name], parts), SECONDS)
    return {name: parts for name, parts in {**found, **made}.items() if parts is not None}


def _unsealed(key: str, text: object) -> Parts | None:
    try:
        parts: Parts = unseal(key, text)
    except NotSealed:
        return None
    return parts


def _key(name: str, language: str | None) -> str:
    return f"front-page:{quote(name)}:{language}"  # a person's key may be any text


def _forget(instance: AuditEntry, **kwargs: Any) -> None:
    names = {_EVERYBODY, instance.subject_key} - {""}
    keys = [_key(name, language) for name in names for language, _name in settings.LANGUAGES]
    transaction.on_commit(lambda: cache.delete_many(keys), robust=True)
