"""Checks on each request to admin (step-up, parameters), and this app's head in another site."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import BadRequest, FieldError, ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.loader import render_to_string

from ..app import label
from ..conf import is_a_host
from ..web import entrance, step_up
from .people.actions import ACTIONS

logger = logging.getLogger("django.request")

# Pages that ask for a fresh sign-in when opened, since a form shows what it changes: the Microsoft
# app, people and their rights, identities, role mapping. Lists ask when an action is sent.
_FORM_PAGES: Final = ("add", "change", "delete")
_OF_A_USER: Final = ("add_several", "export", "relink", *ACTIONS)  # export: django-import-export
_APP: Final = "socialaccount_socialapp"
_OTHERS: Final = (
    "auth_user_password_change",
    "staff_help_desk",
    "staff_sessions_end",
    "staff_rights_export",
    "staff_moves",
    f"{_APP}_test",
    f"{_APP}_test_one",
    f"{_APP}_undo",
)
_OF_A_REHEARSAL: Final = frozenset(("link", "csv"))  # without them the rehearsal changes nothing
# Raised by parameters of the wrong type, before a query or by it.
_INVALID: Final = (DataError, FieldError, OverflowError, ValidationError)
_HEAD: Final = "microsoft_admin/admin/head.html"
_OUR_STYLE: Final = b"microsoft_admin/admin."
_END_OF_HEAD: Final = b"</head>"


def asks_for_step_up(request: HttpRequest) -> bool:
    """Whether the request is dangerous, and the session has no fresh sign-in."""
    return not step_up.is_satisfied(request) and _is_dangerous(request)


def guarded(view: Callable[..., Any], request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
    """The view's response. Raises BadRequest if the request's parameters make it fail.

    Django's admin passes parameters on to the database, which fails for a NUL, a number or a year
    out of range, an invalid pattern or a key of another type.
    """
    if _has_unstorable(request):
        raise BadRequest("A parameter or field has a character that PostgreSQL cannot store.")
    try:
        return _rendered(view(request, *args, **kwargs))
    except (*_INVALID, ValueError) as error:
        if not request.GET and not isinstance(error, _INVALID):
            raise
        logger.warning("admin: invalid parameters", exc_info=True)
        raise BadRequest("A parameter is invalid.") from error


def _has_unstorable(request: HttpRequest) -> bool:
    # In a frame of its own: a variable with what was typed would be in the report of a crash.
    parameters = [request.GET, *([request.POST] if request.method == "POST" else [])]
    return any(_is_unstorable(text) for values in parameters for text in _texts(values))


def completed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The response; in another site, with this app's style and scripts in the page's head.

    Its base_site.html is its own, or its theme's. One that includes microsoft_admin/admin/head.html
    is left as it is.
    """
    if is_a_host() and _is_page(response) and _OUR_STYLE not in response.content:
        context = {"request": request, "is_ours": entrance.is_from_our_backend(request.session)}
        addition = render_to_string(_HEAD, context).encode()
        response.content = response.content.replace(_END_OF_HEAD, addition + _END_OF_HEAD, 1)
    return response


def _is_dangerous(request: HttpRequest) -> bool:
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    pages, lists = _names()
    if name in pages or request.method != "POST":
        return name in pages
    return name in lists or (
        name == "staff_rehearsal" and not _OF_A_REHEARSAL.isdisjoint(request.POST)
    )


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """URL names: pages that ask when opened, and lists that ask when an action is sent."""
    meta = get_user_model()._meta
    user = f"{meta.app_label}_{meta.model_name}"
    models = (_APP, user, f"{label()}_rolemapping", "auth_group")
    pages = {
        *_OTHERS,
        f"{label()}_signin_export",
        f"{label()}_auditentry_export",
        *(f"{user}_{page}" for page in _OF_A_USER),
        *(f"{model}_{page}" for model in models for page in _FORM_PAGES),
    }
    return frozenset(pages), frozenset(f"{model}_changelist" for model in models)


def _rendered(response: HttpResponse) -> HttpResponse:
    """Rendered, since lists run their queries only then."""
    if hasattr(response, "render") and not getattr(response, "is_rendered", True):
        response.render()
    return response


def _texts(values: QueryDict) -> Iterator[str]:
    for name, listed in values.lists():
        yield name
        yield from listed


def _is_unstorable(text: str) -> bool:
    """Whether it has a NUL or a lone surrogate."""
    return "\0" in text or any("\ud800" <= c <= "\udfff" for c in text)


def _is_page(response: HttpResponse) -> bool:
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and not response.streaming and _END_OF_HEAD in response.content
