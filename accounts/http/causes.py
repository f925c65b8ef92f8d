"""Why no usable answer came: one exception type for each cause that can be told apart.

Each is a `Refused`, so that a sign-in ends with its page. Its `detail` describes what happened and
holds nothing that the other side sent, except what matched a strict pattern.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from http import client as protocol
from typing import Any, ClassVar, Final

from ..reasons import Refused

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
    """No usable answer; the facts are filled into `text`."""

    code: ClassVar[str] = "microsoft_unreachable"
    is_outage: ClassVar[bool] = True  # counts as a failure for the circuit breaker
    advice: ClassVar[str] = ""  # what to change on this side, where the cause tells
    text: ClassVar[str] = ""

    def __init__(self, *facts: object, retry_after: int | None = None) -> None:
        super().__init__(self.code, self.text.format(*facts), retry_after=retry_after)
        self.body: Mapping[str, Any] | None = None  # the error response's JSON, if any

    @property
    def kind(self) -> str:
        """The cause as a stable identifier, for metrics and `doctor`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


# --- not asked at all -------------------------------------------------------------------------


class TooManyWaiting(NoAnswer):
    text = "too many waiting"


class CircuitOpen(NoAnswer):
    text = "not asked: it just failed several times, at last with {}"


class NoTimeLeft(NoAnswer):
    text = "not asked: the time for this request is used up"


class AnotherFailed(NoAnswer):
    text = "no complete answer in time, of a request that several wait for"


# --- no connection to a host, or to an Origin -------------------------------------------------


class UnknownName(NoAnswer):
    text = "no connection: the name {} is unknown"
    advice = (
        "Correct the host in MICROSOFT_LOGIN_URL (or MICROSOFT_PROXY_URL), or this "
        "machine's DNS: nslookup HOST."
    )


class ResolverFailed(NoAnswer):
    text = "no connection: the resolver could not say where {} is"
    advice = (
        "The resolver fails: look at /etc/resolv.conf, the DNS server, and the VNet's DNS setting."
    )


class SlowResolver(NoAnswer):
    text = "no connection: the resolver did not answer in time where {} is"
    advice = (
        "The resolver does not answer in time: look at /etc/resolv.conf and the DNS server "
        "it names."
    )


class PortRefused(NoAnswer):
    text = "no connection: {0.host} refuses connections on port {0.port}"
    advice = (
        "The machine answers, but nothing listens on that port: correct MICROSOFT_LOGIN_URL "
        "or MICROSOFT_PROXY_URL, or a firewall rejects it."
    )


class PortSilent(NoAnswer):
    text = "no connection: {0.host} does not answer on port {0.port}: a firewall?"
    advice = (
        "Nothing answers on that port: open outgoing TCP 443 in the firewall, or set "
        "MICROSOFT_PROXY_URL where only a proxy gets out."
    )


class Unroutable(NoAnswer):
    text = "no connection: no way to {0.host}, port {0.port} ({1})"
    advice = (
        "No way leads there from this machine: look at its routes, its VNet, and, where the "
        "address is IPv6 only, whether this machine has IPv6."
    )


# --- the company's proxy: its Origin ----------------------------------------------------------


class ProxyRefused(NoAnswer):
    """The status, then with a 407 what the proxy offers: ", offering Basic, NTLM"."""

    text = "no connection: the proxy {} answered {} to CONNECT{}"
    advice = (
        "Correct user name and password in MICROSOFT_PROXY_URL (only Basic is spoken), or "
        "let the proxy pass CONNECT to Microsoft's host."
    )


class ProxySilent(NoAnswer):
    text = "no connection: the proxy {} did not answer CONNECT in time"
    advice = "The proxy of MICROSOFT_PROXY_URL takes the connection and says nothing: see its log."


class ProxyBroken(NoAnswer):
    text = "no connection: the proxy {} closed the connection, or speaks no HTTP"
    advice = (
        "What MICROSOFT_PROXY_URL names is no HTTP proxy: correct host, port and scheme "
        "(http:// or https:// of the proxy itself)."
    )


# --- TLS --------------------------------------------------------------------------------------


class TlsFailed(NoAnswer):
    """`openssl` is OpenSSL's name for the failure, "" without one."""

    text = "TLS failed with {}: {}"
    openssl = ""


class TlsSilent(TlsFailed):
    text = "TLS failed with {}: the handshake was not done in time"
    advice = (
        "The other side takes the connection and does no TLS handshake: a firewall or a "
        "proxy that inspects TLS stands between."
    )


class CertificateRefused(TlsFailed):
    """`verify_code` is OpenSSL's; the text names the issuer of the refused certificate."""

    text = "TLS failed with {}: certificate not accepted, {}{}"
    advice = (
        "If a proxy of your company looks into TLS (the issuer says so), put its authority into"
        " MICROSOFT_CA_BUNDLE; a server that shows its own certificate alone must show the whole"
        " chain (fullchain.pem); for an expired or future certificate compare this machine's clock;"
        " for another name correct MICROSOFT_LOGIN_URL."
    )
    openssl = "CERTIFICATE_VERIFY_FAILED"

    def __init__(self, host: str, verify_code: int, issuer: str = "") -> None:
        why = _VERIFY_CODES.get(verify_code, f"OpenSSL's code {verify_code}")
        super().__init__(host, why, f"; it was issued by {issuer}" if issuer else "")
        self.verify_code = verify_code


def tls_failed(host: str, error: ssl.SSLError, issuer: str = "") -> TlsFailed:
    """The cause in OpenSSL's own terms."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return CertificateRefused(host, error.verify_code, issuer)
    reason = error.reason or ""
    known = reason if _OPENSSL_REASON.fullmatch(reason) else ""
    failed = TlsFailed(host, f"protocol not accepted {known}".rstrip())
    failed.openssl = known
    return failed


# --- the answer -------------------------------------------------------------------------------


class NoCompleteAnswer(NoAnswer):
    text = "no complete answer in time"


class BrokenOff(NoAnswer):
    text = "the connection broke off"


class NotHttp(NoAnswer):
    text = "not an answer ({})"


class Unusable(NoAnswer):
    """A response that is not accepted: its status, and why."""

    text = "HTTP {}{}"
    is_outage = False


class NotJson(Unusable):
    """Often the page of a proxy or firewall in between."""

    text = "HTTP {} with a body that is {}"
    advice = (
        "Something between answers in Microsoft's place: a proxy's or a firewall's page. Let"
        " HTTPS to MICROSOFT_LOGIN_URL pass untouched, or correct that address."
    )


class ServerError(Unusable):
    text = "HTTP {}"
    is_outage = True


class Throttled(NoAnswer):
    code = "microsoft_throttled"
    text = "HTTP 429"
    is_outage = False


def throttled(seconds: int) -> Throttled:
    """With the pause that was asked for, kept within bounds."""
    return Throttled(retry_after=min(max(seconds, _RETRY_AFTER[0]), _RETRY_AFTER[-1]))


def broken(error: Exception) -> NoAnswer:
    """The cause of an error while waiting for a response or reading it."""
    if isinstance(error, OSError | protocol.IncompleteRead):
        return BrokenOff()
    return NotHttp(type(error).__name__)
