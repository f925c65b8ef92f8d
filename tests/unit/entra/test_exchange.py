"""The code for an id_token: one POST, the secret in its body and nowhere else."""

from __future__ import annotations

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
