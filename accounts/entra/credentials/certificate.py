"""A certificate's key signs a short-lived assertion instead of a secret.

Source: Microsoft's page "Microsoft identity platform application authentication certificate
credentials": PS256, the certificate named by `x5t#S256`, at most ten minutes of life.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final

import jwt
from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from ...http.deadline import Deadline
from .keys import Certificate
from .proof import About, Credential, assertion
from .renewal import Dated, Renewed

LIFE: Final = 600  # seconds


class CertificateCredential(Credential):
    """One certificate; where there are several, the next is tried when Microsoft refuses one."""

    kind = "certificate"

    def __init__(self, certificate: Certificate, *, clock: Callable[[], float] = time.time) -> None:
        self.certificate = certificate
        self.label = f"certificate {certificate.portal_thumbprint}"
        self._clock = clock
        self._kept: dict[About, Renewed] = {}

    @override
    @sensitive_variables()
    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        about = About(client_id, token_endpoint)
        return assertion(self._kept_for(about).get(deadline.left()))

    @override
    def prepare(self, about: About | None) -> None:
        if about is not None:
            self._kept_for(about).renew_if_due()

    @override
    def forget(self) -> None:
        self._kept.clear()

    def _kept_for(self, about: About) -> Renewed:
        if (kept := self._kept.get(about)) is None:
            made = Renewed(lambda: self._sign(about), clock=self._clock)
            kept = self._kept.setdefault(about, made)
        return kept

    @sensitive_variables()
    def _sign(self, about: About) -> Dated:
        now = int(self._clock())
        claims = {
            "aud": about.token_endpoint,
            "iss": about.client_id,
            "sub": about.client_id,
            "jti": str(uuid.uuid4()),
            "nbf": now,
            "iat": now,
            "exp": now + LIFE,
        }
        thumbprint = base64.urlsafe_b64encode(self.certificate.sha256).rstrip(b"=").decode()
        signed = jwt.encode(claims, self.certificate.key, "PS256", headers={"x5t#S256": thumbprint})
        return Dated(signed, now, now + LIFE)
