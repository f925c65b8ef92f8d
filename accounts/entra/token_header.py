"""The token's header, checked before any key is looked up.

It may choose one of Microsoft's keys by name, and nothing else: neither the algorithm, nor where a
key comes from, nor how the payload is encoded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.views.decorators.debug import sensitive_variables
from jwt.utils import base64url_decode

from ..display.visible import safe_repr
from ..http.strict_json import NotStrict, loads_object
from ..reasons import Refused

ALGORITHM = "RS256"
MAX_LENGTH = 64 * 1024
_MAX_KID = 256
_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

Header = dict[str, Any]


@sensitive_variables()
def read_kid(id_token: object) -> str:
    """The name of the key, as the header has it. Raises Refused(token_invalid)."""
    header = _header(id_token)
    for name, check in HEADER_CHECKS:
        problem = check(header)
        if problem is not None:
            raise Refused("token_invalid", f"{name}: {problem}")
    return str(header["kid"])


@sensitive_variables()
def _header(id_token: object) -> Header:
    if not isinstance(id_token, str) or len(id_token) > MAX_LENGTH:
        raise Refused("token_invalid", f"size: not a text of up to {MAX_LENGTH} characters")
    if not _FORM.fullmatch(id_token):
        raise Refused("token_invalid", "form: not three base64url parts")
    try:
        return loads_object(base64url_decode(id_token.partition(".")[0]))
    except (NotStrict, ValueError) as error:
        detail = str(error) if isinstance(error, NotStrict) else "not base64url"
        raise Refused("token_invalid", f"header: {detail}") from None


def _alg(header: Header) -> str | None:
    found = header.get("alg")
    return None if found == ALGORITHM else f"{safe_repr(found)}, not {ALGORITHM}"


def _typ(header: Header) -> str | None:
    found = header.get("typ", "JWT")
    good = isinstance(found, str) and found.upper() == "JWT"
    return None if good else f"{safe_repr(found)}, not JWT"


def _foreign_keys(header: Header) -> str | None:
    found = [name for name in ("jku", "jwk", "x5u", "x5c") if name in header]
    return f"the token brings its own: {', '.join(found)}" if found else None


def _extensions(header: Header) -> str | None:
    found = [name for name in ("crit", "b64", "zip", "enc") if name in header]
    return f"not understood: {', '.join(found)}" if found else None


def _kid(header: Header) -> str | None:
    found = header.get("kid")
    good = isinstance(found, str) and 0 < len(found) <= _MAX_KID
    return None if good else "missing or not a name"


HEADER_CHECKS: tuple[tuple[str, Callable[[Header], str | None]], ...] = (
    ("alg", _alg),  # RFC 8725 3.1: never the token's choice
    ("typ", _typ),  # RFC 8725 3.11: no other kind of token
    ("foreign_keys", _foreign_keys),  # OpenID Connect Core 2; RFC 8725 3.10
    ("extensions", _extensions),  # RFC 7515 4.1.11; RFC 7797 7: no b64 in a JWT
    ("kid", _kid),  # OpenID Connect Core 10.1; Entra always sends one
)
