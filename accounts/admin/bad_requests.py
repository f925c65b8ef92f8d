"""Requests whose parameters mean nothing are refused as such, and are no fault of the site's.

Django's admin hands parameters of the query on to the database: a NUL, a number beyond its range, a
year past its calendar, half a pattern or a key of the wrong kind then ends in an exception.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import BadRequest, FieldError, ValidationError
from django.db import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.http import HttpRequest, HttpResponse, QueryDict

logger = logging.getLogger("django.request")

# What values of the wrong kind raise on their way into a query, and in it.
_MEANINGLESS: Final = (DataError, FieldError, OverflowError, ValidationError)


def guarded(view: Callable[..., Any], request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
    """The view's answer; 400 when the request's own parameters are what broke it.

    Raises BadRequest.
    """
    if any(map(_is_unstorable, _texts(request.GET))):
        raise BadRequest("A parameter has a character that nothing stored here can have.")
    if request.method == "POST" and any(map(_is_unstorable, _texts(request.POST))):
        raise BadRequest("A field has a character that nothing stored here can have.")
    try:
        return _rendered(view(request, *args, **kwargs))
    except (*_MEANINGLESS, ValueError) as error:
        if not request.GET and not isinstance(error, _MEANINGLESS):
            raise
        logger.warning("admin: a request's parameters mean nothing", exc_info=True)
        raise BadRequest("A parameter means nothing here.") from error


def _rendered(response: HttpResponse) -> HttpResponse:
    """Lists are asked for while their page is rendered: here, where it can still be refused."""
    if hasattr(response, "render") and not getattr(response, "is_rendered", True):
        response.render()
    return response


def _texts(values: QueryDict) -> Iterator[str]:
    for name, listed in values.lists():
        yield name
        yield from listed


def _is_unstorable(text: str) -> bool:
    """NUL and lone surrogates are refused by PostgreSQL."""
    return "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)
