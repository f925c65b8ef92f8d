"""What Microsoft publishes for a tenant and an app: the discovery document, and the keys.

Every endpoint must be on the origin that was asked (scheme, host and port), so that no document can
send a code or the client secret elsewhere. Paths are never assumed. The app's id is a parameter: an
app with a signing key of its own (claims mapping) has it listed only there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

from ..http.client import HttpClient
from ..http.deadline import Deadline
from ..http.origins import Origin, is_protected, origin_of
from ..ids import GUID, TENANT_PLACEHOLDER, is_guid
from ..reasons import Refused
from .errors import ask
from .jwks import SigningKey, read_keys

_MAX_LENGTH: Final = 512
log = logging.getLogger(__name__)
_V1_ISSUERS: Final = frozenset({"sts.windows.net", "sts.chinacloudapi.cn"})


class NoUsableKeys(Refused):
    """Microsoft lists no key for RS256 signatures."""

    def __init__(self, document: Mapping[str, object]) -> None:
        entries = document.get("keys")
        count = len(entries) if isinstance(entries, list) else 0
        detail = f"keys: none of the {count} that Microsoft lists can be used for RS256"
        super().__init__("misconfigured", detail)


@dataclass(frozen=True, slots=True)
class Discovery:
    """`issuer` may hold `{tenantid}`, to be filled with a token's tid."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """`fetched_at`: when Microsoft answered with the older part of it (Unix time)."""

    discovery: Discovery
    keys: Mapping[str, SigningKey]
    fetched_at: float

    def to_json(self) -> dict[str, Any]:
        """For `metadata_from`."""
        return {
            "fetched_at": self.fetched_at,
            "discovery": asdict(self.discovery),
            "keys": [dict(key.entry) for key in self.keys.values()],
        }


def metadata_from(value: object, home: Origin, tenant: str) -> Metadata | None:
    """Reads `to_json` with the checks on Microsoft's answers; None for what does not pass."""
    if not isinstance(value, dict):
        return None
    document, at = value.get("discovery"), value.get("fetched_at")
    if not isinstance(document, dict) or not isinstance(at, int | float):
        return None
    try:
        return Metadata(read_discovery(document, home, tenant), read_keys(value), float(at))
    except (Refused, OverflowError):
        return None


# --- asking -----------------------------------------------------------------------------------


def document_url(login_url: str, tenant: str, client_id: str) -> str:
    """The URL of the tenant's document for this app."""
    base = f"{login_url.rstrip('/')}/{quote(tenant, safe='')}/v2.0"
    query = f"?{urlencode({'appid': client_id})}" if client_id else ""
    return f"{base}/.well-known/openid-configuration{query}"


def authority_origin(login_url: str) -> Origin:
    """Raises Refused(misconfigured)."""
    origin = origin_of(login_url)
    if origin is None or not is_protected(origin):
        raise Refused("misconfigured", "MICROSOFT_LOGIN_URL is not an https address")
    return origin


def fetch(http: HttpClient, url: str, deadline: Deadline) -> Mapping[str, object]:
    """The document at the URL. Raises Refused."""
    request_id = str(uuid4())
    try:
        return ask(http, url, deadline, request_id).body
    except Refused as refused:
        log.warning("metadata: %s", refused.detail, extra={"microsoft_request_id": request_id})
        raise


def fetch_keys(
    http: HttpClient, discovery: Discovery, deadline: Deadline
) -> Mapping[str, SigningKey]:
    """Raises as `fetch`, and NoUsableKeys."""
    document = fetch(http, discovery.jwks_uri, deadline)
    keys = read_keys(document)
    if not keys:
        raise NoUsableKeys(document)
    return keys


# --- checking --------------------------------------------------------------------------------


def read_discovery(document: Mapping[str, object], home: Origin, tenant: str = "") -> Discovery:
    """`tenant` is the one that was asked for: where it is a GUID, the issuer must have it.

    Raises Refused(misconfigured).
    """
    logout = document.get("end_session_endpoint")
    return Discovery(
        issuer=_issuer(document.get("issuer"), home, tenant),
        authorization_endpoint=_endpoint(document, "authorization_endpoint", home),
        token_endpoint=_endpoint(document, "token_endpoint", home),
        jwks_uri=_endpoint(document, "jwks_uri", home),
        end_session_endpoint=(
            None if logout is None else _endpoint(document, "end_session_endpoint", home)
        ),
    )


def _endpoint(document: Mapping[str, object], name: str, home: Origin) -> str:
    value = document.get(name)
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        raise Refused("misconfigured", f"{name}: missing in the discovery document")
    if origin_of(value) != home:
        raise Refused("misconfigured", f"{name}: not on {home}")
    return value


def _issuer(value: object, home: Origin, tenant: str) -> str:
    if not isinstance(value, str) or not value or len(value) > _MAX_LENGTH:
        raise Refused("misconfigured", "issuer: missing in the discovery document")
    origin = origin_of(value.replace(TENANT_PLACEHOLDER, "tenantid"))
    if origin != home:
        v1 = origin is not None and origin.host in _V1_ISSUERS
        why = ": it is that of v1.0 tokens" if v1 else ""
        raise Refused("misconfigured", f"issuer: not on {home}{why}")
    named = [found.lower() for found in GUID.findall(value)]
    if is_guid(tenant) and named and tenant.lower() not in named:
        # OpenID Connect Discovery 4.3; OWASP ASVS 5.0, 10.5.3
        raise Refused("misconfigured", "issuer: of another tenant than the one we asked for")
    return value
