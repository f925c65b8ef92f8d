"""The emulator gets wrong exactly what a test tells it to, for as long as it was told."""

import time
from http.client import HTTPException
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.emulator.controls import Down
from tests.emulator.ids import CLIENT_ID, TENANT
from tests.emulator.person import sign_in_as
from tests.emulator.remote import RemoteEmulator
from tests.emulator.server import Emulator
from tests.emulator.site import (
    authorize_url,
    claims_of,
    discovery,
    document_url,
    get,
    get_json,
    sign_in,
    verified,
)
from tests.servers.ports import answers


def test_tampering_lasts_as_long_as_told(entra: Emulator) -> None:
    entra.tamper(claims={"aud": "another"}, drop=["oid"], header={"typ": "x"}, times=1)
    bent = sign_in(entra)
    assert (claims_of(bent)["aud"], "oid" in claims_of(bent)) == ("another", False)
    assert claims_of(sign_in(entra))["aud"] == CLIENT_ID


@pytest.mark.parametrize(
    ("signing", "alg"),
    [("none", "none"), ("hs256_with_public_key", "HS256"), ("bad", "RS256"), ("jku", "RS256")],
)
def test_forged_signatures_do_not_verify(entra: Emulator, signing: str, alg: str) -> None:
    forged = entra.id_token(signing=signing)
    assert jwt.get_unverified_header(forged)["alg"] == alg
    with pytest.raises(jwt.PyJWTError):
        verified(entra, forged)


def test_an_endpoint_answers_anything_in_turn(entra: Emulator) -> None:
    url = document_url(entra)
    entra.answer_discovery(merge={"issuer": "x"}, omit=["jwks_uri"], times=1)
    entra.answer_discovery(status=429, headers={"Retry-After": "7"}, times=1)
    first, second, third = (get_json(url) for _ in range(3))
    assert (first[1]["issuer"], "jwks_uri" in first[1]) == ("x", False)
    assert (second[0], third[0], third[1]["issuer"]) == (429, 200, f"{entra.url}/{TENANT}/v2.0")


def test_the_redirect_carries_what_it_is_told(entra: Emulator) -> None:
    entra.redirect_with(iss="right", repeat=["code"], drop=["session_state"], times=1)
    back = parse_qs(urlsplit(sign_in_as(authorize_url(entra), quick=True)).query)
    assert back["iss"] == [f"{entra.url}/{TENANT}/v2.0"]
    assert (len(back["code"]), "session_state" in back) == (2, False)


def test_keys_rotate_with_or_without_the_old_one(entra: Emulator) -> None:
    old = entra.id_token()
    entra.rotate_keys()
    verified(entra, old)
    entra.rotate_keys(keep_old=False)
    with pytest.raises(jwt.PyJWKClientError):
        verified(entra, old)
    verified(entra, entra.id_token())


def test_a_slow_answer_comes_late_and_a_dripping_one_in_pieces(entra: Emulator) -> None:
    entra.answer_jwks(delay=0.1, drip=(200, 0.01), times=1)
    started = time.monotonic()
    assert get_json(discovery(entra)["jwks_uri"])[1]["keys"]
    assert time.monotonic() - started > 0.12


def test_down_it_refuses_connections(entra: Emulator) -> None:
    entra.down()
    assert not answers(entra.port)
    entra.up()
    assert get(f"{entra.url}/")[0] == 200


@pytest.mark.parametrize("how", ["hang", "drop"])
def test_down_it_may_also_keep_silent(entra: Emulator, how: Down) -> None:
    entra.down(how, seconds=0.3)
    with pytest.raises(TimeoutError):
        get(f"{entra.url}/", timeout=0.1)
    time.sleep(0.3)
    assert get(f"{entra.url}/")[0] == 200


@pytest.mark.parametrize(
    "fault",
    [{"close": True}, {"cut": 10}, {"wire": b"nonsense"}, {"raw": "<html>"}, {"pad": 10, "cut": 0}],
)
def test_answers_break_off_or_make_no_sense(entra: Emulator, fault: dict[str, object]) -> None:
    entra.answer_discovery(**fault, times=1)
    with pytest.raises((HTTPException, ValueError)):
        get_json(document_url(entra))


def test_another_process_controls_it_the_same_way(entra: Emulator) -> None:
    remote = RemoteEmulator(entra.url)
    remote.tamper(claims={"email": "x"}, times=1)
    remote.answer_jwks(raw=b"\xff", times=1)
    assert claims_of(remote.id_token())["email"] == "staff@contoso.example"
    assert claims_of(sign_in(entra))["email"] == "x"
    assert remote.counts["token"] == 1
    assert remote.requests[-1].endpoint == "token"
