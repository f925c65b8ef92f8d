"""How the app proves at the token endpoint who it is (RFC 6749, section 2.3)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.http.deadline import Deadline


class Credential(Protocol):
    """One way of proving it, tried after another was refused."""

    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        """The form fields to send; never in a repr. Raises Refused(credential_unavailable)."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """A client secret, in the body of the POST (client_secret_post)."""

    value: str = field(repr=False)

    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        """The secret itself."""
        return {"client_secret": self.value}
