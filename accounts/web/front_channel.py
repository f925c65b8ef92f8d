"""Front-channel logout: Microsoft tells the sites of a browser that the person signed out there.

OpenID Connect Front-Channel Logout 1.0, section 2. The request comes from a frame of Microsoft's
page, mostly without this site's cookie, so `sid` alone names the sessions.
"""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from ..conf import conf
from ..ids import tenant_of_issuer
from ..reasons import Refused
from ..sessions.index import sessions
from ..sessions.store import sid_owner
from ..stores.outages import STORE_ERRORS
from . import csp, microsoft_session, request_facts, throttle
from .headers import no_store

logger = logging.getLogger("django.security.sign_in")

_LONGEST: Final = 128


@login_not_required
@csrf_exempt
def logout(request: HttpRequest) -> HttpResponse:
    """Always 200 and empty, so that nobody learns which `sid` exists."""
    sid = _one_sid(request)
    if request.method == "GET" and 0 < len(sid) <= _LONGEST and _is_by_microsoft(request):
        _end(request, microsoft_session.sid_hash(sid))
    return _frameable(no_store(HttpResponse()))


def _one_sid(request: HttpRequest) -> str:
    """The `sid`; "" where there are several."""
    named = request.GET.getlist("sid")
    return named[0] if len(named) == 1 else ""


def _is_by_microsoft(request: HttpRequest) -> bool:
    """Whether `iss`, where it is there, is a tenant of our authority."""
    named = request.GET.getlist("iss")
    if not named:
        return True
    host, authority = urlsplit(named[0]).hostname, urlsplit(conf.MICROSOFT_LOGIN_URL).hostname
    tenants = conf.MICROSOFT_ALLOWED_TENANTS
    is_tenant = not tenants or tenant_of_issuer(named[0]) in tenants
    return len(named) == 1 and host == authority and is_tenant


def _end(request: HttpRequest, sid_hash: str) -> None:
    try:
        throttle.FRONT_CHANNEL.count(request_facts.client_network(request))
        ended = sessions().end_all_of(sid_owner(sid_hash))
    except (Refused, *STORE_ERRORS) as error:
        logger.warning("front-channel logout not carried out (%s)", type(error).__name__)
        return
    if ended:
        facts = {"event": "front_channel_logout", "ended": ended}
        logger.info("signed out at Microsoft: %s sessions ended", ended, extra=facts)


def _frameable(response: HttpResponse) -> HttpResponse:
    """Allows Microsoft's page to load this address in a frame."""
    response.xframe_options_exempt = True
    csp.allow(response, {"frame-ancestors": ["https:"]})
    return response
