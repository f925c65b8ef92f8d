"""What proves the app besides a secret: what to enter in Entra for it, and whether it will last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .... import registration
from ....entra.credentials.managed_identity import ManagedIdentity
from ....entra.credentials.proof import TokenFile, claims_of
from ....reasons import Refused
from ...microsoft_app_summary import federated
from ..finding import Observation, because, fault, well

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ....entra.credentials import Credential
    from ....entra.credentials.keys import Certificate


def run(found: registration.Registration) -> Iterator[Observation]:
    """Each credential in turn; of secrets there is nothing to say here."""
    made = [one for one in map(_certificate_of, found.credentials) if one is not None]
    for one in made:
        yield well(
            "app.certificate",
            thumbprint=one.portal_thumbprint,
            sha256=one.sha256.hex().upper(),
            until=f"{one.not_after:%Y-%m-%d}",
        )
    yield from _in_use(made)
    for credential in found.credentials:
        yield from _federated(credential)


def _certificate_of(credential: Credential) -> Certificate | None:
    found: Certificate | None = getattr(credential, "certificate", None)
    return found


def _in_use(made: list[Certificate]) -> Iterator[Observation]:
    names = {one.portal_thumbprint for one in made}
    others = sorted(set(registration.certificates_in_use()) - names)
    if made and others:
        here = ", ".join(one.portal_thumbprint for one in made)
        yield fault("app.certificate_in_use", others=", ".join(others), here=here)


def _federated(credential: Credential) -> Iterator[Observation]:
    if not isinstance(credential, ManagedIdentity | TokenFile):
        return
    try:
        claims = claims_of(credential.token()) or {}
    except Refused as refusal:
        yield fault("app.federated", label=credential.label, **because(refusal))
        return
    told = federated(claims)
    yield well("app.federated", label=credential.label, **told)
    ended = time.time() - _number(claims.get("exp"))
    if ended > 0:
        yield fault("app.token_stale", minutes=int(ended // 60))


def _number(value: object) -> float:
    """A date that is missing never ends."""
    return value if isinstance(value, int | float) else float("inf")
