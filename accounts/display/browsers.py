"""Browsers and places in words: "Chrome on Windows", "internal network"."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from django.utils.translation import gettext as _

_LONGEST: Final = 300  # what is longer is no browser's, and would keep the patterns busy
_NAMES: Final = {
    "Mac OS X": "macOS",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Edge Mobile": "Edge",
}


def browser_of(user_agent: str) -> str:
    """What it is in words; what is none that is known stands for itself, shortened."""
    name, system = _parsed(user_agent[:_LONGEST])
    if name and system:
        return _("%(browser)s on %(system)s") % {"browser": name, "system": system}
    return name or system or user_agent[:40]


def place_of(address: str | None) -> str:
    """What an address is known to be without asking anyone: this computer, an internal network."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return ""
    if found.is_loopback:
        return _("this server itself")
    return _("internal network") if found.is_private and not _is_example(str(found)) else ""


def address_and_place(address: str | None) -> str:
    """The address, and what it is known to be."""
    known = place_of(address)
    return f"{address} ({known})" if known else address or ""


@lru_cache(maxsize=1000)
def _parsed(user_agent: str) -> tuple[str, str]:
    if not user_agent:
        return "", ""
    # Imported here: 0.3 s and 4.5 MB once a process, for pages that show browsers only.
    from ua_parser import parse_os, parse_user_agent

    browser, system = parse_user_agent(user_agent), parse_os(user_agent)
    return _named(browser.family if browser else ""), _named(system.family if system else "")


def _named(family: str) -> str:
    return _NAMES.get(family, family)


def _is_example(address: str) -> bool:
    """Documentation addresses (RFC 5737) count as private in Python, and are nobody's network."""
    return address.startswith(("192.0.2.", "198.51.100.", "203.0.113."))
