"""Swap an authorization code for an id_token at the token endpoint.

What proves who we are goes into the body of this one POST and nowhere else. While a credential is
being replaced, the next one takes over when Microsoft does not accept the first: it authenticates
the client before it looks at the code, so the code is not used up.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django.views.decorators.debug import sensitive_variables

from accounts.entra.credentials.proof import Client
from accounts.entra.errors import refusal_of
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from accounts.entra.credentials.proof import Credential
    from accounts.http.answer import Answer
    from accounts.http.client import HttpClient

SCOPE: Final = "openid profile email"
OF_CREDENTIAL: Final = (
    "client_secret_wrong",
    "client_secret_expired",
    "client_credential_refused",
    "credential_unavailable",
)
_OUTSIDE_ITS_TIME: Final = 700024


@sensitive_variables()
def exchange_code(
    http: HttpClient,
    token_endpoint: str,
    *,
    client_id: str,
    credentials: Sequence[Credential],
    code: str,
    redirect_uri: str,
    verifier: str,
) -> str:
    """The id_token, not verified yet. Raises Refused."""
    fields = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "scope": SCOPE,
    }
    return _id_token(_ask(http, Client(client_id, token_endpoint), fields, credentials))


@sensitive_variables()
def post_as(
    http: HttpClient,
    client: Client,
    credential: Credential,
    fields: Mapping[str, str],
    *,
    budget: float | None = None,
) -> Answer:
    """A token request with this credential's proof. Raises Refused for every answer but 200."""
    began = time.monotonic()
    proof = credential.proof(client)
    left = None if budget is None else budget - (time.monotonic() - began)
    answer = http.post_form(client.token_endpoint, {**fields, **proof}, budget=left)
    if answer.status == 200:
        return answer
    refused = refusal_of(answer.body)
    if refused.aadsts == _OUTSIDE_ITS_TIME:
        credential.forget()
    raise _in_words_of(credential, refused)


def _in_words_of(credential: Credential, refused: Refused) -> Refused:
    """Microsoft speaks of secrets where another kind was sent, too; the detail says which."""
    if credential.kind == "secret" or refused.reason.code not in OF_CREDENTIAL:
        return refused
    detail = f"{credential.label}: {refused.detail}"
    return Refused("client_credential_refused", detail, aadsts=refused.aadsts)


@sensitive_variables()
def _ask(
    http: HttpClient, client: Client, fields: dict[str, str], credentials: Sequence[Credential]
) -> Answer:
    deadline = time.monotonic() + http.budget
    last = Refused("not_configured", "no client credential")
    for credential in credentials:
        try:
            left = deadline - time.monotonic()
            return post_as(http, client, credential, fields, budget=left)
        except Refused as refused:
            last = refused
            if refused.reason.code not in OF_CREDENTIAL:
                break
    raise last


@sensitive_variables()
def _id_token(answer: Answer) -> str:
    id_token = answer.body.get("id_token")
    if not isinstance(id_token, str) or not id_token:
        raise Refused("token_invalid", "id_token: missing")
    return id_token
