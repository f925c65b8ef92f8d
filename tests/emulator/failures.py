"""What goes wrong, worded as Entra words it: an error, an AADSTS number, a text, three traces."""

import time
from dataclasses import dataclass
from uuid import uuid4

from .wire import NO_STORE, Response, json_response


@dataclass(frozen=True, slots=True)
class Failure:
    """`number` is None where Entra sends a bare error."""

    error: str
    number: int | None = None
    text: str = ""
    status: int = 400

    def response(self, now: float, status: int | None = None) -> Response:
        """As the token endpoint and the metadata answer it."""
        trace, correlation, stamp = str(uuid4()), str(uuid4()), timestamp(now)
        body = {
            "error": self.error,
            "error_description": self._description(trace, correlation, stamp),
            "error_codes": [] if self.number is None else [self.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
        }
        return json_response(body, status or self.status, NO_STORE)

    def fields(self, now: float) -> dict[str, str]:
        """As they go back to the site in the redirect."""
        if not self.text:
            return {"error": self.error, "error_subcode": "cancel"}
        description = self._description(str(uuid4()), str(uuid4()), timestamp(now))
        return {"error": self.error, "error_description": description}

    def _description(self, trace: str, correlation: str, stamp: str) -> str:
        number = "" if self.number is None else f"AADSTS{self.number}: "
        traces = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        return f"{number}{self.text} {traces}"


def timestamp(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now))


def tenant_not_found(tenant: str) -> Failure:
    text = (
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud."
    )
    return Failure("invalid_tenant", 90002, text)


def client_unknown(client_id: str) -> Failure:
    text = (
        f"Application with identifier '{client_id}' was not found in the directory. The application"
        " may not be installed by the administrator of the tenant, or the request went to the"
        " wrong tenant."
    )
    return Failure("unauthorized_client", 700016, text)


def redirect_uri_unknown(redirect_uri: str, client_id: str) -> Failure:
    text = (
        f"The redirect URI '{redirect_uri}' specified in the request does not match the redirect "
        f"URIs configured for the application '{client_id}'."
    )
    return Failure("invalid_request", 50011, text)


def account_from_elsewhere(tenant: str) -> Failure:
    text = f"The selected user account does not exist in tenant '{tenant}'. Use another account."
    return Failure("access_denied", 50020, text)


def field_missing(name: str) -> Failure:
    text = f"The request body must contain the following parameter: '{name}'."
    return Failure("invalid_request", 900144, text)


def field_repeated(name: str) -> Failure:
    return Failure("invalid_request", 9000411, f"The parameter '{name}' is duplicated.")


def secret_wrong(client_id: str) -> Failure:
    text = (
        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        f"secret value, not the client secret ID, for a secret added to app '{client_id}'."
    )
    return Failure("invalid_client", 7000215, text, 401)


def secret_expired(client_id: str) -> Failure:
    text = f"The provided client secret keys for app '{client_id}' are expired."
    return Failure("invalid_client", 7000222, text, 401)


def _client(number: int, text: str) -> Failure:
    return Failure("invalid_client", number, text, 401)


def key_not_found(client_id: str) -> Failure:
    text = (
        "The certificate with identifier used to sign the client assertion is not registered on"
        f" application. [Reason - The key was not found.] App: '{client_id}'."
    )
    return _client(700027, text)


def no_federated(number: int, what: str, value: str) -> Failure:
    text = f"No matching federated identity record found for presented assertion {what} '{value}'."
    return _client(number, text)


SIGNATURE_WRONG = _client(
    700027, "Client assertion failed signature validation. [Reason - The key used is wrong.]"
)
KEY_EXPIRED = _client(700027, "Client assertion: [Reason - The key used is expired.]")
ASSERTION_MALFORMED = _client(50027, "JWT token is invalid or malformed.")
ASSERTION_OUTSIDE_ITS_TIME = _client(
    700024, "Client assertion is not within its valid time range. Check the clock."
)
ASSERTION_OF_ANOTHER_CLIENT = _client(
    700021, "Client assertion application identifier doesn't match 'client_id' parameter."
)
ASSERTION_FOR_ANOTHER = _client(
    700023, "Client assertion audience claim does not match Realm issuer."
)
FEDERATED_SIGNATURE_WRONG = _client(50013, "Assertion failed signature validation.")
NOT_AN_IDENTITY = _client(700222, "AAD-issued tokens may not be used for federated identity flows.")
NONE_FEDERATED = _client(
    70021, "No matching federated identity record found for presented assertion."
)
SCOPE_WITHOUT_DEFAULT = Failure(
    "invalid_scope", 1002012, "The provided value for scope must end with /.default."
)
SECRET_MISSING = Failure(
    "invalid_client",
    7000218,
    "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    401,
)
CODE_UNKNOWN = Failure(
    "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid."
)
CODE_USED = Failure(
    "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed, please retry."
)
CODE_EXPIRED = Failure(
    "invalid_grant", 70008, "The provided authorization code has expired. Send a new request."
)
CODE_OF_ANOTHER_CLIENT = Failure(
    "invalid_grant", 70000, "The provided value for the 'code' parameter is not valid."
)
CODE_OF_ANOTHER_TENANT = Failure(
    "invalid_grant", 700005, "The authorization code is intended for use against another tenant."
)
REDIRECT_URI_DIFFERS = Failure(
    "invalid_client", 500112, "The reply address differs from the one of the authorization request."
)
VERIFIER_WRONG = Failure(
    "invalid_grant",
    501481,
    "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
)
NOT_SIGNED_IN = Failure(
    "login_required", 50058, "A silent sign-in request was sent but no user is signed in."
)
