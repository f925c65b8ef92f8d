"""Whom TLS trusts, and who vouched for a certificate that it does not."""

from __future__ import annotations

import socket
import ssl
from functools import cache
from typing import Final, cast

from cryptography import x509
from urllib3.util.ssltransport import SSLTransport

_LONGEST: Final = 120


@cache
def trusted_context(ca_bundle: str = "") -> ssl.SSLContext:
    """The system's authorities, and those of a file; certifi's where the system has none.

    Reading them costs tens of milliseconds, so it is done once a process. Raises OSError for a
    file that cannot be read or holds no certificate.
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
    """Accepts any certificate: only to read who issued one that was refused; nothing is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def secured(sock: socket.socket, context: ssl.SSLContext, host: str) -> socket.socket:
    """The socket inside TLS with `host`; TLS inside TLS where it is in TLS already."""
    if isinstance(sock, ssl.SSLSocket):
        return cast("socket.socket", SSLTransport(sock, context, host))
    return context.wrap_socket(sock, server_hostname=host)


def issuer_of(certificate: bytes | None) -> str:
    """The issuer's name as printable ASCII, cut; "" where there is none. Raises ValueError."""
    if not certificate:
        return ""
    name = x509.load_der_x509_certificate(certificate).issuer.rfc4514_string()
    return "".join(c if " " <= c <= "~" else "?" for c in name)[:_LONGEST]
