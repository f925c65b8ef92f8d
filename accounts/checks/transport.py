"""Which connections to PostgreSQL and Redis leave this machine without TLS.

Source: PostgreSQL's manual, "Database Connection Control Functions" (sslmode: disable, allow and
prefer connect without TLS; hostaddr wins over host; a host that begins with / or @ is a socket).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from ..http.origins import is_loopback

_BY_TLS: Final = ("require", "verify-ca", "verify-full")


def databases_without_tls(
    databases: Iterable[Mapping[str, Any]], environ: Mapping[str, str]
) -> list[str]:
    """The other machines that entries of DATABASES reach without TLS."""
    servers = [entry for entry in databases if "postg" in entry.get("ENGINE", "")]
    return [host for entry in servers for host in _hosts_without_tls(entry, environ)]


def _hosts_without_tls(entry: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[str]:
    options = entry.get("OPTIONS", {})
    mode = options.get("sslmode") or environ.get("PGSSLMODE", "prefer")
    is_safe = mode in _BY_TLS or options.get("sslrootcert") == "system"  # which implies verify-full
    if is_safe or options.get("gssencmode") == "require":
        return
    named = options.get("hostaddr") or entry.get("HOST") or options.get("host")
    service = f"service {options['service']}" if "service" in options else ""
    for host in str(named or service or environ.get("PGHOST", "")).split(","):
        if not _is_socket(host) and not is_loopback(host):
            yield host


def _is_socket(host: str) -> bool:
    return not host or host.startswith(("/", "@"))


def redis_without_tls(locations: Iterable[str]) -> list[str]:
    """The other machines that these URLs reach without TLS; Redis' and Sentinels' alike."""
    urls = [url.strip() for location in locations for url in re.split(r",\s*(?=\w+[+:])", location)]
    return [host for host in map(_host_without_tls, urls) if host]


def _host_without_tls(url: str) -> str:
    parts = urlsplit(url)
    by_tls = parts.scheme.startswith("rediss")
    is_here = not parts.hostname or is_loopback(parts.hostname) or parts.scheme == "unix"
    return "" if by_tls or is_here else str(parts.hostname)
