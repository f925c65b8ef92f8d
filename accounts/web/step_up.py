"""Dangerous actions demand a fresh sign-in (STEP_UP) before their form is shown.

For a site's own views:

    @fresh_sign_in_required
    def erase(request): ...

    class PayrollAdmin(FreshSignInMixin, ModelAdmin): ...
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from typing_extensions import override

from ..conf import conf
from ..signin.purpose import STEP_UP_SECONDS, Purpose, is_fresh
from . import microsoft_session, request_facts
from .headers import no_store, with_button
from .next_path import safe_next, start_url

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

    _Base = ModelAdmin[Any]
else:
    _Base = object

View = Callable[..., HttpResponse]

FIELD: Final = "step_up"


def is_satisfied(request: HttpRequest) -> bool:
    """Whether this session's sign-in is fresh enough; always with STEP_UP off."""
    if conf.STEP_UP == "off":
        return True
    session = microsoft_session.of(request.session)
    # A sign-in by password or break-glass link is itself the proof.
    proved_at = session.proved_at if session.identity else request_facts.signed_in_at(request)
    return is_fresh(proved_at, time.time())


def ask(request: HttpRequest) -> HttpResponse:
    """The page that asks for a fresh sign-in, with status 403.

    After a POST the sign-in opens in another tab, so that the form is not lost.
    """
    by_microsoft = bool(microsoft_session.of(request.session).identity)
    was_sent = request.method == "POST"
    path = request.get_full_path() if not was_sent else request.path
    context = {
        "by_microsoft": by_microsoft,
        "was_sent": was_sent,
        "minutes": STEP_UP_SECONDS // 60,
        "microsoft_login_url": start_url(safe_next(path)),
        "field": FIELD,
        "token": signing.Signer(salt=__name__).sign(FIELD),
    }
    return no_store(
        with_button(render(request, "microsoft_admin/step_up.html", context, status=403))
    )


def is_requested(request: HttpRequest) -> bool:
    """Whether the page above was used, in a session that began at Microsoft."""
    try:
        signed = signing.Signer(salt=__name__).unsign(request.POST.get(FIELD, ""))
    except signing.BadSignature:
        return False
    return signed == FIELD and bool(microsoft_session.of(request.session).identity)


def purpose_of(request: HttpRequest) -> Purpose:
    """What the sign-in that starts is for."""
    is_step_up = conf.STEP_UP != "off" and request.user.is_authenticated and is_requested(request)
    return Purpose.STEP_UP if is_step_up else Purpose.SIGN_IN


def fresh_sign_in_required(view: View) -> View:
    """For a view that demands a login: asks for a fresh sign-in first."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_satisfied(request) else ask(request)

    return guarded


class FreshSignInMixin(_Base):
    """For a ModelAdmin: adding, changing, deleting and actions demand a fresh sign-in."""

    @override
    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return fresh_sign_in_required(super().add_view)(request, *args, **kwargs)

    @override
    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return fresh_sign_in_required(super().change_view)(request, *args, **kwargs)

    @override
    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return fresh_sign_in_required(super().delete_view)(request, *args, **kwargs)

    @override
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Only an action demands it."""
        if request.method != "POST":
            return super().changelist_view(request, *args, **kwargs)
        return fresh_sign_in_required(super().changelist_view)(request, *args, **kwargs)
