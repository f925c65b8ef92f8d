"""Back from Microsoft in a session that is open: a re-check, or a step-up.

Neither signs anybody in: the person must be the one whose session it is. The session keeps its
key, so that other tabs and forms of it go on.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from ..conf import conf
from ..entra.tokens import Claims
from ..reasons import Refused
from ..signin import flow
from ..signin.bindings import identity_of
from ..signin.policy import Rules
from ..signin.purpose import Purpose, check_step_up
from ..signin.record import Attempt
from ..signin.state import Issued
from . import automatic_sign_in, microsoft_session, refusal
from .next_path import login_page_url, safe_next

Verify = Callable[[], tuple[Claims, Rules]]

logger = logging.getLogger("django.security.sign_in")

# Groups of reasons for which nothing is known of the person: the session goes on.
_NOT_THE_PERSON = ("reach", "configuration", "us")


def finish(request: HttpRequest, issued: Issued, attempt: Attempt, verify: Verify) -> HttpResponse:
    """The way on for a round whose state is accepted; `verify` gives the token's claims.

    Raises Refused when a step-up failed, or when there is no session to be confirmed.
    """
    session = microsoft_session.of(request.session)
    if not request.user.is_authenticated or not session.identity:
        raise Refused("session_changed", f"{issued.purpose}: no session to confirm")
    if issued.purpose is Purpose.RECHECK:
        return _recheck(request, issued, attempt, verify)
    claims = _confirmed(request, attempt, verify)
    check_step_up(conf.STEP_UP, claims, issued.at, time.time())
    microsoft_session.prove(request.session, claims)
    return _passed(request, issued)


def _recheck(
    request: HttpRequest, issued: Issued, attempt: Attempt, verify: Verify
) -> HttpResponse:
    try:
        claims = _confirmed(request, attempt, verify)
    except Refused as refused:
        if refused.reason.group in _NOT_THE_PERSON:
            logger.warning(
                "re-check put off: %s",
                refused.reason.code,
                extra={"reference": issued.reference, "detail": refused.detail},
            )
            microsoft_session.put_off(request.session)
            return HttpResponseRedirect(safe_next(issued.next))
        return _not_confirmed(request, issued, attempt, refused)
    microsoft_session.confirm(request.session, claims)
    return _passed(request, issued)


def _not_confirmed(
    request: HttpRequest, issued: Issued, attempt: Attempt, refused: Refused
) -> HttpResponse:
    """The session ends. At the login page the button leads to Microsoft, which explains itself."""
    refused.detail = f"re-check: {refused.detail}"
    refusal.refuse(request, attempt, refused)
    request.session.flush()
    url = login_page_url(safe_next(issued.next), ended="recheck")
    return automatic_sign_in.stop(HttpResponseRedirect(url))


def _confirmed(request: HttpRequest, attempt: Attempt, verify: Verify) -> Claims:
    """The claims of the very person whose session this is, if the policy still lets them in."""
    claims, rules = verify()
    if identity_of(claims) != microsoft_session.of(request.session).identity:
        raise Refused("session_changed", "another person than the one who is signed in here")
    attempt.identify(claims)
    flow.confirm(claims, rules, request.user.pk)
    return claims


def _passed(request: HttpRequest, issued: Issued) -> HttpResponse:
    facts = {"event": issued.purpose.value, "reference": issued.reference}
    logger.info("%s passed", issued.purpose, extra={**facts, "user_id": request.user.pk})
    return HttpResponseRedirect(safe_next(issued.next))
