"""What happened to somebody's account is said on their next page of admin, whichever it is.

A page asks the shared cache one thing: when others last changed this account. That someone else
signed in as them shows in the user, who is read for each request anyway.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from django.contrib import messages
from django.core.cache import cache
from django.db.models.signals import post_save
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _

from .. import transaction
from ..models import AuditEntry
from ..outages import is_outage
from ..web import request_facts
from . import about_you

if TYPE_CHECKING:
    from django.http import HttpRequest

_TOLD: Final = "told_of"  # in the session: up to when they have been told
_OWN_SIGN_IN: Final = 5  # seconds in which a sign-in is the session's own


def connect() -> None:
    """Called once, when the app is ready."""
    post_save.connect(_happened, sender=AuditEntry, dispatch_uid=__name__)


def tell(request: HttpRequest) -> None:
    """Add messages for what the person was not told of yet; never costs them the page.

    The front page tells by itself, and longer.
    """
    try:
        since = _since(request)
        if since is None or not _is_there_any(request, since):
            return
        if not _is_front_page(request):
            _add_messages(request, since)
        request.session[_TOLD] = time.time()
    except Exception as error:
        if not is_outage(error):
            raise


def _is_front_page(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name == "index"


def _add_messages(request: HttpRequest, since: tuple[float, float]) -> None:
    for text, url in about_you.notices(request.user, *since):
        link = format_html('{} <a href="{}">{}</a>', text, url, _("Your sessions"))
        messages.warning(request, link)


def _since(request: HttpRequest) -> tuple[float, float] | None:
    """From when on changes, and sign-ins, are news to this session; None where nobody is in."""
    if not request.user.is_authenticated:
        return None
    told = request.session.get(_TOLD)
    if isinstance(told, int | float):
        return float(told), float(told)
    began = request_facts.signed_in_at(request) or time.time()
    return time.time() - about_you.TOLD_FOR.total_seconds(), began + _OWN_SIGN_IN


def _is_there_any(request: HttpRequest, since: tuple[float, float]) -> bool:
    came = getattr(request.user, "last_login", None)
    changed = cache.get(_key(request.user.pk))
    by_others = isinstance(changed, int | float) and changed > since[0]
    return by_others or bool(came and came.timestamp() > since[1])


def _key(pk: Any) -> str:
    return f"news:{quote(str(pk))}"


def _happened(instance: AuditEntry, **kwargs: Any) -> None:
    if not about_you.concerns(instance):
        return
    key, seconds = _key(instance.subject_key), int(about_you.TOLD_FOR.total_seconds())
    # No partial: Django names a robust hook that fails by its __qualname__.
    transaction.on_commit(lambda: cache.set(key, timezone.now().timestamp(), seconds), robust=True)
