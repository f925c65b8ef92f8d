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


NO_STATE = "state: missing, too long, or not ASCII"
NEVER_OURS = "state: never issued by this site"
ALTERED = "state: our form, but signed with another SECRET_KEY, or altered"
OTHER_VERSION = "state: signed by us, but of another version"


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        state.read(text)
    return caught.value.reason.code, caught.value.detail


@pytest.mark.parametrize(("text", "detail"), [
    ("", NO_STATE), ("\u00e9", NO_STATE), ("x" * 2049, NO_STATE), ("x" * 2048, NEVER_OURS),
    ("x", NEVER_OURS), ("a.b", NEVER_OURS), (".", NEVER_OURS), ("." + "A" * 43, NEVER_OURS),
    (signing.Signer(sep=".", salt="accounts.signin.state").sign("no JSON"), "state: unreadable"),
])  # fmt: skip
def test_what_we_never_issued_is_not_ours(text: str, detail: str) -> None:
    assert refused(text) == ("state_not_ours", detail)


@given(st.text())
def test_no_text_makes_reading_fail_otherwise(text: str) -> None:
    with pytest.raises(Refused):
        state.read(text)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x, max_size=8)))
def test_a_payload_of_another_shape_is_not_ours(payload: object) -> None:
    text = signing.Signer(sep=".", salt="accounts.signin.state").sign_object(payload)
    assert refused(text) == ("state_not_ours", OTHER_VERSION)


def test_an_altered_state_is_not_ours_and_says_why() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    assert refused(text[:-1] + ("A" if text[-1] != "A" else "B")) == ("state_not_ours", ALTERED)
    assert refused(f"{text}.x") == ("state_not_ours", NEVER_OURS)


def test_a_state_of_another_secret_key_says_so() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    with override_settings(SECRET_KEY="another" * 10):
        assert refused(text) == ("state_not_ours", ALTERED)


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


@pytest.mark.parametrize(("at", "detail"), [
    (1700, "state: 700 s old, 600 s allowed"),
    (900, "state: issued 100 s in the future; clocks of the instances differ"),
])  # fmt: skip
def test_a_state_out_of_its_time_tells_its_age(at: float, detail: str) -> None:
    assert diagnosis(replace(BACK, at=at))[1] == detail


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


GONE = "session: gone from the store (evicted, flushed), or of another app on this host"
RESTARTED = "session: gone since this process started (store in memory, or restarted)"


@pytest.mark.parametrize(("process", "started", "detail"), [
    ("one/7", 100.0, GONE),
    ("one/8", 100.0, "session: not shared between workers (one/7, one/8)"),
    ("one/8", 1000.0, "session: not shared between workers (one/7, one/8)"),
    ("two/7", 100.0, "session: not shared between instances (one/7, two/7)"),
    ("one/8", 1005.0, RESTARTED),
])  # fmt: skip
def test_a_session_that_is_not_found_says_why(process: str, started: float, detail: str) -> None:
    place = replace(HERE, process=process, started=started)
    met = diagnosis(replace(BACK, session_found=False, place=place))
    assert met == ("session_not_found", detail)


@pytest.mark.parametrize("secret", ["", "another"])
def test_another_session(secret: str) -> None:
    met = diagnosis(replace(BACK, browser_secret=secret))
    assert met == ("session_changed", "session: not the one that started this sign-in")


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


def test_what_two_releases_must_derive_alike() -> None:
    """A sign-in may start at one release and end at the next: none of these may ever change."""
    assert state.nonce("browser-secret", "id") == "bC99ZreYNASpWXoUbAumHFYAbQBxLSrcKTysZhbYQq4"
    assert (
        state.code_verifier("browser-secret", "id") == "nwoGZHCVt2hqqqixvzMaYvr_tjO3sHX3v8eNUnc4cIY"
    )
    assert state.used_key("id") == "state-used:a56145270ce6b3bebd1dd012b7394867"
    with override_settings(SECRET_KEY="k" * 50):
        assert state.read(
            "WyJpZCIsMTAwMC4yLCJkOWVjMzM3N2IyNjhiY2FmIiwiaHR0cHM6Ly9hZG1p"
            "bi5leGFtcGxlIiwib25lLzciLCJBQkNELUVGR0giLCIvYWRtaW4vIl0.SgWHu0F1tkx4wtUFbz26maxK"
            "BgOFNg0gJo3_GWPcnU0"
        ) == replace(ISSUED, at=1000.2)


def test_secrets_and_ids_are_long_enough_to_be_secret() -> None:
    """256 and 128 bits, six to a character."""
    assert len(state.new_browser_secret()) == 43
    assert len(state.issue(SECRET, HERE, "")[0].id) == 22


def test_the_time_of_issue_is_kept_to_a_tenth_of_a_second() -> None:
    issued, text = state.issue(SECRET, HERE, "")
    assert state.read(text).at == round(issued.at, 1)


def test_used_keys_do_not_tell_the_state() -> None:
    assert "id-of-a-state" not in state.used_key("id-of-a-state")
    assert state.used_key("a") != state.used_key("b")


def test_a_reference_is_easy_to_read_aloud() -> None:
    reference = state.new_reference()
    assert len(reference) == 9
    assert reference[4] == "-"
    assert not set(reference) & set("AEIOU01")
