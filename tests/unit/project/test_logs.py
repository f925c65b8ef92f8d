"""Log lines: one an event, structured, with nothing in them that lets anyone in."""

import json
import logging
import re
from typing import Any

import pytest

from accounts.logs import JsonFormatter, ScrubFilter, TextFormatter, scrub


def record(message: str, *args: object, **extra: Any) -> logging.LogRecord:
    logger = logging.getLogger("somewhere")
    return logger.makeRecord("somewhere", logging.INFO, "f.py", 1, message, args, None, extra=extra)


@pytest.mark.parametrize(
    "text",
    [
        "GET /accounts/microsoft/login/callback/?code=SEKRIT&state=x HTTP/1.1",
        "/accounts/microsoft/login/callback?x=SEKRIT",
        "code=SEKRIT",
        "{'id_token': 'SEKRIT'}",
        '{"client_secret": "SEKRIT"}',
        "grant&client_secret=SEKRIT&x=1",
        "state%3DSEKRIT",
        "Cookie: __Host-sessionid=SEKRIT; x=1",
        "redis://:SEKRIT@host:6379/0",
        "postgres://user:SEKRIT@host/name",
        "eyJhbGciOiJSUzI1NiJ9.SEKRIT.sig",
    ],
)
def test_secrets_do_not_pass(text: str) -> None:
    assert "SEKRIT" not in scrub(text)


@pytest.mark.parametrize(
    "text",
    ["status_code=503", "reason=state_expired", "the state: issued 700 s ago", "http://host:80/x"],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert scrub(text) == text


def test_json_lines_carry_the_fields() -> None:
    line = json.loads(JsonFormatter().format(record("sign-in %s", "refused", reference="AB12")))
    assert (line["message"], line["reference"]) == ("sign-in refused", "AB12")
    assert (line["level"], line["logger"]) == ("info", "somewhere")


def test_text_lines_carry_the_fields() -> None:
    line = TextFormatter().format(record("sign-in", detail="a b", reference="AB12", empty=""))
    assert line.endswith('INFO somewhere: sign-in detail="a b" reference=AB12')


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_nobody_forges_a_line(formatter: logging.Formatter) -> None:
    forged = record("x\nINFO forged", user_agent="y\r\nINFO forged")
    assert len(formatter.format(forged).splitlines()) == 1


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_fields_and_tracebacks_are_scrubbed_too(formatter: logging.Formatter) -> None:
    line = record("x", url="https://h/?code=SEKRIT")
    try:
        raise ValueError("client_secret=SEKRIT")
    except ValueError as error:
        line.exc_info = (ValueError, error, error.__traceback__)
    assert "SEKRIT" not in formatter.format(line)


def test_times_are_utc_to_the_millisecond() -> None:
    line = record("x")
    line.created, line.msecs = 0.0, 7.0
    assert json.loads(JsonFormatter().format(line))["time"] == "1970-01-01T00:00:00.007Z"


def test_a_json_line_hides_nothing() -> None:
    record = logging.makeLogRecord({"msg": "sign-in", "name": "x", "email": "a\u202eb\u200b"})
    assert "a[U+202E]b[U+200B]" in JsonFormatter().format(record)


@pytest.mark.parametrize(("text", "args"), [
    ("%s - %s", ("192.0.2.1", "/accounts/microsoft/login/callback/?code=c0de&state=st4te")),
    ("%(r)s", {"r": "GET /accounts/microsoft/login/callback/?code=c0de&state=st4te HTTP/1.1"}),
])  # fmt: skip
def test_another_sites_access_log_has_no_code(text: str, args: Any) -> None:
    """uvicorn's arguments are a tuple, gunicorn's a dictionary."""
    record = logging.LogRecord("access", logging.INFO, "", 0, text, None, None)
    record.args = args
    assert ScrubFilter().filter(record)
    assert "callback" in record.getMessage()
    assert not re.search("c0de|st4te", record.getMessage())
