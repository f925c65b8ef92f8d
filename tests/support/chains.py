"""Certificates of a server, and of whom they come from: chains that are whole, or lack a link."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from tests.support.certificates import key_pem, pem_of
from tests.support.keys import private_key

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT, BETWEEN, SERVER = "Contoso Root CA", "Contoso Issuing CA 1", "server"


@dataclass(frozen=True)
class Chain:
    """Files: what the server shows (its key with it), and the authority that is to be trusted."""

    shown: Path
    root: Path


def chain(
    folder: Path,
    *,
    whole: bool = True,
    since: int = 30,
    days: int = 1,
    names: Sequence[str] = ("127.0.0.1", "localhost"),
) -> Chain:
    """A root, an authority between, and a server's; `whole` off leaves the middle one out."""
    root = _signed(ROOT, by=ROOT, authority=True)
    between = _signed(BETWEEN, by=ROOT, authority=True)
    server = _signed(SERVER, by=BETWEEN, names=names, since=since, days=days)
    shown = [server, between] if whole else [server]
    files = Chain(folder / "server.pem", folder / "root.pem")
    key = key_pem(private_key(SERVER))
    files.shown.write_text("".join(map(pem_of, shown)) + key)
    files.root.write_text(pem_of(root))
    return files


def _signed(
    name: str,
    *,
    by: str,
    authority: bool = False,
    names: Sequence[str] = (),
    since: int = 30,
    days: int = 1,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    key = private_key(name)
    made = (
        x509.CertificateBuilder(_name(by), _name(name), key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=since))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if names:
        made = made.add_extension(x509.SubjectAlternativeName(list(map(_host, names))), False)
    return made.sign(private_key(by), SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _host(text: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
