"""Sign-in without a click (SIGN_IN_AUTOMATICALLY), and when it must not start.

A cookie stops it: after a sign-out or a refusal until the next successful sign-in, and for a minute
after each automatic start, so that there is no redirect loop.
"""

from __future__ import annotations

from typing import Final, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from ..conf import conf

Answered = TypeVar("Answered", bound="HttpResponse")
_PAUSE: Final = 60  # seconds


def starts_by_itself(request: HttpRequest) -> bool:
    """Whether the login page goes on to Microsoft without a click.

    Never where the password form is shown, or to someone signed in who may not use admin.
    """
    return (
        conf.SIGN_IN_AUTOMATICALLY
        and not conf.ADMIN_PASSWORD_LOGIN
        and request.method == "GET"
        and not request.user.is_authenticated
        and _cookie_name() not in request.COOKIES
    )


def pause(response: Answered) -> Answered:
    """No automatic start for a minute."""
    return _ask_for_the_button(response, max_age=_PAUSE)


def stop(response: Answered) -> Answered:
    """No automatic start until a sign-in succeeds, or the browser is closed."""
    return _ask_for_the_button(response, max_age=None)


def _ask_for_the_button(response: Answered, max_age: int | None) -> Answered:
    if conf.SIGN_IN_AUTOMATICALLY:
        response.set_cookie(
            _cookie_name(),
            "1",
            max_age=max_age,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return response


def _cookie_name() -> str:
    return "__Host-press_button" if settings.SESSION_COOKIE_SECURE else "press_button"
