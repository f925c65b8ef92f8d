"""Whether Microsoft accepts an app's credentials, without anyone signing in.

A token request by the client credentials grant with scope `CLIENT_ID/.default` needs no permission
and no Graph, in any cloud. Entra authenticates the client before it looks at the rest, so every
answer but a refusal of the client shows that the credential is good: with "assignment required"
on, as it should be, the answer is another refusal (AADSTS501051). The token is discarded unread.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.views.decorators.debug import sensitive_variables

from ..entra.credentials import Credential
from ..entra.credentials.renewal import NoProofInTime
from ..entra.exchange import OF_THE_CREDENTIAL, Client, ask_as
from ..http.deadline import Deadline
from ..reasons import Refused

UNCLEAR: Final = ("microsoft_unreachable", "microsoft_throttled")
_OF_CLIENT: Final = (*OF_THE_CREDENTIAL, "client_unknown", "tenant_not_found", *UNCLEAR)
_SECONDS: Final = 8.0
_MOST_WAITS: Final = 3  # of `PATIENCE` each


@dataclass(frozen=True, slots=True)
class CheckedCredential:
    """A credential, and why Microsoft refused it; None when it did not."""

    credential: Credential
    refusal: Refused | None

    @property
    def is_unclear(self) -> bool:
        """Whether Microsoft gave no answer."""
        return self.refusal is not None and self.refusal.reason.code in UNCLEAR


def check_all(client: Client) -> list[CheckedCredential]:
    """Check each of the client's credentials, also after one that is good."""
    return [CheckedCredential(one, _try(client, one)) for one in client.credentials]


def first_good(tried: Sequence[CheckedCredential]) -> int | None:
    """The index of the credential that a sign-in would use; None when it would fail."""
    for number, one in enumerate(tried):
        if one.refusal is None:
            return number
        if one.refusal.reason.code not in OF_THE_CREDENTIAL:
            return None
    return None


@sensitive_variables()
def _try(client: Client, credential: Credential) -> Refused | None:
    fields = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "scope": f"{client.client_id}/.default",
    }
    deadline = Deadline(_SECONDS)
    try:
        _wait_for_proof(client, credential, deadline)
        ask_as(credential, client, fields, deadline, str(uuid.uuid4()))
    except Refused as refused:
        about_client = "error=invalid_client" in refused.detail.split()
        return refused if about_client or refused.reason.code in _OF_CLIENT else None
    return None


@sensitive_variables()
def _wait_for_proof(client: Client, credential: Credential, deadline: Deadline) -> None:
    """Unlike a worker, this process may need the credential's proof for the first time."""
    for _ in range(_MOST_WAITS):
        try:
            credential.fields(client.client_id, client.token_endpoint, deadline)
        except NoProofInTime:
            continue
        break
