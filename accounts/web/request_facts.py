"""What a request says about its browser and address, and which process serves it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.utils import timezone

from ..conf import conf
from ..display.references import new_reference
from ..http.client import SECONDS
from ..http.deadline import Deadline
from ..models import SignIn
from ..signin import state
from ..signin.record import Attempt
from . import cookies

SESSION_ENTRY: Final = "sign_in_browser"
SEEN: Final = "seen_at"  # when the session was last used, seconds since the epoch
UNCHECKED_HOURS: Final = 1  # of a session that Microsoft cannot confirm
FORMER_ENTRY: Final = "sign_in_browser_before"
_FORMER: Final = 10  # tabs with a sign-in under way when the person signed in

_started = time.time()


def _restart_clock() -> None:
    global _started
    _started = time.time()


os.register_at_fork(after_in_child=_restart_clock)


def secret_of(request: HttpRequest) -> str:
    """The session's browser secret, made when there is none."""
    secret = known_secret_of(request)
    if not secret:
        secret = request.session[SESSION_ENTRY] = state.new_browser_secret()
        if SESSION_KEY not in request.session:
            # Nobody is signed in: it need only last as long as a sign-in may take.
            request.session.set_expiry(2 * state.LIFETIME)
    return secret


def known_secret_of(request: HttpRequest) -> str:
    """The session's browser secret, or ""."""
    secret = request.session.get(SESSION_ENTRY, "")
    return secret if isinstance(secret, str) else ""


def renew_secret(request: HttpRequest, secrets: Iterable[str]) -> None:
    """After a sign-in: the session's next secret is a new one, and `secrets` are its former ones.

    `secrets` are those of `secrets_of` before the sign-in, which may have emptied the session.
    """
    request.session.pop(SESSION_ENTRY, None)
    request.session[FORMER_ENTRY] = [secret for secret in secrets if secret][:_FORMER]


def secrets_of(request: HttpRequest) -> tuple[str, ...]:
    """The session's own secret, then those of before its sign-in, the latest first."""
    former = request.session.get(FORMER_ENTRY, [])
    return (known_secret_of(request), *(former if isinstance(former, list) else ()))


def end_within_the_hour(request: HttpRequest) -> None:
    """For a sign-in that was not at Microsoft, which cannot confirm it later."""
    hours = min(conf.SESSION_HOURS, UNCHECKED_HOURS)
    request.session.set_expiry(timezone.now() + timedelta(hours=hours))


def served_by(request: HttpRequest) -> state.ServedBy:
    """The origin of this request, and the process that serves it."""
    return state.ServedBy(
        origin=f"{request.scheme}://{request.get_host()}",
        process=process_name(),
        started=_started,
    )


def process_name() -> str:
    """This process among all instances: "instance/pid"."""
    return f"{conf.INSTANCE_ID}/{os.getpid()}"


def returned_to(request: HttpRequest) -> state.Returned:
    """The callback's request, for `state.diagnose`."""
    return state.Returned(
        at=time.time(),
        served_by=served_by(request),
        cookie_sent=settings.SESSION_COOKIE_NAME in request.COOKIES,
        cookie_twice=cookies.sent_twice(request, settings.SESSION_COOKIE_NAME),
        browser_secrets=secrets_of(request),  # loads the session, so before the next line
        session_found=request.session.session_key is not None,
    )


def client_ip(request: HttpRequest) -> str:
    """The client's address, as ProxyMiddleware has established it."""
    return str(request.META.get("REMOTE_ADDR") or "")


def signed_in_at(request: HttpRequest) -> float | None:
    """When the session's user signed in; None where it has no time."""
    try:
        return datetime.fromisoformat(request.session.get("signed_in_at", "")).timestamp()
    except (TypeError, ValueError):
        return None


def client_network(request: HttpRequest) -> str:
    """What counts as one client where attempts are counted: see `network_of`."""
    return network_of(client_ip(request))


def network_of(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one, all of which one subscriber has (RFC 6177).

    An IPv4 address that is written as an IPv6 one (RFC 4291, section 2.5.5.2) is the former.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((found, 64), strict=False))


def deadline_of(request: HttpRequest) -> Deadline:
    """How long this request may wait for Microsoft in all; to be made once, when it begins."""
    return Deadline(SECONDS, client_network(request))


def attempt_of(request: HttpRequest, method: SignIn.Method = SignIn.Method.MICROSOFT) -> Attempt:
    """A new attempt, with a reference of its own until the state gives one."""
    return Attempt(
        reference=new_reference(),
        method=method,
        client_ip=client_ip(request) or None,
        user_agent=request.headers.get("User-Agent", ""),
        host=request.headers.get("Host", ""),
        process=process_name(),
    )
