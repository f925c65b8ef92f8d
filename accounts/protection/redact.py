"""Masks the secrets that the settings hold, in any text that is printed or stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote, urlsplit

from django.conf import settings

from ..conf import conf

_USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")
_MIN_LENGTH = 4
_WORD = re.compile(r"[a-z]{,5}")  # masking such a password would mask ordinary words
_NAMED = r"(?i:pass(word|wd)?|pwd|secret|auth)\W{1,4}"
MASK = "***"


def mask_secrets(text: str, also: Iterable[str] = ()) -> str:
    """The text without user info in URLs and without the secrets of the settings and `also`."""
    text = _USER_INFO.sub(f"{MASK}@", text)
    for secret in sorted({*_secrets(), *also}, key=len, reverse=True):
        if len(secret) >= _MIN_LENGTH:
            text = _without(secret, text)
    return text


def _without(secret: str, text: str) -> str:
    """A short word is masked only where it is named as a secret."""
    if not _WORD.fullmatch(secret):
        return text.replace(secret, MASK)
    return re.sub(rf"({_NAMED}){secret}\b", rf"\1{MASK}", text)


def root_cause(error: BaseException) -> str:
    """The root cause of an error for records and logs: its type and first line, scrubbed."""
    error = chain_of(error)[-1]
    line = (str(error).splitlines() or [""])[0]
    return mask_secrets(f"{type(error).__name__}: {line}"[:300])


def chain_of(error: BaseException) -> list[BaseException]:
    """The error and its causes, the root cause last.

    Not NoScriptError: redis-py loads the missing script and runs it again.
    """
    chain = [error]  # a re-raised error may be its own cause
    while (cause := _cause_of(chain[-1])) and cause not in chain:
        if type(cause).__name__ == "NoScriptError":
            break
        chain.append(cause)
    return chain


def _cause_of(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _secrets() -> Iterator[str]:
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS
    yield from _passwords()
    yield str(getattr(conf, "MICROSOFT_CLIENT_SECRET", "") or "")


def _passwords() -> Iterator[str]:
    for database in settings.DATABASES.values():
        yield str(database.get("PASSWORD") or "")
    urls = str(getattr(conf, "REDIS_URL", "") or "").split(",")
    for part in [*urls, str(getattr(conf, "MICROSOFT_PROXY_URL", "") or "")]:
        raw = _password_in(part)
        yield raw
        yield unquote(raw)


def _password_in(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:
        return ""
