"""Dangerous things ask for a fresh sign-in (STEP_UP), before their form is shown.

For a site's own views:

    @fresh_sign_in_required
    def erase(request): ...

    class PayrollAdmin(FreshSignInMixin, ModelAdmin): ...
"""

from __future__ import annotations

import time
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

from django.core import signing
from django.shortcuts import render
from typing_extensions import override

from ..conf import conf
from ..signin.purpose import STEP_UP_SECONDS, Purpose, is_fresh
from . import microsoft_session, request_facts
from .headers import no_store, with_button
from .next_path import safe_next, start_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

    _Base = ModelAdmin[Any]
    View = Callable[..., HttpResponse]
else:
    _Base = object

FIELD: Final = "step_up"


def is_satisfied(request: HttpRequest) -> bool:
    """Whether this session may do dangerous things now. Always, with STEP_UP off."""
    if conf.STEP_UP == "off":
        return True
    session = microsoft_session.of(request.session)
    # By password or break-glass link the sign-in itself was the proof.
    proved_at = session.proved_at if session.identity else request_facts.signed_in_at(request)
    return is_fresh(proved_at, time.time())


def ask(request: HttpRequest) -> HttpResponse:
    """The page that asks for a fresh sign-in: 403, for nothing of what was asked is done.

    After a POST the browser still has the form: its sign-in opens in another tab.
    """
    by_microsoft = bool(microsoft_session.of(request.session).identity)
    was_sent = request.method == "POST"
    here = request.get_full_path() if not was_sent else request.path
    context = {
        "by_microsoft": by_microsoft,
        "was_sent": was_sent,
        "minutes": STEP_UP_SECONDS // 60,
        "microsoft_login_url": start_url(safe_next(here)),
        "field": FIELD,
        "token": signing.Signer(salt=__name__).sign(FIELD),
    }
    return no_store(
        with_button(render(request, "microsoft_admin/step_up.html", context, status=403))
    )


def is_requested(request: HttpRequest) -> bool:
    """Whether a sign-in was started by the page above, in a session that Microsoft began."""
    try:
        signed = signing.Signer(salt=__name__).unsign(request.POST.get(FIELD, ""))
    except signing.BadSignature:
        return False
    return signed == FIELD and bool(microsoft_session.of(request.session).identity)


def purpose_of(request: HttpRequest) -> Purpose:
    """What a press of the button is for."""
    asked = conf.STEP_UP != "off" and request.user.is_authenticated and is_requested(request)
    return Purpose.STEP_UP if asked else Purpose.SIGN_IN


def fresh_sign_in_required(view: View) -> View:
    """For a view of people who are signed in: asks for a fresh sign-in first, if there is none."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return view(request, *args, **kwargs) if is_satisfied(request) else ask(request)

    return guarded


class FreshSignInMixin(_Base):
    """For a ModelAdmin: adding, changing, deleting and the actions ask for a fresh sign-in."""

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
        """Looking is free; an action is not."""
        if request.method != "POST":
            return super().changelist_view(request, *args, **kwargs)
        return fresh_sign_in_required(super().changelist_view)(request, *args, **kwargs)
