"""Verify a token with what the site knows, for the tests of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from accounts.entra.claims import Claims
from accounts.entra.token_header import read_kid
from accounts.entra.tokens import verify
from accounts.reasons import Refused
from tests.support.keys import CLIENT_ID, ISSUER, NONCE, NOW, TENANT, signing_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.entra.jwks import SigningKey

ISS = ISSUER.replace("{tenantid}", TENANT)


def check(
    id_token: Any, key_for: Callable[[str], SigningKey] | None = None, **changes: Any
) -> Claims:
    """Verify with what the site knows: key `first`, our client id, the nonce sent."""
    given = {
        "key": (key_for or known_key)(read_kid(id_token)),
        "issuer": ISSUER,
        "client_id": CLIENT_ID,
        "nonce": NONCE,
        "now": float(NOW),
    }
    return verify(id_token, **{**given, **changes})


def known_key(kid: str) -> SigningKey:
    if kid != "first":
        raise Refused("token_invalid", "kid: unknown")
    return signing_key("first")


def refused(id_token: Any, **changes: Any) -> str:
    """The name of the check that refused it."""
    with pytest.raises(Refused) as caught:
        check(id_token, **changes)
    assert caught.value.reason.code == "token_invalid"
    assert caught.value.__cause__ is None
    return caught.value.detail.partition(":")[0]
