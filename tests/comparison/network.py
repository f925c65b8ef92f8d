"""A network of its own, in which Microsoft's names lead to this machine's emulator."""

import datetime
import os
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.emulator.server import GRAPH

MICROSOFT = "login.microsoftonline.com"
INSIDE = "INSIDE_A_NETWORK_OF_ITS_OWN"
ENTER = """
ip link set lo up && mount --bind "$1" /etc/hosts || exit 125
shift
exec "$@"
"""


def inside() -> bool:
    """Whether we are in it already."""
    return bool(os.environ.get(INSIDE))


def enter(directory: Path) -> None:
    """Start this program again in such a network, and never return; nothing when already there."""
    if inside():
        return
    if os.geteuid() != 0 or sys.platform != "linux":
        sys.exit("make comparison makes a network namespace: run it as root on Linux.")
    hosts = directory / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {MICROSOFT} {GRAPH}\n::1 localhost\n")
    again = [sys.executable, "-m", "tests.comparison", *sys.argv[1:]]
    words = ["unshare", "--net", "--mount", "sh", "-c", ENTER, "sh", str(hosts), *again]
    os.environ[INSIDE] = "1"
    os.execvp(words[0], words)  # noqa: S606 - our own program again, no shell


def certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate of both names, which is its own authority, and its key; valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "comparison")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(MICROSOFT), x509.DNSName(GRAPH)])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = directory / "microsoft.pem", directory / "microsoft.key"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, private
