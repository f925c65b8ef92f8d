"""The last guard before anything is printed: no secret leaves, whatever text it got into."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from accounts.operate.doctor.finding import Finding

_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")
_SHORTEST = 4  # shorter ones would blank out ordinary words
MASK = "***"


def scrub(text: str, also: Iterable[str] = ()) -> str:
    """The text without user info in URLs and without any secret that the settings know."""
    text = _USER_INFO.sub(f"{MASK}@", text)
    for secret in sorted({*_secrets(), *also}, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, MASK)
    return text


def scrubbed(finding: Finding) -> Finding:
    """The finding, each of its texts scrubbed."""
    texts = (finding.title, finding.detail, finding.fix)
    title, detail, fix = map(scrub, texts)
    return replace(finding, title=title, detail=detail, fix=fix)


def _secrets() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS
    yield from _passwords()
    yield str(getattr(settings, "MICROSOFT_CLIENT_SECRET", "") or "")


def _passwords() -> Iterator[str]:
    for database in settings.DATABASES.values():
        yield str(database.get("PASSWORD") or "")
    urls = str(getattr(settings, "REDIS_URL", "") or "").split(",")
    for part in [*urls, str(getattr(settings, "MICROSOFT_PROXY_URL", "") or "")]:
        raw = _password_in(part)
        yield raw
        yield unquote(raw)


def _password_in(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
