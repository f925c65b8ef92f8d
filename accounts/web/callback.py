"""From Microsoft's redirect to a signed-in session: accept the state, redeem, verify, enter."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.helpers import complete_social_login
from django.core.cache import cache
from django.http import HttpResponseRedirect

from accounts import registration
from accounts.entra import errors, tokens
from accounts.entra.exchange import exchange_code
from accounts.http.bulkhead import waited_ms
from accounts.http.client import get_client
from accounts.reasons import Refused
from accounts.signin import flow, state
from accounts.signin.policy import Rules
from accounts.web import automatic, microsoft_session, request_facts, rounds, throttle
from accounts.web.next_path import safe_next
from accounts.web.provider import AdmittedLogin, MicrosoftProvider

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialAccount
    from django.http import HttpRequest, HttpResponse, QueryDict

    from accounts.entra.authority import Authority, Discovery
    from accounts.entra.tokens import Claims
    from accounts.registration import Registration
    from accounts.signin.record import Attempt

_LONGEST_CODE: Final = 8192
_OF_THE_CALLER: Final = ("state", "microsoft", "token")  # reasons that anyone can bring about


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The authorization response (RFC 6749 sections 4.1.2, 4.1.2.1); no repr: it holds a code."""

    state: str
    code: str
    error: str
    error_description: str
    iss: str | None


def complete(request: HttpRequest, attempt: Attempt) -> HttpResponse:
    """Sign in the person who came back from Microsoft, or raise Refused."""
    try:
        answer = _answer(request.GET)
        issued = state.read(answer.state)
        attempt.reference = issued.reference
        return _accept(request, issued) or _redeem(request, answer, issued, attempt)
    except Refused as refused:
        if refused.reason.group in _OF_THE_CALLER:
            throttle.count(throttle.FAILED_CALLBACKS, "callback", request_facts.client_ip(request))
        raise


def next_of(request: HttpRequest) -> str:
    """Where the person wanted to go, from any state that we signed, however stale."""
    try:
        return safe_next(state.read(request.GET.get("state", "")).next)
    except Refused:
        return safe_next("")


def _answer(query: QueryDict) -> Answer:
    """Refuse duplicates (RFC 6749 section 3.1: parameters must not be repeated)."""
    if any(len(values) > 1 for _name, values in query.lists()):
        raise Refused("state_not_ours", "query: a parameter is repeated")
    return Answer(
        state=query.get("state", ""),
        code=query.get("code", ""),
        error=query.get("error", ""),
        error_description=query.get("error_description", ""),
        iss=query.get("iss"),
    )


def _accept(request: HttpRequest, issued: state.Issued) -> HttpResponse | None:
    """Use the state up; a repeated callback of someone who is in just goes on."""
    returned = request_facts.returned_to(request)
    problem = state.diagnose(issued, returned)
    key = state.used_key(issued.id)
    if problem is None and cache.add(key, 1, state.LIFETIME * 2):
        return None
    if problem is not None and cache.get(key) is None:
        raise problem
    if request.user.is_authenticated and getattr(request.user, "is_staff", False):
        return HttpResponseRedirect(safe_next(issued.next))
    raise Refused("state_already_used", "state: used before")


def _redeem(
    request: HttpRequest, answer: Answer, issued: state.Issued, attempt: Attempt
) -> HttpResponse:
    app = registration.in_force()
    if issued.purpose:
        return rounds.finish(
            request, issued, attempt, lambda: _verified(request, answer, issued, attempt, app)
        )
    claims, rules = _verified(request, answer, issued, attempt, app)
    return _enter(request, claims, rules, attempt, issued, app)


def _verified(
    request: HttpRequest,
    answer: Answer,
    issued: state.Issued,
    attempt: Attempt,
    app: Registration,
) -> tuple[Claims, Rules]:
    authority = app.authority()
    discovery = authority.discovery()
    rules = registration.rules_for(app)
    _check_issuer(answer.iss, discovery.issuer, rules)
    _check_no_error(answer)
    try:
        claims = _claims(request, answer, issued, app, authority, discovery)
    finally:
        attempt.microsoft_ms = waited_ms()
    return claims, rules


def _check_issuer(iss: str | None, issuer: str, rules: Rules) -> None:
    """RFC 9207 section 2.4: an `iss` that is there must be the one we asked."""
    right = {issuer} | {issuer.replace("{tenantid}", tid) for tid in rules.tenants}
    if iss is not None and iss not in right:
        raise Refused("token_invalid", "iss parameter: not the issuer we asked")


def _check_no_error(answer: Answer) -> None:
    if answer.error:
        said = {"error": answer.error, "error_description": answer.error_description}
        raise errors.refusal_of(said)
    if not answer.code or len(answer.code) > _LONGEST_CODE:
        raise Refused("microsoft_refused", "authorize: neither code nor error, or code too long")


def _claims(
    request: HttpRequest,
    answer: Answer,
    issued: state.Issued,
    app: Registration,
    authority: Authority,
    discovery: Discovery,
) -> Claims:
    secret = request_facts.known_secret_of(request)
    id_token = exchange_code(
        get_client(),
        discovery.token_endpoint,
        client_id=app.client_id,
        secrets=app.secrets,
        code=answer.code,
        redirect_uri=app.redirect_uri,
        verifier=state.code_verifier(secret, issued.id),
    )
    return tokens.verify(
        id_token,
        key_for=authority.key,
        issuer=discovery.issuer,
        client_id=app.client_id,
        nonce=state.nonce(secret, issued.id),
        now=time.time(),
    )


def _enter(
    request: HttpRequest,
    claims: Claims,
    rules: Rules,
    attempt: Attempt,
    issued: state.Issued,
    app: Registration,
) -> HttpResponse:
    def enter(user: Any, account: SocialAccount) -> HttpResponse:
        login = AdmittedLogin(MicrosoftProvider(request, app=app.app), user, account)
        response = _sign_in_by_allauth(request, login, safe_next(issued.next))
        microsoft_session.begin(request.session, claims)
        return response

    try:
        return flow.sign_in(claims, rules, attempt, enter)
    except Refused:
        who = f"{claims.tid}:{claims.oid}"
        throttle.count(throttle.REFUSALS_OF_ONE_IDENTITY, "identity", who)
        raise
    except Exception:
        # The transaction is undone; a session that was entered before must not outlive it.
        request.session.flush()
        raise


def _sign_in_by_allauth(request: HttpRequest, login: AdmittedLogin, next_path: str) -> HttpResponse:
    """A new session key for the person; the browser secret stays for the other tabs."""
    secret = request_facts.known_secret_of(request)
    login.state["next"] = next_path
    response: HttpResponse = complete_social_login(request, login)
    request.session[request_facts.SESSION_ENTRY] = secret
    return automatic.pause(response)
