"""Signing keys, made at start and never stored: a current one, retired ones, and a stranger's."""

import base64
import hashlib
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True)
class Key:
    """An RSA pair with the name that Entra would give it: a digest, in base64url."""

    private: rsa.RSAPrivateKey

    @classmethod
    def generate(cls) -> "Key":
        return cls(rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @cached_property
    def pem(self) -> bytes:
        public = self.private.public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    @cached_property
    def kid(self) -> str:
        return base64url(hashlib.sha256(self.pem).digest()[:20])

    @cached_property
    def jwk(self) -> dict[str, Any]:
        numbers = self.private.public_key().public_numbers()
        names = {"kty": "RSA", "use": "sig", "kid": self.kid, "x5t": self.kid}
        key = {"n": _number(numbers.n), "e": _number(numbers.e)}
        return {**names, **key, "x5c": [base64.b64encode(self._certificate()).decode()]}

    def _certificate(self) -> bytes:
        """Entra publishes its keys as certificates, too; some clients read only those."""
        name = x509.Name.from_rfc4514_string("CN=accounts.accesscontrol.windows.net")
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, self.private.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1825))
        return builder.sign(self.private, SHA256()).public_bytes(Encoding.DER)


class Keys:
    """`stranger` is nobody's here: what an attacker would sign with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.current = Key.generate()
        self.custom: Key | None = None
        self.retired: list[Key] = []
        self._published: list[Key] = [self.current]

    @property
    def published(self) -> list[Key]:
        return list(self._published)

    def make_custom(self) -> None:
        """Sign with a key of the app's own, which only the app's own metadata lists."""
        self.custom = Key.generate()

    def rotate(self, *, keep_old: bool) -> None:
        """Sign with a new key from now on; publish it, and the old one too unless told not to."""
        fresh = Key.generate()
        with self._lock:
            self.retired.insert(0, self.current)
            self.current = fresh
            self._published = [*(self._published if keep_old else []), fresh][-5:]
            del self.retired[5:]

    @cached_property
    def stranger(self) -> Key:
        return Key.generate()

    @cached_property
    def elliptic(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())
