"""Log lines as JSON or text, one per event, without codes, states, tokens and passwords.

`configuration` is Django's LOGGING. Fields passed as `extra` become fields of the line. The
formatters scrub every record, whichever logger wrote it.
"""

from __future__ import annotations

import json
import logging
import re
import time
from typing import Any, Final

from typing_extensions import override

from .display.visible import visible

HIDDEN: Final = "[hidden]"

# Loggers of Django and of servers that log whole URLs, with code and state.
URL_LOGGERS: Final = (
    "django.server", "django.request", "gunicorn.access", "uvicorn.access", "hypercorn.access",
)  # fmt: skip

# Parameters of the sign-in in a query, a form or a header, with their value.
_SECRET_PARAMETER = re.compile(
    r"\b(code|state|token|nonce|id_token|access_token|refresh_token|client_secret|client_assertion"
    r"|code_verifier|password|sessionid|csrftoken|csrfmiddlewaretoken|session_state)"
    r"(=|%3[dD]|['\"]?: ?['\"])[^&\s'\";,]+"
)
_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]*)?")  # a JSON web token
_URL_LOGIN = re.compile(r"(\w+://)[^/\s:@'\"]*:[^/\s@'\"]+@")  # user:password@ of a URL
# The callback's query, whatever is in it.
_CALLBACK_QUERY = re.compile(r"(/accounts/microsoft/login/callback/?)\?[^\s'\"]*")

# Whatever the patterns above match contains one of these.
_MARKS: Final = ("=", "%3", "'", '"', "eyJ", "://", "?")

_STANDARD_FIELDS: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "request",  # Django's, an object
    "taskName",
    "server_time",
}


def scrub(text: str) -> str:
    """The text without codes, states, tokens and passwords."""
    if not any(mark in text for mark in _MARKS):  # most fields: ten times as fast
        return text
    text = _CALLBACK_QUERY.sub(rf"\1?{HIDDEN}", text)
    text = _SECRET_PARAMETER.sub(rf"\1\2{HIDDEN}", text)
    return _URL_LOGIN.sub(rf"\1{HIDDEN}@", _TOKEN.sub(HIDDEN, text))


class ScrubFilter(logging.Filter):
    """Scrubs the arguments of records, for loggers of another site with formatters of its own."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_scrubbed, record.args))
        elif isinstance(record.args, dict):  # updated in place: gunicorn's has a default of "-"
            record.args.update({name: _scrubbed(arg) for name, arg in record.args.items()})
        return True


def _scrubbed(value: object) -> object:
    return scrub(value) if isinstance(value, str) else value


class _Formatter(logging.Formatter):
    """Common to both formats: UTC, structured fields, scrubbed tracebacks."""

    converter = staticmethod(time.gmtime)
    default_msec_format = "%s.%03dZ"
    default_time_format = "%Y-%m-%dT%H:%M:%S"

    def facts(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record's structured fields."""
        return {
            name: value
            for name, value in vars(record).items()
            if name not in _STANDARD_FIELDS and value not in ("", None)
        }

    def trace(self, record: logging.LogRecord) -> str:
        """The traceback, if any; none for a client error (4xx)."""
        if not record.exc_info or getattr(record, "status_code", 500) < 500:
            return ""
        return scrub(self.formatException(record.exc_info))


class JsonFormatter(_Formatter):
    """One JSON object per line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
            "process": record.process,
            **{name: _json_value(value) for name, value in self.facts(record).items()},
        }
        trace = self.trace(record)
        return json.dumps(line | ({"traceback": trace} if trace else {}), ensure_ascii=False)


class TextFormatter(_Formatter):
    """One line of text; a traceback follows on further lines."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        facts = " ".join(f"{name}={_word(value)}" for name, value in self.facts(record).items())
        message = _one_line(scrub(record.getMessage()))
        line = f"{self.formatTime(record)} {record.levelname} {record.name}: {message} {facts}"
        trace = self.trace(record)
        return line.rstrip() + (f"\n{trace}" if trace else "")


def configuration(log_format: str) -> dict[str, Any]:
    """LOGGING: everything goes to standard error, gunicorn's logs included."""
    formatter = JsonFormatter if log_format == "json" else TextFormatter
    loggers = ("django", "django.server", "gunicorn.error", "gunicorn.access")
    # They log each step of getting a token, and at DEBUG the token itself.
    noisy = ("azure", "msal", "redis.auth")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": f"{__name__}.{formatter.__name__}"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        "loggers": {
            **{name: {"handlers": [], "level": "INFO", "propagate": True} for name in loggers},
            **{name: {"level": "WARNING"} for name in noisy},
        },
    }


def _json_value(value: object) -> object:
    if isinstance(value, (int, float, bool)):
        return value
    return visible(scrub(str(value)), keep="\n\t")


def _word(value: object) -> str:
    text = _one_line(scrub(str(value)))
    return json.dumps(text, ensure_ascii=False) if re.search(r"[\s\"=]", text) else text


def _one_line(text: str) -> str:
    """Escapes line breaks and control characters, so that no value can forge a line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
