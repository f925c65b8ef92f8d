"""Swap an authorization code for an id_token at the token endpoint.

The client secret goes into the body of this one POST and nowhere else. While a secret is
being rotated, the second one takes over when Microsoft calls the first wrong or expired:
it authenticates the client before it looks at the code, so the code is not used up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.views.decorators.debug import sensitive_variables

from accounts.entra.errors import refusal_of
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.http.answer import Answer
    from accounts.http.client import HttpClient

SCOPE = "openid profile email"
SECRET_WRONG, SECRET_EXPIRED = 7000215, 7000222


@sensitive_variables()
def exchange_code(
    http: HttpClient,
    token_endpoint: str,
    *,
    client_id: str,
    secrets: Sequence[str],
    code: str,
    redirect_uri: str,
    verifier: str,
) -> str:
    """The id_token, not verified yet."""
    fields = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "scope": SCOPE,
    }
    return _id_token(_ask(http, token_endpoint, fields, secrets))


@sensitive_variables()
def _ask(http: HttpClient, endpoint: str, fields: dict[str, str], secrets: Sequence[str]) -> Answer:
    deadline = time.monotonic() + http.budget
    refused = Refused("not_configured", "no client secret")
    for secret in secrets:
        left = deadline - time.monotonic()
        answer = http.post_form(endpoint, {**fields, "client_secret": secret}, budget=left)
        if answer.status == 200:
            return answer
        refused = refusal_of(answer.body)
        if refused.aadsts not in (SECRET_WRONG, SECRET_EXPIRED):
            break
    raise refused


@sensitive_variables()
def _id_token(answer: Answer) -> str:
    id_token = answer.body.get("id_token")
    if not isinstance(id_token, str) or not id_token:
        raise Refused("token_invalid", "id_token: missing")
    return id_token
