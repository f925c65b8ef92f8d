"""The reason, the record and the page for whatever stopped a sign-in."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core import signing
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from .. import staff_urls
from ..models import SignIn
from ..protection.redact import root_cause
from ..reasons import CAUSES, Refused
from ..signin import mapping, record
from ..signin.record import Attempt
from ..stores.outages import DATABASE_ERRORS, STORE_ERRORS, redis_code, sqlstate
from . import automatic_sign_in, doctor_visits, refusal_reload, request_facts, throttle
from .headers import no_store, with_button
from .next_path import start_url

logger = logging.getLogger("django.security.sign_in")

AGAIN: Final = "again"
_LOGGED_EVERY: Final = 256
_ROLES_NAMED: Final = 10


def answered(
    request: HttpRequest,
    next_path: str,
    work: Callable[[HttpRequest, Attempt], HttpResponse],
    method: SignIn.Method = SignIn.Method.MICROSOFT,
) -> HttpResponse:
    """The response of `work`, or the page of the refusal that its exception means."""
    attempt = request_facts.attempt_of(request, method)
    try:
        return work(request, attempt)
    except SuspiciousOperation:
        raise
    except Exception as error:
        refusal = reason_of(error, attempt.reference)
        return refuse(request, attempt, refusal, next_path)


def reason_of(error: BaseException | None, reference: str) -> Refused:
    """The refusal that an exception means; an unexpected one is logged with its traceback."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, STORE_ERRORS):
        return Refused("session_store_unavailable", _detail("store", redis_code(error), error))
    if isinstance(error, DATABASE_ERRORS):
        return Refused("database_unavailable", _detail("database", sqlstate(error), error))
    logger.error("unexpected error", exc_info=error, extra={"reference": reference})
    code = f" ({sqlstate(error)})" if error and sqlstate(error) else ""
    return Refused("unexpected", f"error: {type(error).__name__}{code}")


def _detail(part: str, code: str, error: BaseException) -> str:
    """The root cause, with the server's own code where its text lacks it."""
    cause = root_cause(error)
    return f"{part}: {cause}" if code in cause else f"{part}: {code} {cause}"


def refuse(
    request: HttpRequest,
    attempt: Attempt,
    refusal: Refused,
    next_path: str = "",
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Record the refusal; returns its page, with `more` in the template's context."""
    keep = refusal.reason.code != "database_unavailable" and _worth_a_row(attempt, refusal)
    # A store that has just failed is not asked again: it may take until a time-out.
    by_outsider = refusal.user_id is None and refusal.reason.code != "session_store_unavailable"
    keep = keep and (not by_outsider or _below_cap())
    is_doctors = doctor_visits.is_doctors(request)
    record.refused(attempt, refusal, keep=keep and not is_doctors)
    account = _account(attempt)
    reload = refusal_reload.address(request, refusal, attempt.reference, account)
    more = {"account": account, "reload": reload, **(more or {})}
    response = page(request, refusal, attempt.reference, next_path, more)
    return doctor_visits.report(request, response, refusal.detail) if is_doctors else response


def again(request: HttpRequest) -> HttpResponse:
    """A refusal's page after a reload, without a record. Raises Refused."""
    refusal, reference, account = refusal_reload.read(request)
    return page(request, refusal, reference, "", {"account": account})


def _account(attempt: Attempt) -> dict[str, str] | None:
    """The person's own name and address, from a verified token only."""
    if not (attempt.tid and attempt.oid):
        return None
    return {
        "name": record.printable(attempt.name, 100),
        "email": record.printable(attempt.email, 254),
    }


def page(
    request: HttpRequest,
    refusal: Refused,
    reference: str,
    next_path: str | None = "",
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The refusal page; of Microsoft's answer it shows a matched AADSTS number only.

    Without a `next_path` its Try again leads to the login page instead of starting a sign-in.
    """
    reason = refusal.reason
    title, words = CAUSES.get(refusal.cause, (reason.title, reason.person))
    context = {
        "reason": reason,
        "title": title,
        "words": words,
        "reference": reference,
        "aadsts": refusal.aadsts,
        "retry_after": refusal.retry_after,
        "retry_minutes": -(-(refusal.retry_after or 0) // 60),
        "try_again_url": start_url(next_path or staff_urls.home()) if next_path is not None else "",
        "again": again_token(),
        "wanted_roles": _accepted_roles(refusal),
        **(more or {}),
    }
    names = [f"microsoft_admin/{refusal.reason.code}.html", "microsoft_admin/refused.html"]
    text = render_to_string(names, context, request)
    response = HttpResponse(text, status=refusal.reason.status)
    if refusal.retry_after is not None:
        response.headers["Retry-After"] = str(refusal.retry_after)
    automatic_sign_in.stop(response)
    return no_store(response if next_path is None else with_button(response))


def _accepted_roles(refusal: Refused) -> list[str]:
    """The app roles that somebody without one can ask for."""
    return (
        sorted(mapping.table().rows)[:_ROLES_NAMED] if refusal.reason.code == "role_missing" else []
    )


def again_token() -> str:
    """A signed form field that asks for Microsoft's account picker."""
    return signing.Signer(salt=__name__).sign(AGAIN)


def is_try_again(request: HttpRequest) -> bool:
    """Whether a Try again button was pressed."""
    try:
        return signing.Signer(salt=__name__).unsign(request.POST.get(AGAIN, "")) == AGAIN
    except signing.BadSignature:
        return False


def _below_cap() -> bool:
    """Whether an outsider's row may be written; one row counts those that are not."""
    try:
        over, window = throttle.rows_over_cap()
    except STORE_ERRORS:
        return True
    if over and (over.bit_count() == 1 or over % _LOGGED_EVERY == 0):
        record.not_kept(over, window)
    return not over


def _worth_a_row(attempt: Attempt, refusal: Refused) -> bool:
    """A flood is recorded once a minute for each address, so that it cannot fill the table."""
    if refusal.reason.code != "too_many_attempts":
        return True
    try:
        return throttle.THROTTLED_ROWS.hit(request_facts.network_of(attempt.client_ip or ""))
    except STORE_ERRORS:
        return False
