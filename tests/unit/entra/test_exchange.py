"""The code for an id_token: one POST, the secret in its body and nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest

from accounts.entra.credentials import Secret
from accounts.entra.exchange import Client, exchange_code
from accounts.http.client import HttpClient
from accounts.http.deadline import Deadline
from tests.support.tiny_server import Exchange, TinyServer, fails

REQUEST_ID = "55555555-5555-4555-8555-555555555555"
SECRET = "a-client-secret-never-to-be-seen"


def redeem(url: str, *secrets: str) -> str:
    return exchange_code(
        Client(HttpClient(), url, "client", [*map(Secret, secrets or (SECRET,))]),
        code="the-code",
        redirect_uri="https://site.example/back/",
        verifier="the-verifier",
        deadline=Deadline(5),
        request_id=REQUEST_ID,
    )


def test_the_code_is_swapped_in_one_form_post() -> None:
    with TinyServer(lambda x: x.json({"id_token": "signed"})) as server:
        assert redeem(server.url + "/token") == "signed"
        (request,) = server.requests
    assert (request.command, request.path) == ("POST", "/token")
    assert SECRET not in request.headers
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["authorization_code"],
        "client_id": ["client"],
        "client_secret": [SECRET],
        "code": ["the-code"],
        "redirect_uri": ["https://site.example/back/"],
        "code_verifier": ["the-verifier"],
        "scope": ["openid profile email"],
    }


@pytest.mark.parametrize("number", [7000215, 7000222])
def test_a_second_secret_takes_over_from_a_wrong_or_expired_one(number: int) -> None:
    def answer(exchange: Exchange) -> None:
        good = b"client_secret=new" in exchange.body
        bad = {"error": "invalid_client", "error_codes": [number]}
        exchange.json({"id_token": "signed"} if good else bad, 200 if good else 401)

    with TinyServer(answer) as server:
        assert redeem(server.url, "old", "new") == "signed"


def test_a_second_secret_is_not_tried_for_any_other_reason() -> None:
    with TinyServer(lambda x: x.json({"error_codes": [54005]}, 400)) as server:
        refused = fails(lambda: redeem(server.url, "old", "new"))
        assert len(server.requests) == 1
    assert (refused.reason.code, refused.aadsts) == ("state_already_used", 54005)


def test_no_secret_at_all_is_not_configured() -> None:
    def call() -> str:
        client = Client(HttpClient(), "https://x.example/", "c", ())
        return exchange_code(
            client, code="c", redirect_uri="r", verifier="v", deadline=Deadline(5), request_id="x"
        )

    assert fails(call).reason.code == "not_configured"


@pytest.mark.parametrize("body", [{}, {"id_token": None}, {"id_token": 7}, {"id_token": ""}])
def test_an_answer_without_an_id_token_is_invalid(body: dict[str, object]) -> None:
    with TinyServer(lambda x: x.json(body)) as server:
        refused = fails(lambda: redeem(server.url))
    assert (refused.reason.code, refused.detail) == ("token_invalid", "id_token: missing")


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_no_refusal_carries_what_was_sent(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    echo = {"error": SECRET, "error_description": f"AADSTS1234567: {SECRET} the-code"}
    with TinyServer(lambda x: x.json(echo, status)) as server:
        refused = fails(lambda: redeem(server.url))
    said = f"{refused!r} {refused} {refused.detail} {caplog.text} {refused.__cause__}"
    assert SECRET not in said
    assert "the-code" not in said


# --- whatever status it comes with ----------------------------------------------------------------

WRONG = {"error": "invalid_client", "error_codes": [7000222]}
TRACED = {
    "error": "temporarily_unavailable",
    "error_codes": [90033],
    "trace_id": "66666666-6666-4666-8666-666666666666",
    "correlation_id": REQUEST_ID,
    "timestamp": "2026-11-25 21:00:00Z",
}


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500, 503])
@pytest.mark.parametrize("number", [7000215, 7000222])
def test_an_expired_secret_is_one_with_whatever_status(status: int, number: int) -> None:
    def answer(exchange: Exchange) -> None:
        good = b"client_secret=new" in exchange.body
        bad = WRONG | {"error_codes": [number]}
        exchange.json({"id_token": "signed"} if good else bad, 200 if good else status)

    with TinyServer(answer) as server:
        assert redeem(server.url, "old", "new") == "signed"
        refused = fails(lambda: redeem(server.url, "old"))
    assert refused.reason.code in ("client_secret_wrong", "client_secret_expired")
    assert refused.aadsts == number


def test_an_expired_secret_never_opens_the_circuit() -> None:
    with TinyServer(lambda x: x.json(WRONG, 503)) as server:
        client = Client(HttpClient(), server.url, "client", [Secret("old")])
        reasons = {
            fails(
                lambda: exchange_code(
                    client,
                    code="c",
                    redirect_uri="r",
                    verifier="v",
                    deadline=Deadline(5),
                    request_id=REQUEST_ID,
                )
            ).reason.code
            for _ in range(8)
        }
    assert reasons == {"client_secret_expired"}


def test_every_request_carries_its_id() -> None:
    with TinyServer(lambda x: x.json({"id_token": "signed"})) as server:
        redeem(server.url)
        (request,) = server.requests
    assert f"client-request-id: {REQUEST_ID}" in request.headers


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_microsofts_support_asks_for_is_kept_of_an_outage(status: int) -> None:
    with TinyServer(lambda x: x.json(TRACED, status)) as server:
        refused = fails(lambda: redeem(server.url))
    assert refused.reason.code in ("microsoft_unreachable", "microsoft_throttled")
    for value in (TRACED["trace_id"], REQUEST_ID, TRACED["timestamp"], "AADSTS90033"):
        assert str(value) in refused.detail


def test_an_id_of_microsofts_that_is_none_is_not_kept() -> None:
    odd = TRACED | {"trace_id": "<script>", "correlation_id": "x" * 36, "timestamp": "now"}
    with TinyServer(lambda x: x.json(odd, 503)) as server:
        detail = fails(lambda: redeem(server.url)).detail
    assert detail == "HTTP 503 AADSTS90033 error=temporarily_unavailable"


@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        ("<html>Service unavailable</html>", {"Content_Type": "text/html"}, "HTTP 403 with a body"),
        ("", {}, "HTTP 403 with a body that is empty"),
        ("{}", {"Content_Encoding": "gzip"}, "HTTP 403 in an encoding"),
    ],
)
def test_a_page_in_the_place_of_an_answer_is_told_as_such(
    body: str, headers: dict[str, str], said: str
) -> None:
    with TinyServer(lambda x: x.text(body, 403, **headers)) as server:
        assert fails(lambda: redeem(server.url)).detail.startswith(said)


@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_json_is_json_with_a_mark_or_another_type(start: str) -> None:
    text = start + '{"id_token": "signed"}'
    with TinyServer(lambda x: x.text(text, 200, Content_Type="text/html")) as server:
        assert redeem(server.url) == "signed"


def test_a_date_says_when_to_come_back() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with TinyServer(lambda x: x.json({}, 429, Retry_After=later)) as server:
        assert 85 <= (fails(lambda: redeem(server.url)).retry_after or 0) <= 91
