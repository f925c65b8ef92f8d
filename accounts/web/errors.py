"""Error handlers: every failure shows a page with a reference, never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final

from django.core.exceptions import (
    DisallowedHost,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .. import staff_urls
from ..conf import conf
from ..display.references import new_reference
from ..stores.outages import is_outage
from . import refusal, site_names

Words = tuple[str | Promise, str | Promise]

_TOO_MUCH: Final = (
    _("That was too much at once"),
    _("The form is larger than this site takes. Go back and send less of it at a time."),
)
_WORDS: Final[Mapping[type[Exception], Words]] = {
    DisallowedHost: (
        _("This is not this site's address"),
        _("The site is there, under another address:"),
    ),
    RequestDataTooBig: _TOO_MUCH,
    TooManyFieldsSent: _TOO_MUCH,
    TooManyFilesSent: _TOO_MUCH,
}
_NO_SENSE: Final = (
    _("That request made no sense to us"),
    _("Go back to the start page and try once more."),
)
# What the server refuses before Django sees it, by HTTP status.
_UNREAD: Final[Mapping[int, Words]] = {
    414: (
        _("That address is too long"),
        _("It may have grown on its way here. Open the site at its usual address:"),
    ),
    431: (
        _("Your browser sent more than this site takes"),
        _(
            "Mostly that is cookies, of this site or of others of your organization: delete them"
            " in your browser's settings, then open the site again:"
        ),
    ),
}


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500."""
    return failure(request, sys.exc_info()[1])


def failure(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    """The page for an exception outside of a sign-in, without a record."""
    reference = new_reference()
    refused = refusal.reason_of(error, reference)
    facts = {"reference": reference, "detail": refused.detail}
    refusal.logger.error("request failed: %s", refused.reason.code, extra=facts)
    return refusal.page(request, refused, reference, next_path=None)


def outage(request: HttpRequest, error: Exception) -> HttpResponse:
    """The page for an unavailable store; raises any other error."""
    if not is_outage(error):
        raise error
    return failure(request, error)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return render(request, "404.html", status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400; renders without the request, whose Host may be invalid."""
    words = _WORDS.get(type(exception), _NO_SENSE)
    return render(None, "400.html", _context(words, type(exception).__name__), status=400)


def unread(status: int) -> bytes:
    """The page for a request that the server could not take: 414 or 431."""
    context = _context(_UNREAD[status], f"HTTP {status}")
    return render_to_string("400.html", context).encode()


def _context(words: Words, cause: str) -> dict[str, object]:
    reference = new_reference()
    refusal.logger.warning("request refused: %s", cause, extra={"reference": reference})
    title, text = words
    url = conf.PUBLIC_URL + staff_urls.home()
    context = {"title": title, "text": text, "public_url": url, "reference": reference}
    return {**site_names.names(), **context}
