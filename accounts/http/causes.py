"""Why no usable answer came: one type for each cause that can be told apart.

Each is a `Refused`, so that a sign-in ends with its page, and its `detail` says in our own words
what happened: nothing in it was sent by the other side, save what matched a strict pattern.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from http import client as protocol
from typing import Any, ClassVar, Final

from ..reasons import Refused
from .origins import Origin

_RETRY_AFTER: Final = range(1, 3601)
_OPENSSL_REASON: Final = re.compile(r"[A-Z0-9_]{1,60}")
# openssl-verification-options(1); X509_V_ERR_… of OpenSSL's x509_vfy.h
_VERIFY_CODES: Final = {
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "its chain ends in an authority that is not trusted here",
    20: "its chain is incomplete, or its authority is not trusted here",
    21: "its chain is incomplete, or its authority is not trusted here",
    62: "it is for another host name",
    63: "it is for another host name",
    64: "it is for another address",
}


class NoAnswer(Refused):
    """The other side gave no answer that can be used."""

    code: ClassVar[str] = "microsoft_unreachable"
    is_outage: ClassVar[bool] = True  # says that the other side is unwell
    advice: ClassVar[str] = ""  # what to change here, where the cause says it

    def __init__(self, detail: str, *, retry_after: int | None = None) -> None:
        super().__init__(self.code, detail, retry_after=retry_after)
        self.body: Mapping[str, Any] | None = None  # an error's JSON, where there is one

    @property
    def kind(self) -> str:
        """The cause as a stable word, for metrics and for `doctor`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


# --- not asked at all -------------------------------------------------------------------------


class TooManyWaiting(NoAnswer):
    def __init__(self) -> None:
        super().__init__("too many waiting")


class CircuitOpen(NoAnswer):
    def __init__(self, last: str) -> None:
        super().__init__(f"not asked: it just failed several times, at last with {last}")


class NoTimeLeft(NoAnswer):
    def __init__(self) -> None:
        super().__init__("not asked: the time for this request is used up")


class AnotherFailed(NoAnswer):
    """Someone else's request, whose outcome is shared, did not come back in time."""

    def __init__(self) -> None:
        super().__init__("no complete answer in time, of a request that several wait for")


# --- no connection ----------------------------------------------------------------------------


class NoConnection(NoAnswer):
    def __init__(self, detail: str) -> None:
        super().__init__(f"no connection: {detail}")


class UnknownName(NoConnection):
    advice = (
        "Correct the host in MICROSOFT_LOGIN_URL (or MICROSOFT_PROXY_URL), or this "
        "machine's DNS: nslookup HOST."
    )

    def __init__(self, host: str) -> None:
        super().__init__(f"the name {host} is unknown")


class ResolverFailed(NoConnection):
    advice = (
        "The resolver fails: look at /etc/resolv.conf, the DNS server, and the VNet's DNS setting."
    )

    def __init__(self, host: str) -> None:
        super().__init__(f"the resolver could not say where {host} is")


class SlowResolver(NoConnection):
    advice = (
        "The resolver does not answer in time: look at /etc/resolv.conf and the DNS server "
        "it names."
    )

    def __init__(self, host: str) -> None:
        super().__init__(f"the resolver did not answer in time where {host} is")


class PortRefused(NoConnection):
    advice = (
        "The machine answers, but nothing listens on that port: correct MICROSOFT_LOGIN_URL "
        "or MICROSOFT_PROXY_URL, or a firewall rejects it."
    )

    def __init__(self, where: Origin) -> None:
        super().__init__(f"{where.host} refuses connections on port {where.port}")


class PortSilent(NoConnection):
    advice = (
        "Nothing answers on that port: open outgoing TCP 443 in the firewall, or set "
        "MICROSOFT_PROXY_URL where only a proxy gets out."
    )

    def __init__(self, where: Origin) -> None:
        super().__init__(f"{where.host} does not answer on port {where.port}: a firewall?")


class Unroutable(NoConnection):
    advice = (
        "No way leads there from this machine: look at its routes, its VNet, and, where the "
        "address is IPv6 only, whether this machine has IPv6."
    )

    def __init__(self, where: Origin, error: str) -> None:
        super().__init__(f"no way to {where.host}, port {where.port} ({error})")


# --- the company's proxy ----------------------------------------------------------------------


class ProxyRefused(NoConnection):
    """`status` is the proxy's; `schemes` the authentication schemes that it offers with a 407."""

    advice = (
        "Correct user name and password in MICROSOFT_PROXY_URL (only Basic is spoken), or "
        "let the proxy pass CONNECT to Microsoft's host."
    )

    def __init__(self, proxy: Origin, status: int, schemes: tuple[str, ...] = ()) -> None:
        offer = f", offering {', '.join(schemes)}" if schemes else ""
        super().__init__(f"the proxy {proxy} answered {status} to CONNECT{offer}")
        self.status = status
        self.schemes = schemes


class ProxySilent(NoConnection):
    advice = "The proxy of MICROSOFT_PROXY_URL takes the connection and says nothing: see its log."

    def __init__(self, proxy: Origin) -> None:
        super().__init__(f"the proxy {proxy} did not answer CONNECT in time")


class ProxyBroken(NoConnection):
    advice = (
        "What MICROSOFT_PROXY_URL names is no HTTP proxy: correct host, port and scheme "
        "(http:// or https:// of the proxy itself)."
    )

    def __init__(self, proxy: Origin) -> None:
        super().__init__(f"the proxy {proxy} closed the connection, or speaks no HTTP")


# --- TLS --------------------------------------------------------------------------------------


class TlsFailed(NoAnswer):
    """`openssl` is OpenSSL's name for it, "" where it has none."""

    def __init__(self, host: str, detail: str, openssl: str = "") -> None:
        super().__init__(f"TLS failed with {host}: {detail}")
        self.openssl = openssl


class TlsSilent(TlsFailed):
    advice = (
        "The other side takes the connection and does no TLS handshake: a firewall or a "
        "proxy that inspects TLS stands between."
    )

    def __init__(self, host: str) -> None:
        super().__init__(host, "the handshake was not done in time")


class CertificateRefused(TlsFailed):
    """`verify_code` is OpenSSL's; `issuer` whoever signed the certificate that was seen, or ""."""

    advice = (
        "If a proxy of your company looks into TLS (the issuer says so), put its authority into"
        " MICROSOFT_CA_BUNDLE; a server that shows its own certificate alone must show the whole"
        " chain (fullchain.pem); for an expired or future certificate compare this machine's clock;"
        " for another name correct MICROSOFT_LOGIN_URL."
    )

    def __init__(self, host: str, verify_code: int, issuer: str = "") -> None:
        why = _VERIFY_CODES.get(verify_code, f"OpenSSL's code {verify_code}")
        by = f"; it was issued by {issuer}" if issuer else ""
        super().__init__(host, f"certificate not accepted, {why}{by}", "CERTIFICATE_VERIFY_FAILED")
        self.verify_code = verify_code
        self.issuer = issuer


def tls_failed(host: str, error: ssl.SSLError, issuer: str = "") -> TlsFailed:
    """The cause in OpenSSL's own terms."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateRefused(host, error.verify_code, issuer)
    reason = error.reason or ""
    known = reason if _OPENSSL_REASON.fullmatch(reason) else ""
    return TlsFailed(host, f"protocol not accepted {known}".rstrip(), known)


# --- the answer -------------------------------------------------------------------------------


class NoCompleteAnswer(NoAnswer):
    def __init__(self) -> None:
        super().__init__("no complete answer in time")


class BrokenOff(NoAnswer):
    def __init__(self) -> None:
        super().__init__("the connection broke off")


class NotHttp(NoAnswer):
    def __init__(self, error: str) -> None:
        super().__init__(f"not an answer ({error})")


class Unusable(NoAnswer):
    """An answer in a form that is not taken; `status` is its status."""

    is_outage = False

    def __init__(self, status: int, what: str) -> None:
        super().__init__(f"HTTP {status}{what}")
        self.status = status


class NotJson(Unusable):
    """Often a proxy's or a firewall's page instead of the other side's answer."""

    advice = (
        "Something between answers in Microsoft's place: a proxy's or a firewall's page. Let"
        " HTTPS to MICROSOFT_LOGIN_URL pass untouched, or correct that address."
    )

    def __init__(self, status: int, what: str) -> None:
        super().__init__(status, f" with a body that is {what}")


class ServerError(Unusable):
    is_outage = True

    def __init__(self, status: int) -> None:
        super().__init__(status, "")


class Throttled(NoAnswer):
    code = "microsoft_throttled"
    is_outage = False

    def __init__(self, seconds: int) -> None:
        within_bounds = min(max(seconds, _RETRY_AFTER[0]), _RETRY_AFTER[-1])
        super().__init__("HTTP 429", retry_after=within_bounds)


def broken(error: Exception) -> NoAnswer:
    """The cause of an error while an answer was awaited or read."""
    if isinstance(error, ConnectionError | ssl.SSLError | OSError | protocol.IncompleteRead):
        return BrokenOff()
    return NotHttp(type(error).__name__)
