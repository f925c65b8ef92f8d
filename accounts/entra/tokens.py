"""id_token -> verified `Claims`, or a refusal that names the check that failed.

The header has been checked before (token_header.py), and names the key. Here the signature is
verified by PyJWT, and only then the claims: each check is a small function in a table that returns
what is wrong, or None. The policy decides who may come in (tenants, guests, email).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.views.decorators.debug import sensitive_variables
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from ..display.visible import safe_repr
from ..http.strict_json import NotStrict, loads_object
from ..ids import GUID, TENANT_PLACEHOLDER, is_guid, tenant_of_issuer
from ..reasons import Refused
from .claims import Claims, read_claims
from .jwks import SigningKey
from .known_claims import log_unknown_claims
from .token_header import ALGORITHM

SKEW = 60  # seconds
_MAX_SUBJECT = 255  # OpenID Connect Core, section 2
_MAX_IDENTIFIER = 64  # Microsoft's are GUIDs of 36 characters
_LATEST = 2.0**53
_JWS = PyJWS(algorithms=[ALGORITHM])

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Expected:
    issuer: str
    key_issuer: str | None
    client_id: str
    nonce: str
    now: float


Check = Callable[[Json, _Expected], str | None]


@sensitive_variables("id_token", "nonce", "payload", "expected")
def verify(
    id_token: str,
    *,
    key: SigningKey,
    issuer: str,
    client_id: str,
    nonce: str,
    now: float,
) -> Claims:
    """The claims. Raises Refused. `key` is the one that `read_kid` names.

    `issuer` is the discovery document's, which may hold `{tenantid}`; `now` is Unix time.
    """
    payload = _payload(id_token, key)
    expected = _Expected(issuer, key.issuer, client_id, nonce, now)
    for name, check in CHECKS:
        problem = check(payload, expected)
        if problem is not None:
            raise Refused("token_invalid", f"{name}: {problem}")
    log_unknown_claims(payload, now)
    return read_claims(payload)


@sensitive_variables()
def _payload(id_token: str, key: SigningKey) -> Json:
    try:
        signed = _JWS.decode_complete(id_token, key.public_key, algorithms=[ALGORITHM])
    except (PyJWTError, ValueError, TypeError) as error:
        raise Refused("token_invalid", f"signature: {type(error).__name__}") from None
    try:
        return loads_object(signed["payload"])
    except NotStrict as error:
        raise Refused("token_invalid", f"payload: {error}") from None


# --- claims -----------------------------------------------------------------------------------


def _identifier(name: str, longest: int) -> Check:
    def check(claims: Json, _: _Expected) -> str | None:
        found = claims.get(name)
        good = isinstance(found, str) and 0 < len(found) <= longest and _plain(found)
        return None if good else "missing or not a name"

    return check


def _plain(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _filled(template: str, claims: Json) -> str:
    return template.replace(TENANT_PLACEHOLDER, claims["tid"])


def _issuer(claims: Json, expected: _Expected) -> str | None:
    found, wanted = claims.get("iss"), _filled(expected.issuer, claims)
    if found == wanted:
        named = tenant_of_issuer(wanted)
        if is_guid(named) and named != claims["tid"].lower():
            raise Refused(
                "wrong_tenant", f"issuer: {safe_repr(found)} is not that of the token's tid"
            )
        return None
    other = GUID.sub(lambda _: claims["tid"], expected.issuer)
    if found == other and TENANT_PLACEHOLDER not in expected.issuer:
        # A valid token of another tenant of the same authority, and no forgery.
        raise Refused("wrong_tenant", f"issuer: {safe_repr(found)}, not {safe_repr(wanted)}")
    return f"{safe_repr(found)}, not {safe_repr(wanted)}"


def _key_issuer(claims: Json, expected: _Expected) -> str | None:
    if expected.key_issuer is None:
        return None
    wanted = _filled(expected.key_issuer, claims)
    return None if claims["iss"] == wanted else f"the key signs for {safe_repr(wanted)}"


def _audience(claims: Json, expected: _Expected) -> str | None:
    found = claims.get("aud")
    good = found in (expected.client_id, [expected.client_id])
    return None if good and expected.client_id else f"{safe_repr(found)} is not our client id"


def _azp(claims: Json, expected: _Expected) -> str | None:
    found = claims.get("azp", expected.client_id)
    return None if found == expected.client_id else f"{safe_repr(found)} is not our client id"


def _time(claims: Json, name: str) -> float | None:
    found = claims.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    return found if 0 <= found <= _LATEST else None  # NaN is in no range


def _exp(claims: Json, expected: _Expected) -> str | None:
    found = _time(claims, "exp")
    if found is None:
        return "missing or not a time"
    late = expected.now - found
    return None if late < SKEW else f"expired {late:.0f} s ago"


def _iat(claims: Json, expected: _Expected) -> str | None:
    return _not_ahead(_time(claims, "iat"), expected.now)


def _nbf(claims: Json, expected: _Expected) -> str | None:
    return _not_ahead(_time(claims, "nbf"), expected.now) if "nbf" in claims else None


def _not_ahead(found: float | None, now: float) -> str | None:
    if found is None:
        return "missing or not a time"
    ahead = found - now
    return None if ahead <= SKEW else f"{ahead:.0f} s ahead of this server's clock"


def _nonce(claims: Json, expected: _Expected) -> str | None:
    found = claims.get("nonce")
    if not isinstance(found, str) or not expected.nonce:
        return "missing"
    same = hmac.compare_digest(_bytes(found), _bytes(expected.nonce))
    return None if same else "not the one that was sent"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _ver(claims: Json, _: _Expected) -> str | None:
    found = claims.get("ver", "2.0")
    return None if found == "2.0" else f"{safe_repr(found)}, not '2.0'"


# In this order: `issuer` needs a good tid, `key_issuer` a good issuer.
CHECKS: tuple[tuple[str, Check], ...] = (
    (
        "tid",
        _identifier("tid", _MAX_IDENTIFIER),
    ),  # Microsoft, "Secure applications and APIs by validating claims"
    ("oid", _identifier("oid", _MAX_IDENTIFIER)),  # the same: tid + oid is the identity
    ("sub", _identifier("sub", _MAX_SUBJECT)),  # OpenID Connect Core 2
    ("issuer", _issuer),  # OpenID Connect Core 3.1.3.7, 2.
    ("key_issuer", _key_issuer),  # Microsoft: the issuer of the key's own entry
    ("audience", _audience),  # OpenID Connect Core 3.1.3.7, 3.
    ("azp", _azp),  # OpenID Connect Core 3.1.3.7, 4. and 5.
    ("exp", _exp),  # OpenID Connect Core 3.1.3.7, 9.
    ("iat", _iat),  # OpenID Connect Core 3.1.3.7, 10.
    ("nbf", _nbf),  # RFC 7519 4.1.5
    ("nonce", _nonce),  # OpenID Connect Core 3.1.3.7, 11.
    ("ver", _ver),  # Microsoft: no v1.0 token at a v2.0 endpoint
)
