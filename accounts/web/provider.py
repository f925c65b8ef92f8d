"""allauth's Microsoft provider with OpenID Connect: state, nonce and PKCE.

The stock provider reads Graph and never an id_token, and lets the query string set scope and
parameters. This one sends people to the discovery document's authorization endpoint with only the
parameters below; the verified id_token alone says who they are.
"""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.parse import quote, urlencode

from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.microsoft.provider import MicrosoftGraphProvider
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from typing_extensions import override

from .. import registration
from ..conf import conf
from ..entra.exchange import SCOPE
from ..http.client import get_client
from ..http.deadline import Deadline
from ..registration import Registration
from ..signin import purpose as purposes
from ..signin import state
from ..signin.identities import PROVIDER
from ..signin.purpose import Purpose
from . import microsoft_session, request_facts
from .backends import session_backend


class MicrosoftProvider(MicrosoftGraphProvider):
    """Sends people to Microsoft; reads nothing from the request."""

    @property
    @override
    def sub_id(self) -> str:
        """The same for every app, whatever its provider_id."""
        return PROVIDER

    @override
    def redirect(
        self,
        request: HttpRequest,
        process: str = AuthProcess.LOGIN,
        next_url: str | None = None,
        data: Any = None,
        **kwargs: Any,
    ) -> HttpResponse:
        """As allauth calls it; `process`, `data`, scopes and parameters are ignored."""
        deadline = request_facts.deadline_of(request)
        return HttpResponseRedirect(begin(request, next_url or "", deadline)[1])

    @override
    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> NoReturn:
        """Not supported: identities come from verified id_tokens only."""
        raise NotImplementedError("Identities come from verified id_tokens only.")


def begin(
    request: HttpRequest,
    next_path: str,
    deadline: Deadline,
    *,
    again: bool = False,
    purpose: Purpose = Purpose.SIGN_IN,
) -> tuple[state.Issued, str]:
    """A new state, and the URL of Microsoft's sign-in page; `again` asks for the account picker.

    Raises Refused when the app is not configured, or Microsoft cannot be reached in time.
    """
    app = registration.in_force()
    discovery = app.authority().discovery(deadline)
    get_client().warm(discovery.token_endpoint)
    app.prepare(discovery.token_endpoint)
    secret = request_facts.secret_of(request)
    issued, text = state.issue(secret, request_facts.served_by(request), next_path, purpose)
    extra = {"prompt": "select_account"} if again else _purpose_parameters(request, purpose)
    parameters = {**authorize_parameters(app, secret, issued, text), **extra}
    joint = "&" if "?" in discovery.authorization_endpoint else "?"
    query = urlencode(parameters, quote_via=quote)
    return issued, f"{discovery.authorization_endpoint}{joint}{query}"


def _purpose_parameters(request: HttpRequest, purpose: Purpose) -> dict[str, str]:
    if purpose is Purpose.SIGN_IN:
        return {}
    hint = microsoft_session.of(request.session).login_hint
    return purposes.parameters(purpose, conf.STEP_UP, hint)


def authorize_parameters(
    app: Registration, secret: str, issued: state.Issued, text: str
) -> dict[str, str]:
    """The authentication request (OpenID Connect Core 3.1.2.1, RFC 7636 section 4.3)."""
    parameters = {
        "client_id": app.client_id,
        "response_type": "code",
        "response_mode": "query",
        "redirect_uri": registration.redirect_uri(),
        "scope": SCOPE,
        "state": text,
        "nonce": state.nonce(secret, issued.id),
        "code_challenge": state.code_challenge(state.code_verifier(secret, issued.id)),
        "code_challenge_method": "S256",
    }
    if conf.MICROSOFT_DOMAIN_HINT:
        parameters["domain_hint"] = conf.MICROSOFT_DOMAIN_HINT
    return parameters


class AdmittedLogin(SocialLogin):
    """A sign-in that the policy has admitted, for which allauth looks nothing up."""

    def __init__(self, provider: MicrosoftProvider, user: Any, account: SocialAccount) -> None:
        user.backend = session_backend()
        super().__init__(user=user, account=account, provider=provider)
        self.state = {"process": AuthProcess.LOGIN}
        self._looked_up = False

    @property
    @override
    def is_existing(self) -> bool:
        return self._looked_up

    @override
    def lookup(self) -> None:
        """Not the stock look-up, which writes extra_data and may match by email."""
        self._did_authenticate_by_email = None
        self._looked_up = True
