"""The credentials of this process, made once from what is configured.

They keep their assertions and tokens, while the registration is read again and again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from django.views.decorators.debug import sensitive_variables

from ...process.per_process import PerProcess
from ...reasons import Refused
from .managed_identity import ManagedIdentity
from .proof import TokenFile

if TYPE_CHECKING:
    from .certificate import CertificateCredential

T = TypeVar("T")
_MOST_CERTIFICATES: Final = 4
_READ_EVERY: Final = 3600.0  # seconds, for a certificate that becomes valid
log = logging.getLogger(__name__)
_made: PerProcess[dict[Hashable, object]] = PerProcess(dict)


def managed_identity(client_id: str, audience: str) -> ManagedIdentity:
    """This process's identity with its token."""
    return _once(("identity", client_id, audience), lambda: ManagedIdentity(client_id, audience))


def token_file(path: str) -> TokenFile:
    """This process's token file."""
    return _once(("file", path), lambda: TokenFile(path))


@sensitive_variables()
def certificates(source: str, password: str = "") -> tuple[CertificateCredential, ...]:
    """The source's present certificates. Raises Refused(credential_unavailable)."""
    name = ("certificates", source, password)
    return _once(name, lambda: _Certificates(source, password)).current()


@sensitive_variables()
def kept_certificate(pem: str) -> CertificateCredential:
    """A certificate that is stored in admin; its text never names a file.

    Raises Refused(credential_unavailable).
    """
    return _once(("kept", pem), lambda: _of_pem(pem))


@sensitive_variables()
def _of_pem(pem: str) -> CertificateCredential:
    # Here, so that sites with a secret import nothing of it.
    from .certificate import CertificateCredential
    from .keys import Unusable, read_entered

    try:
        return CertificateCredential(read_entered(pem.encode()))
    except Unusable as problem:
        raise Refused("credential_unavailable", f"certificate: {problem}") from None


def _once(name: Hashable, make: Callable[[], T]) -> T:
    made = _made.get()
    found: T = made[name] if name in made else made.setdefault(name, make())  # type: ignore[assignment]
    return found


class _Certificates:
    """A source's certificates, read anew when a file that it names has changed.

    Former certificates are tried after the new ones, which Entra may not know yet.
    """

    @sensitive_variables()
    def __init__(self, source: str, password: str) -> None:
        self._source, self._password = source, password
        self._stamp: tuple[object, ...] = ()
        self._held: tuple[CertificateCredential, ...] = ()

    @sensitive_variables()
    def current(self) -> tuple[CertificateCredential, ...]:
        # Here, so that sites with a secret import nothing of it.
        from .keys import Unusable, paths_of

        stamp = (time.time() // _READ_EVERY, *map(_stamp_of, paths_of(self._source)))
        if stamp != self._stamp or not self._held:
            try:
                self._held = self._read()
            except Unusable as problem:
                if not self._held:
                    raise Refused("credential_unavailable", f"certificate: {problem}") from None
                log.warning("the certificate is kept, since the new one %s", problem)
            self._stamp = stamp
        return self._held

    @sensitive_variables()
    def _read(self) -> tuple[CertificateCredential, ...]:
        from .certificate import CertificateCredential
        from .keys import read_certificates

        held = {one.certificate.sha256: one for one in self._held}
        found = read_certificates(self._source, self._password)
        new = [held.get(one.sha256, CertificateCredential(one)) for one in found]
        names, now = {one.sha256 for one in found}, time.time()
        still = [
            one
            for name, one in held.items()
            if name not in names and one.certificate.not_after.timestamp() > now
        ]
        return (*new, *still)[:_MOST_CERTIFICATES]


def _stamp_of(path: Path) -> object:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)
