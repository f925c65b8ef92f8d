"""Finds the end of a request: just enough of HTTP/1.1 to tell when it is complete (RFC 9112).

Validating it is left to gunicorn's parser, which gets the bytes unchanged.
"""

from __future__ import annotations

import re
from typing import Final

MOST_HEAD: Final = 64 * 1024
MOST_BODY: Final = 5 * 1024 * 1024
_HEAD_END: Final = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*(\d{1,15})[ \t]*(?=\r\n)", re.I)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:[^\r]*chunked", re.I)
_CONTINUE = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue", re.I)
_SIZE = re.compile(rb"[0-9a-f]{1,8}", re.I)
_MAX_SIZE_LINE: Final = 256


class TooLarge(Exception):
    """The body or the headers exceed the limit."""

    def __init__(self, *, is_body: bool) -> None:
        super().__init__()
        self.is_body = is_body


class Framing:
    """One request as it arrives, in `data`, which may hold the start of the next one too."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.has_head = self.expects_continue = False
        self._is_chunked = False
        self._at = 0  # how much of `data` has been scanned
        self._end = 0  # where the request ends, once its length is known

    def feed(self, data: bytes) -> bool:
        """Whether the request is complete now. Raises TooLarge."""
        self.data += data
        if not self.has_head and not self._find_head():
            return False
        return self._chunks_end() if self._is_chunked else len(self.data) >= self._end

    def _find_head(self) -> bool:
        found = self.data.find(_HEAD_END, max(0, self._at - len(_HEAD_END)))
        if found < 0:
            self._at = len(self.data)
        if max(found, self._at) > MOST_HEAD:
            raise TooLarge(is_body=False)
        if found >= 0:
            self._read_head(found + len(_HEAD_END))
        return self.has_head

    def _read_head(self, end: int) -> None:
        head = bytes(self.data[:end])
        self.has_head, self._at = True, end
        self.expects_continue = _CONTINUE.search(head) is not None
        self._is_chunked = _CHUNKED.search(head) is not None
        length = _LENGTH.search(head)
        self._end = end + (int(length[1]) if length else 0)
        if self._end - end > MOST_BODY:
            raise TooLarge(is_body=True)

    def _chunks_end(self) -> bool:
        """Whether the last chunk is complete, or one is malformed, which the parser will refuse."""
        while True:
            if len(self.data) > MOST_BODY + MOST_HEAD:
                raise TooLarge(is_body=True)
            line = self.data.find(b"\r\n", self._at)
            if line < 0:
                return len(self.data) - self._at > _MAX_SIZE_LINE
            size = _SIZE.match(self.data, self._at)
            if size is None:
                return True
            length = int(size[0], 16)
            if length == 0:
                return self.data.find(_HEAD_END, line) >= 0
            if length > MOST_BODY:
                raise TooLarge(is_body=True)
            if line + length + 4 > len(self.data):
                return False
            self._at = line + length + 4
