"""The login page of someone of whom nothing is known yet: one for all, but for the CSRF token.

Rendering it takes most of its time, and anyone may ask for it. It is made anew each minute, since
it tells the zone's offset, and wherever another's code has a say in it, for each visitor.
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

# Stands for the token in what is kept, which so never has anyone's; nobody can put it into `next`.
TOKEN: Final = secrets.token_urlsafe(32)
_MOST: Final = 32  # pages: languages, and addresses to go on to
_MESSAGES: Final = "messages"  # Django's cookie

_pages: dict[tuple[object, ...], bytes] = {}


def is_for_all(request: HttpRequest) -> bool:
    """Whether the visitor's page is everybody's: no session, no message, nothing asked but `next`.

    Another site's, and an extension's, templates and middleware may show whatever they like.
    """
    if settings.DEBUG or is_a_host() or conf.IS_EXTENDED or request.method not in ("GET", "HEAD"):
        return False
    told = {settings.SESSION_COOKIE_NAME, _MESSAGES} & request.COOKIES.keys()
    return not told and set(request.GET) <= {"next"}


def kept(
    request: HttpRequest, start_url: str, page: Callable[[], SimpleTemplateResponse]
) -> HttpResponse:
    """The page with the visitor's token; `page` renders it with TOKEN in the token's place."""
    key = (time.time() // 60, get_language(), request.path, start_url)
    content = _pages.get(key)
    if content is None:
        if len(_pages) >= _MOST:
            _pages.clear()
        content = _pages[key] = page().render().content
    return HttpResponse(content.replace(TOKEN.encode(), get_token(request).encode()))


def _forget(**kwargs: Any) -> None:
    _pages.clear()


setting_changed.connect(_forget, dispatch_uid=__name__)
