"""The login page for visitors without a session, rendered once a minute and shared.

Rendering takes most of its time, and anyone may request it. Only the CSRF token is each visitor's
own. It has the zone's offset, which may change; hence the minute.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.response import SimpleTemplateResponse
from django.utils.translation import get_language

from ..conf import conf, is_a_host

# Stands for the CSRF token in a shared page; unguessable, so nobody can put it into `next`.
TOKEN: Final = secrets.token_urlsafe(32)
_MOST_PAGES: Final = 32  # they differ by language and `next`
_MESSAGES_COOKIE: Final = "messages"  # as Django's CookieStorage names it

_pages: dict[tuple[object, ...], bytes] = {}


def is_shared(request: HttpRequest) -> bool:
    """Whether the request has no session, no message, and no parameter but `next`.

    Never in another site or with an extension: their templates and middleware may vary by visitor.
    """
    if settings.DEBUG or is_a_host() or conf.IS_EXTENDED or request.method not in ("GET", "HEAD"):
        return False
    personal = {settings.SESSION_COOKIE_NAME, _MESSAGES_COOKIE} & request.COOKIES.keys()
    return not personal and set(request.GET) <= {"next"}


def cached(
    request: HttpRequest, start_url: str, page: Callable[[], SimpleTemplateResponse]
) -> HttpResponse:
    """The page with the visitor's CSRF token; `page` is one with TOKEN in its place."""
    key = (time.time() // 60, get_language(), request.path, start_url)
    content = _pages.get(key)
    if content is None:
        if len(_pages) >= _MOST_PAGES:
            _pages.clear()
        content = _pages[key] = page().render().content
    return HttpResponse(content.replace(TOKEN.encode(), get_token(request).encode()))


def _forget(**kwargs: Any) -> None:
    _pages.clear()


setting_changed.connect(_forget, dispatch_uid=__name__)
