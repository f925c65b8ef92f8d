"""Microsoft's redirect comes back here; read downward, this is what happens.

The state is accepted, the code redeemed, the id_token verified, the person decided on; then, in one
transaction, the identity is bound, the sign-in recorded and the session entered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from allauth.socialaccount.helpers import complete_social_login
from django.contrib.auth import login as django_login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from .. import audit, registration
from ..conf import is_a_host
from ..entra import errors, tokens
from ..entra.exchange import Client, exchange_code
from ..entra.metadata import Discovery
from ..entra.token_header import read_kid
from ..entra.tokens import Claims
from ..http.client import get_client
from ..http.deadline import Deadline
from ..models import SignIn
from ..reasons import Refused
from ..registration import Registration
from ..signin import flow, record, state, used
from ..signin.flow import Admission
from ..signin.policy import Rules
from ..signin.record import Attempt
from ..stores import transaction
from . import (
    automatic_sign_in,
    entrance,
    microsoft_session,
    reauthentication,
    refusal,
    refusal_reload,
    request_facts,
    throttle,
)
from .headers import flow_page
from .next_path import safe_next
from .provider import AdmittedLogin, MicrosoftProvider
from .refusal import answered

_LONGEST_CODE: Final = 8192
_OF_THE_CALLER: Final = ("state", "microsoft", "token")  # reasons that anyone can cause


@dataclass(frozen=True, slots=True, repr=False)
class AuthorizationResponse:
    """RFC 6749 sections 4.1.2, 4.1.2.1; no repr: it holds a code."""

    state: str
    code: str
    error: str
    error_description: str
    iss: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Begun:
    """A sign-in whose state was accepted; `secret` is of the session that began it.

    `before_sign_in`: someone has signed in in this browser since.
    """

    issued: state.Issued
    secret: str
    before_sign_in: bool


@csrf_exempt  # so that a POST, which does nothing, is told 405 whatever comes with it
@flow_page
@require_GET
@sensitive_variables()
def microsoft_callback(request: HttpRequest) -> HttpResponse:
    """Into admin, or the refusal page."""
    deadline = request_facts.deadline_of(request)
    attempt = request_facts.attempt_of(request)
    if refusal_reload.PARAMETER in request.GET:
        return answered(request, attempt, safe_next(""), lambda: refusal.again(request))
    work = lambda: _complete(request, attempt, deadline)  # noqa: E731
    return answered(request, attempt, _next_of(request), work)


def _complete(request: HttpRequest, attempt: Attempt, deadline: Deadline) -> HttpResponse:
    """Count the failures that anyone can cause."""
    try:
        return _sign_in(request, attempt, deadline)
    except Refused as refused:
        if refused.reason.group in _OF_THE_CALLER:
            throttle.count(
                throttle.FAILED_CALLBACKS, "callback", request_facts.client_network(request)
            )
        raise


def _is_failure(error: Exception) -> bool:
    """Whether Microsoft answered: a made-up code can cause most of what it says."""
    return isinstance(error, Refused) and error.reason.group != "reach"


def _sign_in(request: HttpRequest, attempt: Attempt, deadline: Deadline) -> HttpResponse:
    response = _read(request.GET)
    issued = state.read(response.state)
    attempt.reference = issued.reference
    begun = _accept(request, issued)
    if begun is None:
        return HttpResponseRedirect(safe_next(issued.next))
    app = registration.in_force()

    def verified() -> tuple[Claims, Rules]:
        return _verified(response, begun, app, attempt, deadline)

    if issued.purpose:
        return reauthentication.finish(request, issued, attempt, verified)
    claims, rules = verified()
    return let_in(request, claims, rules, attempt, begun, app)


@sensitive_variables()
def _verified(
    response: AuthorizationResponse,
    begun: Begun,
    app: Registration,
    attempt: Attempt,
    deadline: Deadline,
) -> tuple[Claims, Rules]:
    """What the code is worth: the claims of its id_token, and the rules to judge them by."""
    try:
        discovery = app.authority().discovery(deadline)
        rules = registration.rules_for(app, deadline)
        _check_issuer(response.iss, discovery.issuer, rules)
        _check_no_error(response)
        with throttle.REDEMPTIONS.attempt(deadline.party or "", _is_failure):
            id_token = _redeem(response, begun, app, discovery, attempt, deadline)
        claims = _verify(id_token, begun, app, discovery, deadline)
    finally:
        attempt.microsoft_ms = deadline.waited_ms
    return claims, rules


# --- the state -----------------------------------------------------------------------------------


def _next_of(request: HttpRequest) -> str:
    """Where the person wanted to go, from any state that we signed, however stale."""
    try:
        return safe_next(state.read(request.GET.get("state", "")).next)
    except Refused:
        return safe_next("")


def _read(query: QueryDict) -> AuthorizationResponse:
    """Refuse duplicates (RFC 6749 section 3.1: parameters must not be repeated)."""
    if any(len(values) > 1 for _name, values in query.lists()):
        raise Refused("state_not_ours", "query: a parameter is repeated")
    return AuthorizationResponse(
        state=query.get("state", ""),
        code=query.get("code", ""),
        error=query.get("error", ""),
        error_description=query.get("error_description", ""),
        iss=query.get("iss"),
    )


def _accept(request: HttpRequest, issued: state.Issued) -> Begun | None:
    """Use the state up; None for a repeated callback of someone who is in, who just goes on."""
    returned = request_facts.returned_to(request)
    problem = state.diagnose(issued, returned)
    key = state.used_key(issued.id)
    if problem is None and used.mark(key, state.LIFETIME * 2):
        secret = state.secret_for(issued, returned.browser_secrets)
        before = secret != request_facts.known_secret_of(request)
        return Begun(issued, secret, before_sign_in=before)
    if problem is not None and not used.is_marked(key):
        raise problem
    if request.user.is_authenticated and getattr(request.user, "is_staff", False):
        return None
    raise Refused("state_already_used", "state: used before")


# --- Microsoft's answer --------------------------------------------------------------------------


def _check_issuer(iss: str | None, issuer: str, rules: Rules) -> None:
    """RFC 9207 section 2.4: an `iss` that is there must be the one we asked."""
    right = {issuer} | {issuer.replace("{tenantid}", tid) for tid in rules.tenants}
    if iss is not None and iss not in right:
        raise Refused("token_invalid", "iss parameter: not the issuer we asked", source="browser")


def _check_no_error(response: AuthorizationResponse) -> None:
    if response.error:
        said = {"error": response.error, "error_description": response.error_description}
        raise errors.claimed_refusal(said)
    if not response.code or len(response.code) > _LONGEST_CODE:
        detail = "authorize: neither code nor error, or code too long"
        raise Refused("microsoft_refused", detail, source="browser")


@sensitive_variables()
def _redeem(
    response: AuthorizationResponse,
    begun: Begun,
    app: Registration,
    discovery: Discovery,
    attempt: Attempt,
    deadline: Deadline,
) -> str:
    return exchange_code(
        Client(get_client(), discovery.token_endpoint, app.client_id, app.credentials),
        code=response.code,
        redirect_uri=registration.redirect_uri(),
        verifier=state.code_verifier(begun.secret, begun.issued.id),
        deadline=deadline,
        request_id=attempt.request_id,
    )


@sensitive_variables()
def _verify(
    id_token: str, begun: Begun, app: Registration, discovery: Discovery, deadline: Deadline
) -> Claims:
    key = app.authority().key(read_kid(id_token), deadline)
    return tokens.verify(
        id_token,
        key=key,
        issuer=discovery.issuer,
        client_id=app.client_id,
        nonce=state.nonce(begun.secret, begun.issued.id),
        now=time.time(),
    )


# --- the person ----------------------------------------------------------------------------------


def let_in(
    request: HttpRequest,
    claims: Claims,
    rules: Rules,
    attempt: Attempt,
    begun: Begun,
    app: Registration,
) -> HttpResponse:
    """Into admin. A first sign-in that loses the race for a user is decided again, once."""
    attempt.identify(claims)

    def decide_and_enter() -> HttpResponse:
        admission = flow.admit(claims, rules)
        _check_same_person(request, admission, begun)
        return _enter(request, admission, claims, attempt, app, safe_next(begun.issued.next))

    try:
        try:
            return decide_and_enter()
        except IntegrityError:
            return decide_and_enter()
    except Refused:
        who = f"{claims.tid}:{claims.oid}"
        throttle.count(throttle.REFUSALS_OF_ONE_IDENTITY, "identity", who)
        raise
    except Exception:
        # The transaction is undone; a session that was entered before must not outlive it.
        entrance.leave(request)
        raise


def _check_same_person(request: HttpRequest, admission: Admission, begun: Begun) -> None:
    """The tabs that someone opened before signing in may end; as somebody else, none may.

    Whoever could plant the session of before a sign-in could have begun a sign-in in it.
    """
    if begun.before_sign_in and request.user.pk != admission.user.pk:
        detail = "session: begun before the sign-in of this browser, and ended as someone else"
        raise Refused("session_changed", detail, user_id=admission.user.pk)


def _logged_in(request: HttpRequest, login: AdmittedLogin, next_path: str) -> HttpResponse:
    """By allauth, as this project does; elsewhere by Django, past the adapters of that site."""
    if is_a_host():
        user: Any = login.user
        django_login(request, user, backend=user.backend)
        return HttpResponseRedirect(next_path)
    response: HttpResponse = complete_social_login(request, login)
    return response


def _enter(
    request: HttpRequest,
    admission: Admission,
    claims: Claims,
    attempt: Attempt,
    app: Registration,
    next_path: str,
) -> HttpResponse:
    """One transaction; started afresh without the record where the record cannot be written."""

    secrets = request_facts.secrets_of(request)

    def in_one_transaction(*, written: bool) -> HttpResponse:
        with transaction.atomic(), audit.context(reference=attempt.reference):
            account = flow.settle(admission, claims)
            row = record.admitted(attempt, admission.user.pk, admission.note, written=written)
            login = AdmittedLogin(MicrosoftProvider(request, app=app.app), admission.user, account)
            login.state["next"] = next_path
            response = _logged_in(request, login, next_path)
            request_facts.renew_secret(request, secrets)
            microsoft_session.begin(request.session, claims)
            entrance.mark(request.session, SignIn.Method.MICROSOFT)
            entrance.write(request.session)
        record.log(row, attempt)
        return automatic_sign_in.pause(response)

    try:
        return in_one_transaction(written=True)
    except record.RecordNotWritten:
        return in_one_transaction(written=False)
