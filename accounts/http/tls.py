"""Which certificate authorities are trusted, and who issued a certificate that is not."""

from __future__ import annotations

import socket
import ssl
from functools import cache
from typing import Final, cast

from cryptography import x509
from urllib3.util.ssltransport import SSLTransport

_MAX_ISSUER: Final = 120  # characters


@cache
def trusted_context(ca_bundle: str) -> ssl.SSLContext:
    """Trusts the system's authorities (certifi's where it has none) and those in the file.

    `ca_bundle` may be "". Cached, since reading them takes tens of milliseconds. Raises OSError for
    a file that cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not context.cert_store_stats()["x509_ca"]:
        _load_certifi(context)
    if ca_bundle:
        context.load_verify_locations(cafile=ca_bundle)
    return context


def _load_certifi(context: ssl.SSLContext) -> None:
    try:
        import certifi
    except ImportError:
        return
    context.load_verify_locations(certifi.where())


def lax_context() -> ssl.SSLContext:
    """Accepts any certificate: only for reading the issuer of a refused one; no data is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def secured(sock: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    """The socket wrapped in TLS with `host`; TLS in TLS where it is a TLS socket already."""
    if isinstance(sock, ssl.SSLSocket):
        return cast("socket.socket", SSLTransport(sock, context, host))
    return context.wrap_socket(sock, server_hostname=host)


def issuer_of(certificate: bytes | None) -> str:
    """The issuer's name as printable ASCII, truncated; "" without one. Raises ValueError."""
    if not certificate:
        return ""
    name = x509.load_der_x509_certificate(certificate).issuer.rfc4514_string()
    return "".join(c if " " <= c <= "~" else "?" for c in name)[:_MAX_ISSUER]
