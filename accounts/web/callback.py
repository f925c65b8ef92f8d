"""Microsoft's redirect comes back here; read downward, this is what happens.

The state is accepted, the code redeemed, the id_token verified, the person decided on; then, in one
transaction, the identity is bound, the sign-in recorded and the session entered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from allauth.socialaccount.helpers import complete_social_login
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import login as django_login
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from .. import audit, registration
from ..conf import is_a_host
from ..entra import errors, tokens
from ..entra.claims import Claims
from ..entra.exchange import Client, exchange_code
from ..entra.metadata import Discovery
from ..entra.token_header import read_kid
from ..http.client import get_client
from ..http.deadline import Deadline
from ..models import SignIn
from ..reasons import Refused
from ..registration import Registration
from ..signin import flow, record, state, used
from ..signin.bindings import identity_of
from ..signin.flow import Admission
from ..signin.policy import Rules
from ..signin.purpose import Purpose
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
from .backends import session_backend
from .headers import flow_page
from .next_path import safe_next
from .provider import AdmittedLogin, MicrosoftProvider
from .refusal import answered

_LONGEST_CODE: Final = 8192
_OF_THE_CALLER: Final = ("state", "microsoft", "token")  # reasons that anyone can cause


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """A callback whose state was accepted; `secret` is of the session that started its sign-in.

    `before_sign_in`: someone has signed in in this browser since then.
    """

    request: HttpRequest
    attempt: Attempt
    deadline: Deadline
    app: Registration
    issued: state.Issued
    secret: str
    before_sign_in: bool


@csrf_exempt  # a POST does nothing, and gets 405 whatever comes with it
@flow_page
@require_GET
@sensitive_variables()
def microsoft_callback(request: HttpRequest) -> HttpResponse:
    """Into admin, or the refusal page."""
    return answered(request, _next_of(request), _complete)


def _complete(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    """Count the failures that anyone can cause."""
    deadline = request_facts.deadline_of(request)
    if refusal_reload.PARAMETER in request.GET:
        return refusal.again(request)
    try:
        return _sign_in(request, attempt, deadline)
    except Refused as refused:
        if refused.reason.group in _OF_THE_CALLER:
            throttle.FAILED_CALLBACKS.count(request_facts.client_network(request))
        raise


def _sign_in(request: HttpRequest, attempt: Attempt, deadline: Deadline) -> HttpResponse:
    _check_nothing_repeated(request.GET)
    issued = state.read(request.GET.get("state", ""))
    attempt.reference = issued.reference
    callback = _accept(request, issued, attempt, deadline)
    if callback is None:
        return HttpResponseRedirect(safe_next(issued.next))
    if issued.purpose:
        return _reauthenticate(callback)
    claims, rules = _verified(callback)
    return let_in(callback, claims, rules)


def _reauthenticate(callback: Callback) -> HttpResponse:
    request, issued, attempt = callback.request, callback.issued, callback.attempt
    reauthentication.check_session(request, issued)
    try:
        claims, rules = _verified(callback)
        return reauthentication.finish(request, issued, attempt, claims, rules)
    except Refused as refused:
        if issued.purpose is not Purpose.RECHECK:
            raise
        return reauthentication.recheck_failed(request, issued, attempt, refused)


@sensitive_variables()
def _verified(callback: Callback) -> tuple[Claims, Rules]:
    """The claims of the id_token that the code is redeemed for, and the rules to judge them by."""
    app, deadline, query = callback.app, callback.deadline, callback.request.GET
    try:
        discovery = app.authority().discovery(deadline)
        rules = registration.rules_for(app, deadline)
        _check_issuer(query.get("iss"), discovery.issuer, rules)
        code = _code_of(query)
        with throttle.REDEMPTIONS.attempt(deadline.party or "", _is_failure):
            id_token = _redeem(callback, code, discovery)
        return _verify(callback, id_token, discovery), rules
    finally:
        callback.attempt.microsoft_ms = deadline.waited_ms


def _is_failure(error: Exception) -> bool:
    """Whether Microsoft answered: a made-up code can cause most of what it says."""
    return isinstance(error, Refused) and error.reason.group != "reach"


# --- the state -----------------------------------------------------------------------------------


def _next_of(request: HttpRequest) -> str:
    """Where the person wanted to go, from any state that we signed, however stale."""
    try:
        return safe_next(state.read(request.GET.get("state", "")).next)
    except Refused:
        return safe_next("")


def _check_nothing_repeated(query: QueryDict) -> None:
    """RFC 6749 section 3.1: parameters must not be repeated."""
    if any(len(values) > 1 for _name, values in query.lists()):
        raise Refused("state_not_ours", "query: a parameter is repeated")


def _accept(
    request: HttpRequest, issued: state.Issued, attempt: Attempt, deadline: Deadline
) -> Callback | None:
    """Use the state up; None for a repeated callback of someone who is signed in already."""
    returned = request_facts.returned_to(request)
    problem = state.diagnose(issued, returned)
    key = state.used_key(issued.id)
    if problem is None and used.mark(key, state.LIFETIME * 2):
        secret = state.secret_for(issued, returned.browser_secrets)
        before = secret != request_facts.known_secret_of(request)
        app = registration.in_force()
        return Callback(request, attempt, deadline, app, issued, secret, before_sign_in=before)
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


@sensitive_variables()
def _code_of(query: QueryDict) -> str:
    """The code. Raises Refused for an error response (RFC 6749 section 4.1.2.1)."""
    if query.get("error"):
        names = ("error", "error_description")
        raise errors.claimed_refusal({name: query.get(name, "") for name in names})
    code = query.get("code", "")
    if not code or len(code) > _LONGEST_CODE:
        detail = "authorize: neither code nor error, or code too long"
        raise Refused("microsoft_refused", detail, source="browser")
    return code


@sensitive_variables()
def _redeem(callback: Callback, code: str, discovery: Discovery) -> str:
    app = callback.app
    return exchange_code(
        Client(get_client(), discovery.token_endpoint, app.client_id, app.credentials),
        code=code,
        redirect_uri=registration.redirect_uri(),
        verifier=state.code_verifier(callback.secret, callback.issued.id),
        deadline=callback.deadline,
        request_id=callback.attempt.request_id,
    )


@sensitive_variables()
def _verify(callback: Callback, id_token: str, discovery: Discovery) -> Claims:
    app = callback.app
    return tokens.verify(
        id_token,
        key=app.authority().key(read_kid(id_token), callback.deadline),
        issuer=discovery.issuer,
        client_id=app.client_id,
        nonce=state.nonce(callback.secret, callback.issued.id),
        now=time.time(),
    )


# --- the person ----------------------------------------------------------------------------------


def let_in(callback: Callback, claims: Claims, rules: Rules) -> HttpResponse:
    """Into admin. A first sign-in that loses the race for a user is decided again, once."""
    callback.attempt.identify(claims)
    try:
        try:
            return _decide_and_enter(callback, claims, rules)
        except IntegrityError:
            return _decide_and_enter(callback, claims, rules)
    except Refused:
        throttle.REFUSALS_OF_ONE_IDENTITY.count(identity_of(claims))
        raise
    except Exception:
        # The transaction is undone; a session that was entered before must not outlive it.
        entrance.leave(callback.request)
        raise


def _decide_and_enter(callback: Callback, claims: Claims, rules: Rules) -> HttpResponse:
    """A record that cannot be written keeps nobody out: all is done again without it."""
    admission = flow.admit(claims, rules)
    _check_same_person(callback, admission)
    try:
        return _enter(callback, claims, admission, written=True)
    except record.RecordNotWritten:
        return _enter(callback, claims, admission, written=False)


def _check_same_person(callback: Callback, admission: Admission) -> None:
    """The tabs that someone opened before signing in may end; as somebody else, none may.

    Whoever could plant the session of before a sign-in could have begun a sign-in in it.
    """
    if callback.before_sign_in and callback.request.user.pk != admission.user.pk:
        detail = "session: begun before the sign-in of this browser, and ended as someone else"
        raise Refused("session_changed", detail, user_id=admission.user.pk)


def _enter(
    callback: Callback, claims: Claims, admission: Admission, *, written: bool
) -> HttpResponse:
    """In one transaction: the identity bound, the sign-in recorded, the session entered."""
    request, attempt = callback.request, callback.attempt
    secrets = request_facts.secrets_of(request)
    with transaction.atomic(), audit.context(reference=attempt.reference):
        account = flow.settle(admission, claims)
        row = record.admitted(attempt, admission.user.pk, admission.note, written=written)
        response = _logged_in(callback, admission.user, account)
        request_facts.renew_secret(request, secrets)
        microsoft_session.begin(request.session, claims)
        entrance.mark(request.session, SignIn.Method.MICROSOFT)
        entrance.write(request.session)
    record.log(row, attempt)
    return automatic_sign_in.pause(response)


def _logged_in(callback: Callback, user: Any, account: SocialAccount) -> HttpResponse:
    """By allauth, as this project does; elsewhere by Django, past the adapters of that site."""
    request, next_path = callback.request, safe_next(callback.issued.next)
    if is_a_host():
        django_login(request, user, backend=session_backend())
        return HttpResponseRedirect(next_path)
    login = AdmittedLogin(MicrosoftProvider(request, app=callback.app.app), user, account)
    login.state["next"] = next_path
    response: HttpResponse = complete_social_login(request, login)
    return response
