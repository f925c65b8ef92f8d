"""The base class of credentials, and the two kinds that need no key: secret and token file."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import jwt
from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from ...http.deadline import Deadline
from ...reasons import Refused

Kind = Literal["secret", "certificate", "managed_identity", "token_file"]
ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PATIENCE: Final = 1.5  # seconds that a sign-in waits for a proof
_LONGEST_TOKEN: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class About:
    """The subject of a proof, and the endpoint that it is for."""

    client_id: str
    token_endpoint: str


class Credential:
    """One way to authenticate. `label` names it in records and logs, and is no secret."""

    kind: Kind
    label: str

    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        """The fields of the token request. Raises Refused(credential_unavailable)."""
        raise NotImplementedError

    def prepare(self, about: About | None) -> None:
        """Start in the background what takes time; None while the endpoint is not known."""

    def forget(self) -> None:
        """Do not use the present proof again: Microsoft says that it is outside its time."""


class Secret(Credential):
    """A client secret."""

    kind = "secret"
    label = "secret"

    def __init__(self, value: str) -> None:
        self.value = value

    @override
    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        return {"client_secret": self.value}


class TokenFile(Credential):
    """The token that a cluster renews in a file, read at each exchange.

    While the file cannot be read, the token read last is used up to its end.
    """

    kind = "token_file"
    label = "token file"

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._last = ""

    @override
    @sensitive_variables()
    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        return assertion(self.token())

    @override
    def forget(self) -> None:
        self._last = ""

    @sensitive_variables()
    def token(self) -> str:
        """The file's token. Raises Refused(credential_unavailable)."""
        try:
            self._last = read_token(self._path)
        except ValueError as problem:
            if not ends_after(self._last, time.time()):
                raise Refused("credential_unavailable", f"token file: {problem}") from None
        return self._last


def assertion(token: str) -> Mapping[str, str]:
    """The fields that carry a signed token as the client's proof (RFC 7521 section 4.2)."""
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": token}


@sensitive_variables()
def read_token(path: Path) -> str:
    """The token in a file. Raises ValueError, which says what is wrong and quotes nothing."""
    try:
        with path.open(encoding="ascii") as opened:
            token = opened.read(_LONGEST_TOKEN + 1).strip()
    except UnicodeDecodeError:
        raise ValueError("holds no token") from None
    except OSError as problem:
        raise ValueError(f"cannot be read ({problem.strerror})") from None
    if not token:
        raise ValueError("is empty")
    if claims_of(token) is None:
        raise ValueError("holds no token")
    return token


@sensitive_variables()
def claims_of(token: str) -> dict[str, object] | None:
    """The claims of this site's own token, not verified; None for what is no token."""
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except (jwt.InvalidTokenError, ValueError, TypeError):
        return None


def ends_after(token: str, now: float) -> bool:
    """Whether it is a token that has not expired."""
    expires = (claims_of(token) or {}).get("exp")
    return isinstance(expires, int | float) and expires > now
