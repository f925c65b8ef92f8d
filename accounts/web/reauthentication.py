"""Back from Microsoft in a session that is open: a re-check, or a step-up.

Neither signs anybody in: the person must be the one whose session it is. The session keeps its
key, so that other tabs and forms of it go on.
"""

from __future__ import annotations

import logging
import time

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from ..conf import conf
from ..entra.claims import Claims
from ..reasons import Refused
from ..signin import flow
from ..signin.bindings import identity_of
from ..signin.policy import Rules
from ..signin.purpose import Purpose, check_step_up
from ..signin.record import Attempt
from ..signin.state import Issued
from . import automatic_sign_in, microsoft_session, refusal
from .next_path import login_page_url, safe_next

logger = logging.getLogger("django.security.sign_in")

# Groups of reasons for which nothing is known of the person: the session goes on.
_NOT_THE_PERSON = ("reach", "configuration", "us")


def check_session(request: HttpRequest, issued: Issued) -> None:
    """Raises Refused when there is no session to be confirmed."""
    session = microsoft_session.of(request.session)
    if not request.user.is_authenticated or not session.identity:
        raise Refused("session_changed", f"{issued.purpose}: no session to confirm")


def finish(
    request: HttpRequest, issued: Issued, attempt: Attempt, claims: Claims, rules: Rules
) -> HttpResponse:
    """Go on where the person was.

    Raises Refused unless the claims are of the person whose session this is, the policy still lets
    them in, and a step-up is proved.
    """
    if identity_of(claims) != microsoft_session.of(request.session).identity:
        raise Refused("session_changed", "another person than the one who is signed in here")
    attempt.identify(claims)
    flow.confirm(claims, rules, request.user.pk)
    if issued.purpose is Purpose.STEP_UP:
        check_step_up(conf.STEP_UP, claims, issued.at, time.time())
        microsoft_session.prove(request.session, claims)
    else:
        microsoft_session.confirm(request.session, claims)
    facts = {"event": issued.purpose.value, "reference": issued.reference}
    logger.info("%s passed", issued.purpose, extra={**facts, "user_id": request.user.pk})
    return HttpResponseRedirect(safe_next(issued.next))


def recheck_failed(
    request: HttpRequest, issued: Issued, attempt: Attempt, refused: Refused
) -> HttpResponse:
    """Put off what says nothing of the person; anything else ends the session.

    At the login page the button then leads to Microsoft, which explains itself.
    """
    if refused.reason.group in _NOT_THE_PERSON:
        facts = {"reference": issued.reference, "detail": refused.detail}
        logger.warning("re-check put off: %s", refused.reason.code, extra=facts)
        microsoft_session.put_off(request.session)
        return HttpResponseRedirect(safe_next(issued.next))
    refused.detail = f"re-check: {refused.detail}"
    refusal.refuse(request, attempt, refused)
    request.session.flush()
    url = login_page_url(safe_next(issued.next), ended="recheck")
    return automatic_sign_in.stop(HttpResponseRedirect(url))
