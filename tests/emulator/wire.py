"""A request as it came, a response as it goes out: promptly, or as badly as a test wants."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

PHRASES = {status.value: status.phrase for status in HTTPStatus}
BLOCK = 64 * 1024
NO_STORE = {"Cache-Control": "no-store, no-cache", "Pragma": "no-cache"}
FOREVER = 3600.0


@dataclass(frozen=True, slots=True)
class Request:
    """`base` is the origin that the client called us by; `body` is text, as forms are."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str
    base: str
    connection: int = 0

    @property
    def fields(self) -> list[tuple[str, str]]:
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def form(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())


@dataclass(frozen=True, slots=True)
class How:
    """How an answer travels. `wire` replaces all of it, `cut` ends it after so many body bytes."""

    delay: float = 0.0
    drip: tuple[int, float] | None = None
    drip_head: bool = False
    cut: int | None = None
    close: bool = False
    hang: bool = False
    wire: bytes | None = None
    pad: int = 0


PROMPT = How()


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    how: How = PROMPT


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] = NO_STORE) -> Response:
    kind = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, json.dumps(value).encode(), {**kind, **headers})


def redirect_response(location: str, status: int = 302) -> Response:
    return Response(status, headers={"Location": location, **NO_STORE})


def head(response: Response, now: float, *, keep: bool) -> bytes:
    lines = {
        "Date": formatdate(now, usegmt=True),
        "Content-Length": str(len(response.body) + response.how.pad),
        "Connection": "keep-alive" if keep else "close",
        **response.headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    phrase = PHRASES.get(response.status, "Unknown")
    return f"HTTP/1.1 {response.status} {phrase}\r\n{text}\r\n".encode("latin-1", "replace")


class Broken(Exception):
    """The connection is to be closed now: told to, or the emulator is stopping."""


@dataclass(frozen=True, slots=True)
class Line:
    """One client's connection. `pause` returns True when the wait was broken off."""

    send: Callable[[bytes], object]
    pause: Callable[[float], bool]

    def deliver(self, response: Response, now: float, *, body: bool, keep: bool) -> None:
        how = response.how
        self._wait(FOREVER if how.hang else how.delay)
        if how.close:
            raise Broken
        if how.wire is not None:
            self._send(how.wire, how.drip)
            raise Broken
        first, rest = head(response, now, keep=keep), response.body if body else b""
        if how is PROMPT:
            self.send(first + rest)
            return
        self._send(first, how.drip if how.drip_head else None)
        self._send(rest[: how.cut], how.drip)
        self._pad(how.pad if body else 0)
        if how.cut is not None:
            raise Broken

    def _send(self, data: bytes, drip: tuple[int, float] | None) -> None:
        if drip is None:
            self.send(data)
            return
        size, seconds = drip
        for start in range(0, len(data), size):
            self.send(data[start : start + size])
            self._wait(seconds)

    def _pad(self, size: int) -> None:
        for start in range(0, size, BLOCK):
            self.send(b" " * min(BLOCK, size - start))

    def _wait(self, seconds: float) -> None:
        if seconds > 0 and self.pause(seconds):
            raise Broken
