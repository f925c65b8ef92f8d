"""A state explains itself: what it says, and what is diagnosed when it comes back wrong."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from django.core import signing
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.signin import state
from accounts.signin.reasons import Refused
from accounts.signin.state import Issued, Place, Returned

SECRET = "browser-secret"
HERE = Place(origin="https://admin.example", process="one/7", started=100.0)
BROWSER = state.fingerprint(SECRET)
ISSUED = Issued("id", 1000.0, BROWSER, HERE.origin, "one/7", "ABCD-EFGH", "/admin/")
BACK = Returned(at=1010.0, place=HERE, cookie_sent=True, session_found=True, browser_secret=SECRET)


def diagnosis(returned: Returned, issued: Issued = ISSUED) -> tuple[str, str]:
    refusal = state.diagnose(issued, returned)
    return (refusal.reason.code, refusal.detail) if refusal else ("", "")


def test_a_state_reads_back_as_it_was_issued() -> None:
    issued, text = state.issue(SECRET, HERE, "/admin/accounts/user/?q=1")
    assert replace(state.read(text), at=issued.at) == issued


def test_a_state_is_safe_in_a_url() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/\u00e9?a=b&c=d")
    assert all(c.isalnum() or c in "-_." for c in text)


def test_a_state_tells_nothing_of_the_browser_secret() -> None:
    issued, text = state.issue(SECRET, HERE, "/admin/")
    payload = signing.b64_decode(text.rpartition(".")[0].encode())
    assert SECRET.encode() not in payload
    assert state.nonce(SECRET, issued.id).encode() not in payload


def test_no_two_states_are_alike() -> None:
    assert len({state.issue(SECRET, HERE, "")[1] for _ in range(100)}) == 100


def test_a_next_that_is_too_long_is_left_out() -> None:
    issued, _ = state.issue(SECRET, HERE, "/admin/" + "x" * 600)
    assert issued.next == ""


def test_a_next_of_512_characters_is_kept() -> None:
    path = "/admin/".ljust(512, "x")
    assert state.issue(SECRET, HERE, path)[0].next == path


@pytest.mark.parametrize("text", ["", "x", "\u00e9", "a.b", ".", "x" * 3000, "." + "A" * 43])
def test_what_we_never_issued_is_not_ours(text: str) -> None:
    with pytest.raises(Refused) as refused:
        state.read(text)
    assert refused.value.reason.code == "state_not_ours"


@given(st.text())
def test_no_text_makes_reading_fail_otherwise(text: str) -> None:
    with pytest.raises(Refused):
        state.read(text)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x, max_size=8)))
def test_a_payload_of_another_shape_is_not_ours(payload: object) -> None:
    text = signing.Signer(sep=".", salt="accounts.signin.state").sign_object(payload)
    with pytest.raises(Refused) as refused:
        state.read(text)
    assert refused.value.reason.code == "state_not_ours"


def test_an_altered_state_is_not_ours_and_says_why() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    with pytest.raises(Refused) as refused:
        state.read(text[:-1] + ("A" if text[-1] != "A" else "B"))
    assert "another SECRET_KEY" in refused.value.detail


def test_a_state_of_another_secret_key_says_so() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    with override_settings(SECRET_KEY="another" * 10), pytest.raises(Refused) as refused:
        state.read(text)
    assert "another SECRET_KEY" in refused.value.detail


def test_a_state_survives_the_rotation_of_secret_key() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    from django.conf import settings

    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another" * 10, SECRET_KEY_FALLBACKS=[old]):
        assert state.read(text).origin == HERE.origin


def test_a_good_return_is_no_problem() -> None:
    assert state.diagnose(ISSUED, BACK) is None


@pytest.mark.parametrize(("age", "code"), [
    (-61, "state_expired"), (-60, ""), (0, ""), (600, ""), (600.1, "state_expired"),
])  # fmt: skip
def test_a_state_lives_ten_minutes_give_or_take_no_clock(age: float, code: str) -> None:
    assert diagnosis(replace(BACK, at=1000 + age))[0] == code


def test_an_old_state_tells_its_age() -> None:
    assert diagnosis(replace(BACK, at=1700))[1] == "state: 700 s old, 600 s allowed"


def test_a_state_from_the_future_tells_of_clocks() -> None:
    assert "clocks" in diagnosis(replace(BACK, at=900))[1]


def test_no_cookie() -> None:
    code, detail = diagnosis(replace(BACK, cookie_sent=False, session_found=False))
    assert (code, "blocked" in detail) == ("cookie_not_sent", True)


def test_no_cookie_since_the_origin_changed() -> None:
    back = replace(BACK, cookie_sent=False, place=replace(HERE, origin="https://www.example"))
    assert diagnosis(back)[1] == (
        "cookie: origin changed from https://admin.example to https://www.example"
    )


def test_no_cookie_since_it_is_secure_and_this_is_http() -> None:
    place = replace(HERE, origin="http://admin.example")
    issued = replace(ISSUED, origin=place.origin)
    assert "Secure" in diagnosis(replace(BACK, cookie_sent=False, place=place), issued)[1]


@pytest.mark.parametrize(("process", "started", "words"), [
    ("one/7", 100.0, "gone from the store"),
    ("one/8", 100.0, "not shared between workers"),
    ("two/7", 100.0, "not shared between instances"),
    ("one/8", 1005.0, "since this process started"),
])  # fmt: skip
def test_a_session_that_is_not_found_says_why(process: str, started: float, words: str) -> None:
    place = replace(HERE, process=process, started=started)
    code, detail = diagnosis(replace(BACK, session_found=False, place=place))
    assert (code, words in detail) == ("session_not_found", True)


@pytest.mark.parametrize("secret", ["", "another"])
def test_another_session(secret: str) -> None:
    assert diagnosis(replace(BACK, browser_secret=secret))[0] == "session_changed"


def test_the_verifier_fits_rfc_7636() -> None:
    verifier = state.code_verifier(SECRET, "id")
    assert len(verifier) == 43
    digest = hashlib.sha256(verifier.encode()).digest()
    assert state.code_challenge(verifier) == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_nonce_and_verifier_differ_by_purpose_state_and_browser() -> None:
    made = {
        f(secret, id)
        for f in (state.nonce, state.code_verifier)
        for secret in ("a", "b")
        for id in ("1", "2")
    }
    assert len(made) == 8


def test_used_keys_do_not_tell_the_state() -> None:
    assert "id-of-a-state" not in state.used_key("id-of-a-state")
    assert state.used_key("a") != state.used_key("b")


def test_a_reference_is_easy_to_read_aloud() -> None:
    reference = state.new_reference()
    assert len(reference) == 9
    assert reference[4] == "-"
    assert not set(reference) & set("AEIOU01")
