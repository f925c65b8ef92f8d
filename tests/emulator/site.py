"""What a site does at Entra, in short and with no care at all: for tests of the emulator itself."""

import http.client
import json
import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from .codes import challenge_of
from .controls import Controls
from .ids import CALLBACK_PATH, CLIENT_ID, CLIENT_SECRET, TENANT
from .person import sign_in_as

CALLBACK = f"http://localhost:8000{CALLBACK_PATH}"
VERIFIER = "v" * 43
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def discovery(entra: Controls, tenant: str = TENANT) -> dict[str, Any]:
    return get_json(document_url(entra, tenant))[1]


def document_url(entra: Controls, tenant: str = TENANT) -> str:
    return f"{entra.url}/{tenant}/v2.0/.well-known/openid-configuration"


def authorize_url(entra: Controls, **changes: str) -> str:
    asked = {
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile email",
        "state": "the-state",
        "nonce": "the-nonce",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    endpoint = discovery(entra)["authorization_endpoint"]
    return f"{endpoint}?{urlencode(asked | changes)}"


def sign_in(entra: Controls, person: str = "staff", **changes: str) -> str:
    """The id_token."""
    status, body = redeem(entra, sign_in_as(authorize_url(entra, **changes), person))
    assert status == 200, body
    token: str = body["id_token"]
    return token


def redeem(
    entra: Controls, callback: str, *, tenant: str = TENANT, **changes: str
) -> tuple[int, dict[str, Any]]:
    return post(entra, token_form(callback) | changes, tenant)


def token_form(callback: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "code": parameters(callback)["code"],
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def parameters(callback: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(callback).query))


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def verified(entra: Controls, token: str) -> dict[str, Any]:
    key = jwt.PyJWKClient(discovery(entra)["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, Any] = jwt.decode(
        token, key, ["RS256"], audience=CLIENT_ID, issuer=f"{entra.url}/{TENANT}/v2.0"
    )
    return claims


def post(entra: Controls, form: dict[str, str], tenant: str = TENANT) -> tuple[int, dict[str, Any]]:
    status, body, _ = post_raw(entra, form, tenant)
    return status, json.loads(body)


def post_raw(
    entra: Controls, form: dict[str, str], tenant: str = TENANT
) -> tuple[int, str, dict[str, str]]:
    url = discovery(entra, tenant)["token_endpoint"]
    return ask(url, "POST", urlencode(form), FORM)


def get_json(url: str, sent: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    status, body, _ = ask(url, sent=sent)
    return status, json.loads(body)


def get(
    url: str, *, timeout: float = 5, trust: ssl.SSLContext | None = None
) -> tuple[int, str, str]:
    status, body, headers = ask(url, timeout=timeout, trust=trust)
    return status, headers.get("Location", ""), body


def ask(
    url: str,
    method: str = "GET",
    body: str | None = None,
    sent: dict[str, str] | None = None,
    *,
    timeout: float = 5,
    trust: ssl.SSLContext | None = None,
) -> tuple[int, str, dict[str, str]]:
    parts = urlsplit(url)
    connection = (
        http.client.HTTPSConnection(parts.netloc, timeout=timeout, context=trust)
        if trust
        else http.client.HTTPConnection(parts.netloc, timeout=timeout)
    )
    try:
        connection.request(method, f"{parts.path}?{parts.query}", body, sent or {})
        response = connection.getresponse()
        return response.status, response.read().decode(), dict(response.headers.items())
    finally:
        connection.close()
