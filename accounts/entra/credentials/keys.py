"""Reads certificates and keys from what was entered, and pairs them; says what is wrong.

A source is PEM text (line ends may have come as `\\n`), a PFX in base64, the path of a PEM or PFX
file, or the thumbprint of a certificate that App Service has loaded. Several sources, separated by
commas, are read together: a certificate and its key may stand in two files, and two certificates
may overlap while one replaces the other.

No message quotes what was entered, save a path.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from errno import ENAMETOOLONG, ENOENT, ENOTDIR
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)
from django.views.decorators.debug import sensitive_variables

SMALLEST_KEY: Final = 2048  # bits
# Where App Service for Linux puts certificates that WEBSITE_LOAD_CERTIFICATES names; without a
# passphrase ("Use a TLS/SSL certificate in your code").
APP_SERVICE: Final = Path("/var/ssl/private")
_LARGEST_FILE: Final = 256 * 1024
_BLOCK: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----\s.*?\s-----END \1-----", re.DOTALL)
_BETWEEN: Final = re.compile(r"(?<=-----)(?:\s|\\r|\\n)*,|,(?=(?:\s|\\r|\\n)*-----BEGIN)")
_LINE_END: Final = re.compile(r"\r\n|(?:\\r)?\\n")
# A path that messages may quote: a secret that was entered by mistake does not look like this.
_SURELY_A_PATH: Final = re.compile(r"/[^/].*|.*\.(?:pem|pfx|p12|crt|cer|key|txt)", re.IGNORECASE)
_PATH: Final = re.compile(r"[^\s\x00-\x1f]{1,1024}")
_THUMBPRINT: Final = re.compile(r"(?:[0-9A-F]{40}|[0-9A-F]{64})")


def noop(text: str) -> str:
    """Marks a text for translation, as Django's gettext_noop, which needs the settings."""
    return text


_PUBLIC_KEY: Final = noop("holds a public key: the certificate and its private key are needed")
_REQUEST: Final = noop("holds a certificate request: the certificate made of it is needed")
_NOT_RSA: Final = noop("holds a key that is not RSA: Entra takes RSA keys only")
_UNUSABLE_BLOCKS: Final = {
    "PUBLIC KEY": _PUBLIC_KEY,
    "RSA PUBLIC KEY": _PUBLIC_KEY,
    "CERTIFICATE REQUEST": _REQUEST,
    "NEW CERTIFICATE REQUEST": _REQUEST,
    "OPENSSH PRIVATE KEY": noop(
        "holds an SSH key: a certificate and its RSA private key are needed"
    ),
    "EC PRIVATE KEY": _NOT_RSA,
    "DSA PRIVATE KEY": _NOT_RSA,
}


class Unusable(ValueError):
    """What was entered is no certificate to sign in with.

    `text` says what is wrong; where it is translated, `facts` fill its placeholders.
    """

    def __init__(self, text: str, **facts: object) -> None:
        super().__init__(text.format(**facts) if facts else text)
        self.text, self.facts = text, facts


@dataclass(frozen=True, slots=True, repr=False)
class Certificate:
    """A certificate and its private key; no repr, since it holds the key."""

    key: RSAPrivateKey
    sha256: bytes
    sha1: bytes
    subject: str
    not_before: datetime
    not_after: datetime
    public_pem: str

    @property
    def portal_thumbprint(self) -> str:
        """As Entra lists it under Certificates & secrets: SHA-1, in capital hex digits."""
        return self.sha1.hex().upper()

    @property
    @sensitive_variables()
    def whole_pem(self) -> str:
        """Certificate and key, to be stored encrypted."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.public_pem + key.decode()


@dataclass(slots=True, repr=False)
class _Found:
    """The keys and certificates of all sources, in order; certificates by source."""

    keys: list[RSAPrivateKey]
    chains: list[list[x509.Certificate]]

    @property
    def certificates(self) -> list[x509.Certificate]:
        return [one for chain in self.chains for one in chain]


@sensitive_variables()
def read_certificates(
    source: str, password: str = "", *, now: datetime | None = None
) -> tuple[Certificate, ...]:
    """The certificates with their keys, in the order in which they are tried.

    Of several, those that are not valid now are left out. Raises Unusable.
    """
    found = _Found([], [])
    for part in _parts(source):
        found.chains.append([])
        _read_part(part, password, found)
    return _valid_now(_paired(found), now or datetime.now(UTC))


@sensitive_variables()
def read_entered(data: bytes, password: str = "", *, now: datetime | None = None) -> Certificate:
    """The one certificate with its key in what someone entered or uploaded, never in a named file.

    Raises Unusable.
    """
    found = _Found([], [[]])
    text = data.decode("ascii", "replace").strip()
    _read_data(_from_base64(text) or data, password, found)
    made = _valid_now(_paired(found), now or datetime.now(UTC))
    if len(made) > 1:
        raise Unusable(noop("holds several certificates with their keys: enter one at a time"))
    return made[0]


def paths_of(source: str) -> tuple[Path, ...]:
    """The files that the source names."""
    named = (_path_of(part) for part in _parts(source))
    return tuple(path for path in named if path is not None)


# --- sources -------------------------------------------------------------------------------


@sensitive_variables()
def _parts(source: str) -> list[str]:
    """Base64 has no comma; text around and in PEM may, as in `subject=C=US, O=Contoso`."""
    is_text = "-----BEGIN" in source
    texts = _BETWEEN.split(source) if is_text else source.split(",")
    split = (text.split(",") if is_text and "-----BEGIN" not in text else [text] for text in texts)
    return [part.strip() for parts in split for part in parts if part.strip()]


def _path_of(part: str) -> Path | None:
    """None for PEM text and base64."""
    if "-----BEGIN" in part or _from_base64(part):
        return None
    thumbprint = re.sub(r"[\s:]", "", part).upper()
    if _THUMBPRINT.fullmatch(thumbprint):
        return _loaded(thumbprint)
    return Path(part) if _PATH.fullmatch(part) else None


def _loaded(thumbprint: str) -> Path:
    candidates = [APP_SERVICE / f"{thumbprint}.{ending}" for ending in ("p12", "pfx", "pem")]
    return next((path for path in candidates if path.is_file()), candidates[0])


@sensitive_variables()
def _from_base64(part: str) -> bytes:
    """The bytes of a PFX or a PEM in base64; empty when it is none."""
    try:
        data = base64.b64decode(re.sub(r"\s", "", part), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if data[:1] == b"\x30" or b"-----BEGIN" in data else b""


@sensitive_variables()
def _read_part(part: str, password: str, found: _Found) -> None:
    path = _path_of(part)
    if path is None:
        _read_data(_from_base64(part) or part.encode(), password, found)
        return
    try:
        _read_data(_content(path), password, found)
    except Unusable as problem:
        place = f" ({path})" if _SURELY_A_PATH.fullmatch(str(path)) else ""
        raise Unusable(f"{problem}{place}") from None


def _content(path: Path) -> bytes:
    if path.parent == APP_SERVICE and not path.exists():
        raise Unusable(
            "is a thumbprint, and App Service has not loaded its certificate: name it in"
            " WEBSITE_LOAD_CERTIFICATES too, or give the certificate with its key itself"
        )
    try:
        if path.is_dir():
            raise Unusable("names a folder, not a file")
        with path.open("rb") as opened:
            data = opened.read(_LARGEST_FILE + 1)
    except OSError as problem:
        if problem.errno in (ENOENT, ENAMETOOLONG, ENOTDIR):
            text = "names a file that is not there, or is no certificate at all"
            raise Unusable(text) from None
        raise Unusable(f"names a file that cannot be read: {problem.strerror}") from None
    if not data.strip() or len(data) > _LARGEST_FILE:
        raise Unusable("names a file that is empty" if not data.strip() else "names a huge file")
    return data


# --- formats --------------------------------------------------------------------------------


@sensitive_variables()
def _read_data(data: bytes, password: str, found: _Found) -> None:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # PowerShell's `>`
        data = data.decode("utf-16", "replace").encode()
    if b"-----BEGIN" in data:  # text, unlike a PFX, which may hold "\\n" by chance
        _read_pem(_LINE_END.sub("\n", data.decode("ascii", "replace")), password, found)
    elif data[:1] == b"\x30":
        _read_der(data, password, found)
    else:
        raise Unusable(noop("is neither PEM text nor a PFX"))


@sensitive_variables()
def _read_pem(text: str, password: str, found: _Found) -> None:
    blocks = list(_BLOCK.finditer(text))
    if not blocks or len(blocks) != text.count("-----BEGIN"):
        raise Unusable(noop("is PEM text that is cut off or damaged: copy it whole"))
    for block in blocks:
        name = block[1]
        if name in ("CERTIFICATE", "X509 CERTIFICATE"):
            found.chains[-1].append(_pem_certificate(block[0]))
        elif name.endswith("PRIVATE KEY") and name not in _UNUSABLE_BLOCKS:
            found.keys.append(_rsa(_pem_key(block[0], password)))
        elif not name.endswith("PARAMETERS"):
            raise Unusable(_UNUSABLE_BLOCKS.get(name, noop("holds a PEM block of another kind")))


@sensitive_variables()
def _read_der(data: bytes, password: str, found: _Found) -> None:
    pfx = _pfx(data, password)
    if pfx.key is not None:
        found.keys.append(_rsa(pfx.key))
    chain = [*([pfx.cert] if pfx.cert else []), *pfx.additional_certs]
    found.chains[-1] += [one.certificate for one in chain]


@sensitive_variables()
def _pfx(data: bytes, password: str) -> pkcs12.PKCS12KeyAndCertificates:
    tried = [password.encode()] if password else [None, b""]
    for passphrase in tried:
        try:
            return pkcs12.load_pkcs12(data, passphrase)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    raise Unusable(_not_opened(data, password))


@sensitive_variables()
def _not_opened(data: bytes, password: str) -> str:
    """Why it could not be read as a PFX."""
    with suppress(ValueError):
        x509.load_der_x509_certificate(data)
        return noop("is a certificate without its private key")
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        load_der_private_key(data, None)
        return noop("is a private key without its certificate")
    if password:
        return noop("is a PFX that this passphrase does not open, or that is damaged")
    return noop("is a PFX with a passphrase, which is not set, or is damaged")


@sensitive_variables()
def _pem_key(block: str, password: str) -> PrivateKeyTypes:
    is_encrypted = "ENCRYPTED" in block
    if is_encrypted and not password:
        raise Unusable(noop("holds an encrypted key, and its passphrase is not set"))
    given = password.encode() if is_encrypted else None
    try:
        return load_pem_private_key(block.encode(), given)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        wrong = noop("holds a key that this passphrase does not open") if is_encrypted else ""
        damaged = noop("holds a private key that is damaged: copy it whole")
        raise Unusable(wrong or damaged) from None


@sensitive_variables()
def _pem_certificate(block: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(block.encode())
    except ValueError:
        raise Unusable(noop("holds a certificate that is damaged: copy it whole")) from None


@sensitive_variables()
def _rsa(key: PrivateKeyTypes) -> RSAPrivateKey:
    if not isinstance(key, RSAPrivateKey):
        raise Unusable(_NOT_RSA)
    if key.key_size < SMALLEST_KEY:
        raise Unusable(
            noop("holds an RSA key of {bits} bits: {least} are needed"),
            bits=key.key_size,
            least=SMALLEST_KEY,
        )
    return key


# --- pairs ---------------------------------------------------------------------


@sensitive_variables()
def _paired(found: _Found) -> list[Certificate]:
    if not found.keys:
        raise Unusable(noop("holds a certificate without its private key"))
    if not found.certificates:
        raise Unusable(noop("holds a private key without its certificate"))
    pairs = [pair for key in found.keys for pair in _pairs(key, found)]
    own = {pair.sha256 for pair in pairs}
    for chain in found.chains:
        _check_order([one.fingerprint(SHA256()) in own for one in chain])
    return list({pair.sha256: pair for pair in pairs}.values())


def _check_order(is_own: Sequence[bool]) -> None:
    """`is_own`: for each certificate of a source, whether it has a key."""
    if is_own and not any(is_own):
        raise Unusable(noop("holds a certificate without its private key"))
    if is_own and not is_own[0]:
        raise Unusable(
            noop(
                "holds a chain in the wrong order: the certificate of the key comes first, then"
                " those of its issuers"
            )
        )


@sensitive_variables()
def _pairs(key: RSAPrivateKey, found: _Found) -> list[Certificate]:
    """Several where a certificate was renewed for the same key."""
    public = key.public_key()
    own = [one for one in found.certificates if one.public_key() == public]
    if not own:
        raise Unusable(noop("holds a private key that belongs to another certificate"))
    return [_certificate(key, one) for one in own]


def _certificate(key: RSAPrivateKey, one: x509.Certificate) -> Certificate:
    if isinstance(one.signature_hash_algorithm, SHA1):
        raise Unusable(noop("holds a certificate signed with SHA-1: make one with SHA-256"))
    return Certificate(
        key=key,
        sha256=one.fingerprint(SHA256()),
        sha1=one.fingerprint(SHA1()),  # noqa: S303 - a name in Entra's portal, nothing rests on it
        subject=one.subject.rfc4514_string()[:200],
        not_before=one.not_valid_before_utc,
        not_after=one.not_valid_after_utc,
        public_pem=one.public_bytes(Encoding.PEM).decode(),
    )


def _valid_now(found: Sequence[Certificate], now: datetime) -> tuple[Certificate, ...]:
    valid = tuple(one for one in found if one.not_before <= now < one.not_after)
    if not valid:
        raise _why_not(found[0], now)
    return valid


def _why_not(one: Certificate, now: datetime) -> Unusable:
    if one.not_after <= now:
        text, day = noop("holds a certificate that expired on {day}"), one.not_after
    else:
        text, day = noop("holds a certificate that is valid from {day} only"), one.not_before
    return Unusable(text, day=f"{day:%Y-%m-%d}")
