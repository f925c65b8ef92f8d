"""The discovery document: what Microsoft says where its endpoints are, believed only at home.

Every endpoint must be on the host that we asked (scheme, host and port), so that no document
can send a code or the client secret elsewhere. Paths are never assumed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from accounts.http.origins import Origin, is_protected, origin_of
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

TENANT_PLACE = "{tenantid}"
_MAX_LENGTH = 512
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Discovery:
    """`issuer` may hold `{tenantid}`, to be filled with a token's tid."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str | None


def document_url(login_url: str, tenant: str) -> str:
    safe = quote(tenant, safe="")
    return f"{login_url.rstrip('/')}/{safe}/v2.0/.well-known/openid-configuration"


def authority_origin(login_url: str) -> Origin:
    origin = origin_of(login_url)
    if origin is None or not is_protected(origin):
        raise Refused("misconfigured", "MICROSOFT_LOGIN_URL is not an https address")
    return origin


def read_discovery(document: Mapping[str, object], home: Origin, tenant: str = "") -> Discovery:
    """`tenant` is the one that was asked for; a GUID must come back in the issuer."""
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
    if origin_of(value.replace(TENANT_PLACE, "tenantid")) != home:
        raise Refused("misconfigured", f"issuer: not on {home}; is MICROSOFT_LOGIN_URL an alias?")
    named = [found.lower() for found in _GUID.findall(value)]
    if _GUID.fullmatch(tenant) and named and tenant.lower() not in named:
        # OpenID Connect Discovery 4.3; OWASP ASVS 5.0, 10.5.3
        raise Refused("misconfigured", "issuer: of another tenant than the one we asked for")
    return value
