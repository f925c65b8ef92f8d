"""What an answer from the public address that is not the right one means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings

from accounts.operate.doctor.finding import Finding, error, refused
from accounts.reasons import REASONS, Refused

if TYPE_CHECKING:
    from accounts.operate.doctor.browser import NoAnswer, Reply

REACHABLE: Final = "public.reachable"
PROXY: Final = "public.proxy"
EASY_AUTH: Final = "public.easy_auth"
_FAILED: Final = ("the browser's own error page",)
_PROXY_FIX: Final = (
    "Let the proxy pass on Host and X-Forwarded-Proto (nginx: proxy_set_header Host $http_host;"
    " proxy_set_header X-Forwarded-Proto $scheme;) and set TRUSTED_PROXY_COUNT to the number of"
    " proxies in front (Azure App Service: 1)."
)
_NO_ANSWER: Final = {
    "dns": ("is a name that is not known", "Make the DNS entry, or mend PUBLIC_URL."),
    "refused": ("refuses connections", "Start the site or the proxy; open the port."),
    "time": ("does not answer in time", "Look at the proxy's log, its upstream and the firewall."),
    "broken": ("breaks the connection off", "Look at the proxy's log; https or http mixed up?"),
}
_CERTIFICATE: Final = (
    ("expired", "The certificate has expired: renew it."),
    ("hostname mismatch", "The certificate is for another name: get one for this host."),
    ("ip address mismatch", "The certificate is for another name: get one for this host."),
    ("self-signed", "Install a certificate of a public authority; for a test: --ca-file FILE."),
    ("local issuer", "Serve the whole chain (fullchain.pem); for a test: --ca-file FILE."),
    ("wrong_version_number", "That port speaks plain http: serve TLS there, or mend the URL."),
    ("record layer failure", "That port speaks plain http: serve TLS there, or mend the URL."),
)


def no_answer(problem: NoAnswer) -> Finding:
    """Nothing came back: name, port, firewall, certificate."""
    if problem.kind == "tls":
        return _tls(problem)
    title, fix = _NO_ANSWER[problem.kind]
    return error(REACHABLE, f"{problem.url} {title}", str(problem)[:300], shows_as=_FAILED, fix=fix)


def _tls(problem: NoAnswer) -> Finding:
    text = str(problem).lower()
    fix = next((fix for sign, fix in _CERTIFICATE if sign in text), "Mend TLS at the proxy.")
    title = f"The certificate of {problem.url} is not trusted"
    if "certificate" not in text:
        title = f"TLS with {problem.url} fails"
    detail = str(problem)[:300]
    return error("public.certificate", title, detail, shows_as=_FAILED, fix=fix)


def redirect_loop(reply: Reply) -> Finding:
    """The proxy ends TLS and does not say so; the site sends the browser to https for ever."""
    return error(
        PROXY,
        "The login page redirects to itself without end",
        f"{reply.url} leads to {reply.location}: the site does not see that people come by"
        f" {settings.PUBLIC_URL}.",
        shows_as=("the browser's own error about too many redirects",),
        fix=_PROXY_FIX,
    )


def hidden_origin(detail: str) -> Finding:
    """The site says itself that a proxy hides host or scheme from it."""
    return error(
        PROXY,
        "A proxy hides from the site on which host or by which scheme people come",
        detail,
        shows_as=("misconfigured", "cookie_not_sent"),
        fix=_PROXY_FIX,
    )


def easy_auth(reply: Reply) -> Finding:
    """Somebody else's sign-in stands in front."""
    return easy_auth_at(reply.location.partition("?")[0])


def easy_auth_at(where: str) -> Finding:
    """The same, where only the address is known that it leads to."""
    return error(
        EASY_AUTH,
        "Another sign-in stands in front of the site",
        f"People are led to {where} before the site is asked.",
        shows_as=("two sign-ins in a row", "cookie_not_sent"),
        fix="App Service > Authentication > turn it off (Easy Auth); elsewhere the proxy's own"
        " authentication.",
    )


def wrong_page(reply: Reply, what: str) -> Finding:
    """Neither what was asked for, nor a redirect: the status tells."""
    if reply.reason == "misconfigured":
        return hidden_origin(f"{what} says so itself (misconfigured).")
    if reply.reason in REASONS:
        return refused(f"public.{reply.reason}", f"{what} is refused", Refused(reply.reason))
    title, fix = _by_status(reply.status)
    detail = f"{reply.url} answers {reply.status}."
    return error(
        "public.page", f"{what}: {title}", detail, shows_as=(f"a {reply.status} page",), fix=fix
    )


def _by_status(status: int) -> tuple[str, str]:
    if status == 400:
        return "the host name is refused", (
            "Set PUBLIC_URL to this address, or let the proxy pass on Host"
            " (nginx: proxy_set_header Host $http_host;)."
        )
    if status == 403:
        return "access is forbidden before the site is asked", "Look at the proxy's or WAF's rules."
    if status == 404:
        return "there is no such page", "Let the proxy send every path to the site, unchanged."
    if status == 429:
        return "the proxy limits requests", "Raise its limit for this path."
    if status >= 500:
        return "the site behind the proxy does not answer", (
            "Start the site; compare the proxy's upstream with the site's port; read both logs."
        )
    return "that is not this site's page", "Mend PUBLIC_URL, or the proxy's upstream."
