"""Which certificates and keys can prove the app, and what is said of those that cannot."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from accounts.entra.credentials import keys
from accounts.entra.credentials.keys import Unusable, read_certificates, read_entered
from tests.support.certificates import (
    DAY,
    base64_of,
    both,
    certificate,
    key_pem,
    pem_of,
    pfx,
    public_pem,
)
from tests.support.keys import private_key

MADE = certificate()
NEXT = certificate("second")
DER = MADE.public_bytes(Encoding.DER)
THUMBPRINT = hashlib.sha1(DER, usedforsecurity=False).hexdigest().upper()
PASSWORD = "a passphrase with spaces"
EXPIRED = certificate(ends=-timedelta(hours=1))
LEGACY = pem_of(MADE) + private_key("first").private_bytes(
    Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(PASSWORD.encode())
).decode()  # fmt: skip


def sha256s(source: str, password: str = "") -> list[bytes]:
    return [one.sha256 for one in read_certificates(source, password)]


OWN = [hashlib.sha256(DER).digest()]


@pytest.mark.parametrize(
    ("form", "password"),
    [
        (both(MADE), ""),
        (both(MADE).replace("\n", "\\n"), ""),
        (both(MADE).replace("\n", "\r\n"), ""),
        (both(MADE), "not needed"),
        (key_pem(private_key("first")) + pem_of(MADE), ""),
        (key_pem(private_key("first"), form=PrivateFormat.TraditionalOpenSSL) + pem_of(MADE), ""),
        (both(MADE, password=PASSWORD), PASSWORD),
        (f"Bag Attributes\n  friendlyName: x\n{both(MADE)}", ""),
        (f"subject=C = US, O = Contoso\n{both(MADE)}", ""),  # commas, as openssl writes them
        (base64_of(f"\ufeffsubject=O = Müller\n{both(MADE)}".encode()), ""),
        (both(MADE).replace("\n", "\\r\\n"), ""),
        (both(MADE).replace("\n", " "), ""),
        (both(MADE).replace(" CERTIFICATE", " X509 CERTIFICATE"), ""),
        (f"-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n{both(MADE)}", ""),
        (LEGACY, PASSWORD),  # its header has a comma in it
        (pem_of(EXPIRED) + both(MADE), ""),  # renewed for the same key
        (base64_of(pfx(MADE)), ""),
        (base64_of(pfx(MADE, "first", PASSWORD)), PASSWORD),
        (base64_of(both(MADE).encode()), ""),
        (both(MADE) + pem_of(NEXT), ""),
        (base64_of(pfx(MADE, "first", "", NEXT)), ""),
    ],
)
def test_a_certificate_is_read_in_every_form_that_people_have(form: str, password: str) -> None:
    assert sha256s(form, password) == OWN


@pytest.mark.parametrize(
    "data",
    [
        both(MADE).encode(),
        both(MADE).encode("utf-16"),
        both(MADE).replace("\n", "\\n").encode(),
        b"\xef\xbb\xbf" + both(MADE).encode(),
        pfx(MADE),
        base64_of(pfx(MADE)).encode(),
    ],
)
def test_a_file_is_read_by_its_path(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "app.pem"
    path.write_bytes(data)
    if data[:1] == b"M":
        with pytest.raises(Unusable, match="neither PEM text nor a PFX"):
            sha256s(str(path))
        return
    assert sha256s(str(path)) == OWN
    assert keys.paths_of(str(path)) == (path,)


def test_certificate_and_key_may_stand_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "tls.crt").write_text(pem_of(MADE) + pem_of(NEXT))
    (tmp_path / "tls.key").write_text(key_pem(private_key("first")))
    assert sha256s(f"{tmp_path}/tls.crt, {tmp_path}/tls.key") == OWN


def test_two_that_overlap_are_tried_in_the_order_given(tmp_path: Path) -> None:
    order = [hashlib.sha256(one.public_bytes(Encoding.DER)).digest() for one in (NEXT, MADE)]
    assert sha256s(both(NEXT, "second") + both(MADE)) == order
    (tmp_path / "old.pfx").write_bytes(pfx(MADE))
    assert sha256s(f"{both(NEXT, 'second')},{tmp_path}/old.pfx") == order


@pytest.mark.parametrize("written", ["{}", "{:lower}", "{:colons}"])
def test_a_thumbprint_finds_what_app_service_has_loaded(
    written: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "APP_SERVICE", tmp_path)
    (tmp_path / f"{THUMBPRINT}.p12").write_bytes(pfx(MADE))
    forms = {
        "{}": THUMBPRINT,
        "{:lower}": THUMBPRINT.lower(),
        "{:colons}": ":".join(THUMBPRINT[i : i + 2] for i in range(0, 40, 2)),
    }
    assert sha256s(forms[written]) == OWN
    [found] = read_certificates(forms[written])
    assert found.portal_thumbprint == THUMBPRINT


def test_of_several_the_expired_and_the_early_are_left_out() -> None:
    old = certificate("second", ends=-timedelta(hours=1))
    early = certificate("third", begins=DAY)
    assert sha256s(both(old, "second") + both(MADE) + both(early, "third")) == OWN


ELLIPTIC: Any = ec.generate_private_key(ec.SECP256R1())
OF_CURVE = certificate("curve", key=ELLIPTIC)
SHORT: Any = private_key("short", 1024)
WRONG = {
    "an encrypted key without a passphrase": (both(MADE, password=PASSWORD), "", "not set"),
    "an encrypted key with another passphrase": (both(MADE, password=PASSWORD), "x", "not open"),
    "a PFX without its passphrase": (base64_of(pfx(MADE, "first", PASSWORD)), "", "not set"),
    "a PFX with another passphrase": (base64_of(pfx(MADE, "first", "a")), "b", "does not open"),
    "a key of another certificate": (
        pem_of(MADE) + key_pem(private_key("second")),
        "",
        "belongs to another certificate",
    ),
    "a certificate alone": (pem_of(MADE), "", "without its private key"),
    "a certificate alone, as DER": (base64_of(DER), "", "without its private key"),
    "a key alone": (key_pem(private_key("first")), "", "without its certificate"),
    "a second certificate alone": (
        f"{both(MADE)},{pem_of(NEXT)}",
        "",
        "certificate without its private key",
    ),
    "a public key": (public_pem(), "", "a public key"),
    "a certificate and a public key": (pem_of(MADE) + public_pem(), "", "a public key"),
    "a chain in the wrong order": (
        pem_of(NEXT) + both(MADE),
        "",
        "chain in the wrong order",
    ),
    "an expired one": (
        both(certificate(ends=-timedelta(hours=1))),
        "",
        "expired on",
    ),
    "one for later": (both(certificate(begins=DAY)), "", "valid from"),
    "a short key": (
        pem_of(certificate("short", key=SHORT)) + key_pem(SHORT),
        "",
        "1024 bits: 2048 are needed",
    ),
    "an elliptic key": (pem_of(OF_CURVE) + key_pem(ELLIPTIC), "", "not RSA"),
    "an elliptic key, in its own form": (
        pem_of(OF_CURVE) + key_pem(ELLIPTIC, form=PrivateFormat.TraditionalOpenSSL),
        "",
        "not RSA",
    ),
    "an SSH key": (key_pem(private_key("first"), form=PrivateFormat.OpenSSH), "", "an SSH key"),
    "half a block": (both(MADE)[:-60], "", "cut off"),
    "a secret in the place of a path": ("abc8Q~" + "x" * 34, "", "no certificate at all"),
    "something else in base64": (base64_of(b"PuTTY-User-Key-File-3: " * 9), "", "no certificate"),
    "chains of another kind": (
        "-----BEGIN PKCS7-----\nAA\n-----END PKCS7-----",
        "",
        "another kind",
    ),
    "a block cut at its start": (f"x{both(MADE)[40:900]}-----BEGIN", "", "cut off"),
    "a damaged key": (
        pem_of(MADE) + "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "",
        "damaged",
    ),
    "a request": (
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
        "",
        "certificate request",
    ),
    "a thumbprint alone": (THUMBPRINT.lower(), "", "WEBSITE_LOAD_CERTIFICATES"),
    "a long thumbprint alone": (hashlib.sha256(DER).hexdigest(), "", "WEBSITE_LOAD_CERTIFICATES"),
    "a path that is not there": ("/run/nothing.pem", "", "not there"),
    "a folder": ("/", "", "a folder"),
    "words": ("our certificate please", "", "PEM text"),
    "nothing in base64": (base64_of(b"\x30" * 300), "", "damaged"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_sign_is_refused_with_what_is_wrong_and_never_quoted(what: str) -> None:
    source, password, said = WRONG[what]
    with pytest.raises(Unusable) as caught:
        read_certificates(source, password)
    assert said in str(caught.value)
    lines = [line for line in source.splitlines() if len(line) > 30 and not line.startswith("-")]
    assert not [line for line in lines if line in str(caught.value)]
    assert caught.value.__cause__ is None


def test_one_signed_with_sha1_is_refused() -> None:
    """Made by renaming the signature's algorithm: nobody makes such certificates any more."""
    of_sha256, of_sha1 = (bytes.fromhex(f"06092a864886f70d0101{end}") for end in ("0b", "05"))
    old = base64_of(DER.replace(of_sha256, of_sha1))
    pem = f"-----BEGIN CERTIFICATE-----\n{old}\n-----END CERTIFICATE-----\n"
    with pytest.raises(Unusable, match="signed with SHA-1"):
        read_certificates(pem + key_pem(private_key("first")))


def test_a_file_that_may_not_be_read_or_is_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("\n")
    with pytest.raises(Unusable, match=r"is empty \(.*empty.pem\)"):
        read_certificates(str(tmp_path / "empty.pem"))
    (tmp_path / "huge.pem").write_bytes(b"x" * 300_000)
    with pytest.raises(Unusable, match="huge"):
        read_certificates(str(tmp_path / "huge.pem"))


def test_nothing_of_a_key_is_in_its_repr() -> None:
    [made] = read_certificates(both(MADE))
    assert repr(made).startswith("<accounts.entra.credentials.keys.Certificate object at ")


def test_a_pfx_is_read_as_it_is_whatever_its_bytes() -> None:
    r"""One in forty has the bytes of "\n" by chance: only in text are they the end of a line."""
    made = certificate()
    ours = next(data for _ in range(5000) if b"\\n" in (data := pfx(made, "first", "a passphrase")))
    assert read_entered(ours, "a passphrase").public_pem.strip() == pem_of(made).strip()
