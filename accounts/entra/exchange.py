"""Swap an authorization code for an id_token at the token endpoint.

The credential is sent in the body of this one POST and nowhere else. During a rotation the second
credential is tried when Microsoft refuses the first: it authenticates the client before it looks at
the code, so the code is not used up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.views.decorators.debug import sensitive_variables

from ..http.client import HttpClient
from ..http.deadline import Deadline
from ..http.json_response import JsonResponse
from ..reasons import Refused
from .credentials import Credential
from .errors import ask

SCOPE: Final = "openid profile email"
# Reasons for which the next credential is tried.
OF_THE_CREDENTIAL: Final = (
    "client_secret_wrong",
    "client_secret_expired",
    "client_credential_refused",
    "credential_unavailable",
)
_OUTSIDE_ITS_TIME: Final = 700024


@dataclass(frozen=True, slots=True)
class Client:
    """The app at its token endpoint; `credentials` in the order in which they are tried."""

    http: HttpClient
    token_endpoint: str
    client_id: str
    credentials: Sequence[Credential]


@sensitive_variables()
def exchange_code(
    client: Client,
    *,
    code: str,
    redirect_uri: str,
    verifier: str,
    deadline: Deadline,
    request_id: str,
) -> str:
    """The id_token, not verified yet. Raises Refused.

    `request_id` is a GUID that Microsoft logs as the correlation id.
    """
    fields = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
        "scope": SCOPE,
    }
    refused = Refused("not_configured", "no client credential")
    for credential in client.credentials:
        try:
            return _id_token(ask_as(credential, client, fields, deadline, request_id))
        except Refused as problem:
            refused = problem
            if refused.reason.code not in OF_THE_CREDENTIAL:
                break
    raise refused


@sensitive_variables()
def ask_as(
    credential: Credential,
    client: Client,
    fields: Mapping[str, str],
    deadline: Deadline,
    request_id: str,
) -> JsonResponse:
    """The answer to a token request with this credential. Raises Refused for an error."""
    proof = credential.fields(client.client_id, client.token_endpoint, deadline)
    sent = {**fields, **proof}
    try:
        return ask(client.http, client.token_endpoint, deadline, request_id, sent)
    except Refused as refused:
        if refused.aadsts == _OUTSIDE_ITS_TIME:
            credential.forget()
        raise _named(credential, refused) from refused.__cause__


def _named(credential: Credential, refused: Refused) -> Refused:
    """Microsoft names secrets whatever kind was sent; here the detail names the kind."""
    if credential.kind == "secret" or refused.reason.code not in OF_THE_CREDENTIAL:
        return refused
    detail = f"{credential.label}: {refused.detail}"
    return Refused(
        "client_credential_refused", detail, source=refused.source, aadsts=refused.aadsts
    )


@sensitive_variables()
def _id_token(answer: JsonResponse) -> str:
    id_token = answer.body.get("id_token")
    if not isinstance(id_token, str) or not id_token:
        raise Refused("token_invalid", "id_token: missing")
    return id_token
