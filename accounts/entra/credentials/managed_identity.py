"""A user-assigned managed identity, which the app registration trusts as a federated credential.

Source: Microsoft's page "Configure an application to trust a managed identity": user-assigned
only, in the registration's own tenant, with one audience for each cloud.

azure-identity knows the endpoint of each kind of host. It is imported when the first token is
needed; its own cache is not used, since the token here stays in use while the endpoint fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from ...http.deadline import Deadline
from ...reasons import Refused
from .proof import About, Credential, assertion
from .renewal import Dated, Renewed

AUDIENCES: Final[Mapping[str, str]] = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
    "login.chinacloudapi.cn": "api://AzureADTokenExchangeChina",
    "login.microsoftonline.eaglex.ic.gov": "api://AzureADTokenExchangeUSNat",
    "login.microsoftonline.microsoft.scloud": "api://AzureADTokenExchangeUSSec",
}
AUDIENCE: Final = "api://AzureADTokenExchange"
CHECK_EVERY: Final = 60.0  # seconds between checks whether the token is due
# Long, since it is asked in the background; retries are left to the next check.
_TIMEOUTS: Final[Mapping[str, Any]] = {
    "connection_timeout": 3.0,
    "read_timeout": 15.0,
    "retry_total": 0,
}
_LONGEST: Final = 160


def audience_of(login_url: str) -> str:
    """The audience of a federated credential in this authority's cloud."""
    return AUDIENCES.get(urlsplit(login_url).hostname or "", AUDIENCE)


class ManagedIdentity(Credential):
    """The identity with this client id; a daemon thread renews its token."""

    kind = "managed_identity"

    def __init__(
        self, client_id: str, audience: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.client_id = client_id
        self.audience = audience
        self.label = f"managed identity {client_id}"
        self._clock = clock
        self._kept = Renewed(self._fetch, clock=clock)
        self._watched = False

    @override
    @sensitive_variables()
    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        return assertion(self._kept.get(deadline.left()))

    @override
    def prepare(self, about: About | None) -> None:
        self._kept.renew_if_due()
        if not self._watched:
            self._watched = True
            threading.Thread(target=self._keep_fresh, daemon=True).start()

    def token(self) -> str:
        """The identity's token. Raises Refused(credential_unavailable)."""
        return self._kept.get()

    @override
    def forget(self) -> None:
        self._kept.forget()

    def _keep_fresh(self) -> None:
        while True:
            time.sleep(CHECK_EVERY)
            self._kept.renew_if_due()

    @sensitive_variables()
    def _fetch(self) -> Dated:
        try:
            from azure.identity import ManagedIdentityCredential
        except ImportError:
            missing = "managed identity: pip install -r requirements/azure.txt"
            raise Refused("credential_unavailable", missing) from None
        began = self._clock()
        try:
            with ManagedIdentityCredential(client_id=self.client_id, **_TIMEOUTS) as credential:
                found = credential.get_token(f"{self.audience}/.default")
        except Exception as problem:  # azure-identity and its transports raise what they like
            detail = f"managed identity: no token ({_described(problem)})"
            raise Refused("credential_unavailable", detail) from None
        return Dated(found.token, began, found.expires_on)


def _described(problem: Exception) -> str:
    """The type of the error, and the HTTP status if any; never the endpoint's own text."""
    response = getattr(problem, "response", None)
    status = getattr(response, "status_code", None)
    return f"{type(problem).__name__}{f', HTTP {status}' if status else ''}"[:_LONGEST]
