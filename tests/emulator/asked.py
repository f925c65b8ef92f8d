"""What the site asked of the authorize endpoint, and what is wrong with it.

As at Entra, a bad client or redirect URI stops on our own page: a redirect there would hand
whatever we say to somebody whom nobody registered.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import failures
from .failures import Failure
from .ids import CALLBACK_TAIL, real_tenant
from .wire import Request
from .world import Client, World

# Hosts that are this machine, or that RFC 2606 and 6761 set aside so that they are nobody's.
OURS = re.compile(r"localhost|127(\.\d+){3}|::1|testserver|([a-z0-9-]+\.)+(test|example|localhost)")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
MODES = ("query", "fragment")


@dataclass(frozen=True, slots=True)
class Asked:
    tenant: str
    client_id: str
    redirect_uri: str
    response_type: str
    response_mode: str
    scope: frozenset[str]
    state: str | None
    nonce: str | None
    prompt: str
    challenge: str | None
    challenge_method: str | None
    repeated: str | None
    login_hint: str = ""
    claims: str = ""


def read(request: Request, tenant: str) -> Asked:
    fields = request.fields
    names = [name for name, _ in fields]
    get = dict(fields).get
    return Asked(
        tenant=tenant,
        client_id=get("client_id", ""),
        redirect_uri=get("redirect_uri", ""),
        response_type=get("response_type", ""),
        response_mode=get("response_mode") or "query",
        scope=frozenset(get("scope", "").split()),
        state=get("state"),
        nonce=get("nonce"),
        prompt=get("prompt", ""),
        challenge=get("code_challenge"),
        challenge_method=get("code_challenge_method"),
        repeated=next((name for name in names if names.count(name) > 1), None),
        login_hint=get("login_hint", ""),
        claims=get("claims", ""),
    )


def stop(world: World, asked: Asked) -> Failure | None:
    """What stops on our own page."""
    if real_tenant(asked.tenant) is None:
        return failures.tenant_not_found(asked.tenant)
    if not asked.client_id:
        return failures.field_missing("client_id")
    client = world.clients.get(asked.client_id)
    if client is None:
        return failures.client_unknown(asked.client_id)
    if not registered(client, asked.redirect_uri):
        return failures.redirect_uri_unknown(asked.redirect_uri, asked.client_id)
    return None


def refuse(asked: Asked, *, stock: bool) -> Failure | None:
    """What goes back to the site as an error."""
    if asked.repeated:
        return failures.field_repeated(asked.repeated)
    if asked.response_type != "code":
        text = f"response_type '{asked.response_type}' is not enabled for the application."
        return Failure("unsupported_response_type", 700054, text)
    if asked.response_mode not in MODES:
        text = f"'{asked.response_mode}' is not a supported value of response_mode."
        return Failure("invalid_request", 70007, text)
    return None if stock else _refuse_protection(asked)


def _refuse_protection(asked: Asked) -> Failure | None:
    """Stricter than Entra, which leaves PKCE to a web app: this project always sends it."""
    if "openid" not in asked.scope:
        return Failure("invalid_request", 70011, "The scope 'openid' is missing.")
    if asked.challenge_method != "S256":
        return Failure("invalid_request", 50147, "code_challenge_method must be S256.")
    if not CHALLENGE.fullmatch(asked.challenge or ""):
        return Failure("invalid_request", 501491, "Invalid size of Code_Challenge parameter.")
    return None


def registered(client: Client, redirect_uri: str) -> bool:
    """Exactly as registered; without a list, the callback of any site on this machine."""
    if client.redirect_uris is not None:
        return redirect_uri in client.redirect_uris
    return _ours(redirect_uri) and redirect_uri.endswith(CALLBACK_TAIL)


def _ours(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    plain = "@" not in parts.netloc and "?" not in url and "#" not in url and url.isascii()
    host = OURS.fullmatch(parts.hostname or "") is not None
    return plain and host and parts.scheme in ("http", "https")


def may_return(client: Client | None, url: str) -> bool:
    """Whether a signed-out person is sent on to this address."""
    if client is None or client.redirect_uris is None:
        return _ours(url)
    return any(_origin(url) == _origin(known) for known in client.redirect_uris)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
