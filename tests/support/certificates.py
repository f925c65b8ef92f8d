"""Certificates with their keys, in every form in which people have them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)

from tests.support.keys import private_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import (
        CertificateIssuerPrivateKeyTypes,
        PrivateKeyTypes,
    )

DAY = timedelta(days=1)


def certificate(
    name: str = "first",
    *,
    key: CertificateIssuerPrivateKeyTypes | None = None,
    begins: timedelta = -DAY,
    ends: timedelta = 90 * DAY,
    algorithm: Any = None,
) -> x509.Certificate:
    """Signed by its own key, or by any other that is named."""
    own: Any = key or private_key(name)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(subject, subject, own.public_key(), x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .sign(own, algorithm or SHA256())
    )


def pem_of(made: x509.Certificate) -> str:
    return made.public_bytes(Encoding.PEM).decode()


def key_pem(key: PrivateKeyTypes, password: str = "", form: Any = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, form, _encryption(password)).decode()


def public_pem(name: str = "first") -> str:
    public = private_key(name).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def both(made: x509.Certificate, name: str = "first", password: str = "") -> str:
    """The certificate and its key, as PEM."""
    return pem_of(made) + key_pem(private_key(name), password)


def pfx(made: x509.Certificate, name: str = "first", password: str = "", *chain: Any) -> bytes:
    key = private_key(name)
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key, made, chain, _encryption(password)
    )


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _encryption(password: str) -> KeySerializationEncryption:
    return BestAvailableEncryption(password.encode()) if password else NoEncryption()
