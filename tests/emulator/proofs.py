"""What a registration accepts besides secrets: certificates, federated credentials."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

from .keys import base64url

if TYPE_CHECKING:
    from collections.abc import Iterable

AUDIENCE: Final = "api://AzureADTokenExchange"


@dataclass(frozen=True, slots=True)
class Federated:
    """A federated credential, as it is entered under Certificates & secrets."""

    issuer: str
    subject: str
    audience: str = AUDIENCE


@dataclass(slots=True)
class Proofs:
    """What a registration accepts besides secrets: certificates by their two thumbprints."""

    certificates: dict[str, x509.Certificate] = field(default_factory=dict)
    federated: list[Federated] = field(default_factory=list)

    def register(self, pems: Iterable[str]) -> None:
        self.certificates = {}
        for pem in pems:
            one = x509.load_pem_x509_certificate(pem.encode())
            for algorithm in (SHA256(), SHA1()):  # noqa: S303 - both are names, no more
                self.certificates[base64url(one.fingerprint(algorithm))] = one
