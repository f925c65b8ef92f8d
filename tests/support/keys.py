"""Real RSA keys and real signed tokens, made at run time."""

from __future__ import annotations

import base64
import datetime
import json
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from accounts.entra.jwks import SigningKey, read_keys

NOW = 1_800_000_000  # whatever it is, so that every test process names its tests alike
TENANT = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT = "22222222-2222-4222-8222-222222222222"
CLIENT_ID = "33333333-3333-4333-8333-333333333333"
OID = "44444444-4444-4444-8444-444444444444"
NONCE = "the-nonce-that-was-sent"
ISSUER = "https://login.microsoftonline.com/{tenantid}/v2.0"


def private_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """A key by name, made once a run."""
    return _made(name, bits)


@cache
def _made(_name: str, bits: int) -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=bits)


def jwk(name: str, bits: int = 2048, **changes: Any) -> dict[str, Any]:
    """The key's entry in a key set; a change to None takes the field out."""
    numbers = private_key(name, bits).public_key().public_numbers()
    entry = {
        "kty": "RSA",
        "use": "sig",
        "kid": name,
        "n": base64url(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
        "e": base64url(numbers.e.to_bytes(3, "big")),
        "issuer": ISSUER,
    }
    return {k: v for k, v in {**entry, **changes}.items() if v is not None}


def certificate(name: str) -> str:
    """The key in a certificate that it signed itself, as an entry's x5c has it."""
    key, now = private_key(name), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, SHA256())
    )
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def signing_key(name: str, **changes: Any) -> SigningKey:
    return read_keys({"keys": [jwk(name, **changes)]})[changes.get("kid", name)]


def claims(**changes: Any) -> dict[str, Any]:
    """A member's claims, good for an hour; a change to None takes the claim out."""
    good = {
        "iss": ISSUER.replace("{tenantid}", TENANT),
        "aud": CLIENT_ID,
        "tid": TENANT,
        "oid": OID,
        "sub": "pairwise-subject",
        "iat": NOW,
        "nbf": NOW,
        "exp": NOW + 3600,
        "nonce": NONCE,
        "ver": "2.0",
        "email": "staff@contoso.example",
        "preferred_username": "staff@contoso.example",
        "name": "Staff Member",
    }
    return {k: v for k, v in {**good, **changes}.items() if v is not None}


def token(key: str = "first", header: dict[str, Any] | None = None, **changes: Any) -> str:
    return sign(claims(**changes), key, header)


def sign(
    payload: dict[str, Any] | bytes, key: str = "first", header: dict[str, Any] | None = None
) -> str:
    """A token as Entra signs it; payload bytes are taken as they are."""
    full = {"typ": "JWT", "alg": "RS256", "kid": key, **(header or {})}
    kept = {k: v for k, v in full.items() if v is not None}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{base64url(json.dumps(kept).encode())}.{base64url(body)}"
    signature = private_key(key).sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{signed}.{base64url(signature)}"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
