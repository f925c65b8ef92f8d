"""What proves the app besides a secret: what to enter in Entra for it, and whether it will last."""

from __future__ import annotations

import time
from collections.abc import Iterator

from .... import registration
from ....entra.credentials.certificate import CertificateCredential
from ....entra.credentials.keys import Certificate
from ....entra.credentials.managed_identity import ManagedIdentity
from ....entra.credentials.proof import TokenFile, claims_of
from ....reasons import Refused
from ...microsoft_app_summary import federated
from ..finding import Observation, because, fault, ok


def run(found: registration.Registration) -> Iterator[Observation]:
    """Each credential in turn; of secrets there is nothing to say here."""
    keys = [one for one in found.credentials if isinstance(one, CertificateCredential)]
    yield from _certificates([one.certificate for one in keys])
    for credential in found.credentials:
        if isinstance(credential, ManagedIdentity | TokenFile):
            yield from _federated(credential)


def _certificates(given: list[Certificate]) -> Iterator[Observation]:
    for one in given:
        yield ok(
            "app.certificate",
            thumbprint=one.portal_thumbprint,
            sha256=one.sha256.hex().upper(),
            until=f"{one.not_after:%Y-%m-%d}",
        )
    names = [one.portal_thumbprint for one in given]
    others = sorted(set(registration.certificates_in_use()).difference(names))
    if given and others:
        yield fault("app.certificate_in_use", others=", ".join(others), here=", ".join(names))


def _federated(credential: ManagedIdentity | TokenFile) -> Iterator[Observation]:
    try:
        claims = claims_of(credential.token()) or {}
    except Refused as refusal:
        yield fault("app.federated", label=credential.label, **because(refusal))
        return
    yield ok("app.federated", label=credential.label, **federated(claims))
    until = claims.get("exp")
    if isinstance(until, int | float) and until < time.time():
        yield fault("app.token_stale", minutes=int((time.time() - until) // 60))
