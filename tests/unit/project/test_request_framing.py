"""Where a request ends, however it is cut into pieces."""

import pytest

from project.request_framing import MOST_BODY, MOST_HEAD, Framing, TooLarge

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    HEAD + b"Content-Length: 5\r\n\r\nhello",
    HEAD + b"content-length:5 \r\n\r\nhello",
    HEAD + b"Content-Length: 0\r\n\r\n",
    CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5;name=value\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n",
    CHUNKED.replace(b"chunked", b"gzip, Chunked") + b"0\r\n\r\n",
]


@pytest.mark.parametrize("request_", WHOLE)
@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_a_request_is_whole_with_its_last_byte_and_not_before(request_: bytes, size: int) -> None:
    framing = Framing()
    pieces = [request_[at : at + size] for at in range(0, len(request_), size)]
    assert [framing.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert bytes(framing.data) == request_


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        CHUNKED + b"no size\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"1" * 300,
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 1e9\r\n\r\n",
    ],
)
def test_what_is_wrong_is_for_the_parser_to_refuse(request_: bytes) -> None:
    assert Framing().feed(request_)


@pytest.mark.parametrize(
    ("request_", "is_body"),
    [
        (b"GET /" + b"x" * MOST_HEAD, False),
        (b"GET / HTTP/1.1\r\nCookie: " + b"x" * MOST_HEAD + b"\r\n\r\n", False),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (MOST_BODY + 1), True),
        (CHUNKED + b"%x\r\n" % (MOST_BODY + 1), True),
        (CHUNKED + b"1\r\nx\r\n" * 1_000_000, True),
    ],
)
def test_nothing_is_held_without_end(request_: bytes, *, is_body: bool) -> None:
    with pytest.raises(TooLarge) as caught:
        Framing().feed(request_)
    assert caught.value.is_body is is_body


def test_a_client_that_waits_to_be_asked_for_its_body_is() -> None:
    framing = Framing()
    framing.feed(HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert framing.expects_continue
