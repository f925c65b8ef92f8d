"""A state explains itself: what it says, and what is diagnosed when it comes back wrong."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.core import signing
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.reasons import Refused
from accounts.signin import state
from accounts.signin.state import Issued, Returned, ServedBy

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "browser-secret"
HERE = ServedBy(origin="https://admin.example", process="one/7", started=100.0)
BROWSER = state.fingerprint(SECRET)
ISSUED = Issued("id", 1000.0, BROWSER, HERE.origin, "one/7", "ABCD-EFGH", "/admin/")
BACK = Returned(
    at=1010.0, served_by=HERE, cookie_sent=True, session_found=True, browser_secrets=(SECRET,)
)


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
    issued, _ = state.issue(SECRET, HERE, "/admin/".ljust(513, "x"))
    assert issued.next == ""


def test_a_next_of_512_characters_is_kept_even_where_json_doubles_them() -> None:
    path = "/admin/".ljust(512, '"')
    _, text = state.issue(SECRET, HERE, path)
    assert state.read(text).next == path


def test_a_state_tells_tenths_of_a_second() -> None:
    assert state.read(state._sign(replace(ISSUED, at=1000.16))).at == 1000.2


def test_a_browser_secret_has_256_bits_and_the_id_of_a_state_128() -> None:
    issued, _ = state.issue(SECRET, HERE, "")
    assert len(signing.b64_decode(state.new_browser_secret().encode())) * 8 == 256
    assert len(signing.b64_decode(issued.id.encode())) * 8 == 128


# --- a release that rolls out: old and new processes serve the same sign-ins ---------------------


@override_settings(SECRET_KEY="the-key-of-both-releases", SECRET_KEY_FALLBACKS=[])
def test_old_and_new_processes_read_each_others_states() -> None:
    text = (
        "WyJpZCIsMTAwMC4wLCJkOWVjMzM3N2IyNjhiY2FmIiwiaHR0cHM6Ly9hZG1pbi5leGFtcGxlIiwib25l"
        "LzciLCJBQkNELUVGR0giLCIvYWRtaW4vIl0"
        ".ozLsj_0jWx_XSi6oJApW6cOz4SuAE7fvPeGix6gvTjo"
    )
    assert state._sign(ISSUED) == text
    assert state.read(text) == ISSUED


def test_old_and_new_processes_derive_the_same_from_a_browser_secret_and_a_state() -> None:
    assert state.nonce(SECRET, "id") == "bC99ZreYNASpWXoUbAumHFYAbQBxLSrcKTysZhbYQq4"
    assert state.code_verifier(SECRET, "id") == "nwoGZHCVt2hqqqixvzMaYvr_tjO3sHX3v8eNUnc4cIY"
    assert state.used_key("id") == "state-used:a56145270ce6b3bebd1dd012b7394867"


# --- what is not ours ----------------------------------------------------------------------------

MALFORMED = "state: missing, too long, or not ASCII"
NEVER_ISSUED = "state: never issued by this site"
ALTERED = "state: our form, but signed with another SECRET_KEY, or altered"
UNREADABLE = "state: unreadable"
ANOTHER_VERSION = "state: signed by us, but of another version"


def not_ours(text: str) -> str:
    """The detail with which the text is refused."""
    with pytest.raises(Refused) as refused:
        state.read(text)
    assert refused.value.reason.code == "state_not_ours"
    return refused.value.detail


def signer() -> signing.Signer:
    return signing.Signer(sep=".", salt="accounts.signin.state")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", MALFORMED),
        ("\u00e9", MALFORMED),
        ("x" * 2049, MALFORMED),
        ("x" * 2048, NEVER_ISSUED),
        ("x", NEVER_ISSUED),
        ("a.b", NEVER_ISSUED),
        (".", NEVER_ISSUED),
        ("." + "A" * 43, NEVER_ISSUED),
    ],
)
def test_what_we_never_issued_is_not_ours(text: str, detail: str) -> None:
    assert not_ours(text) == detail


@given(st.text())
def test_no_text_makes_reading_fail_otherwise(text: str) -> None:
    assert not_ours(text)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x, max_size=8)))
def test_a_payload_of_another_shape_is_not_ours(payload: object) -> None:
    assert not_ours(signer().sign_object(payload))


@pytest.mark.parametrize("payload", [None, "id", {"id": "id"}, ["id", 1000.0], [1000.0] * 7])
def test_what_we_signed_in_another_shape_is_of_another_version(payload: object) -> None:
    assert not_ours(signer().sign_object(payload)) == ANOTHER_VERSION


def test_what_we_signed_without_a_payload_is_unreadable() -> None:
    assert not_ours(signer().sign("no payload")) == UNREADABLE


@pytest.mark.parametrize(
    "alter",
    [
        lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"),
        lambda text: text.partition(".")[0],
        lambda text: text + ".",
    ],
    ids=["its last letter", "no signature", "a full stop after it"],
)
def test_an_altered_state_is_not_ours_and_says_why(alter: Callable[[str], str]) -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    assert not_ours(alter(text)) == ALTERED


def test_a_state_of_another_secret_key_says_so() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    with override_settings(SECRET_KEY="another" * 10):
        assert not_ours(text) == ALTERED


def test_a_state_survives_the_rotation_of_secret_key() -> None:
    _, text = state.issue(SECRET, HERE, "/admin/")
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="another" * 10, SECRET_KEY_FALLBACKS=[old]):
        assert state.read(text).origin == HERE.origin


# --- what came back wrong ------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    sentence: str
    code: str
    detail: str
    returned: Returned
    issued: Issued = ISSUED


def aged(seconds: float) -> Returned:
    return replace(BACK, at=ISSUED.at + seconds)


def no_cookie(origin: str) -> Returned:
    served_by = replace(HERE, origin=origin)
    return replace(BACK, cookie_sent=False, session_found=False, served_by=served_by)


def no_session(process: str, started: float = 100.0) -> Returned:
    served_by = replace(HERE, process=process, started=started)
    return replace(BACK, session_found=False, served_by=served_by)


def session(secret: str) -> Returned:
    return replace(BACK, browser_secrets=(secret,))


TABLE = [
    # --- its age
    Row("too old", "state_expired", "state: 601 s old, 600 s allowed", aged(601)),
    Row("of no age", "state_expired", "state: nan s old, 600 s allowed", aged(float("nan"))),
    Row("from the future", "state_expired",
        "state: issued 61 s in the future; clocks of the instances differ", aged(-61)),
    # --- no cookie
    Row("two cookies", "session_not_found",
        "cookie: sent twice: another app on this host or domain sets one of the same name",
        replace(BACK, cookie_twice=True, cookie_sent=False)),
    Row("no cookie", "cookie_not_sent",
        "cookie: blocked, cleared, of another browser, or withheld by SameSite or Domain",
        no_cookie("https://admin.example")),
    Row("no cookie on another origin", "cookie_not_sent",
        "cookie: origin changed from https://admin.example to https://www.example",
        no_cookie("https://www.example")),
    Row("no cookie on http", "cookie_not_sent",
        "cookie: not sent on http, where a Secure one never is; or blocked, cleared,"
        " of another browser, or withheld by SameSite or Domain",
        no_cookie("http://admin.example"), replace(ISSUED, origin="http://admin.example")),
    # --- no session
    Row("no session in the same process", "session_not_found",
        "session: gone from the store (evicted, flushed), or of another app on this host",
        no_session("one/7")),
    Row("no session in another process", "session_not_found",
        "session: not shared between workers (one/7, one/8)", no_session("one/8")),
    Row("no session in a process that started at that very time", "session_not_found",
        "session: not shared between workers (one/7, one/8)", no_session("one/8", 1000.0)),
    Row("no session in a process that started since", "session_not_found",
        "session: gone since this process started (store in memory, or restarted)",
        no_session("one/8", 1005.0)),
    Row("no session on another instance", "session_not_found",
        "session: not shared between instances (one/7, two/7)", no_session("two/7")),
    Row("an instance whose name has a slash", "session_not_found",
        "session: not shared between workers (eu/one/7, eu/one/8)", no_session("eu/one/8"),
        replace(ISSUED, process="eu/one/7")),
    # --- another session
    Row("a session that started no sign-in", "session_changed",
        "session: not the one that started this sign-in", session("")),
    Row("a session that started another sign-in", "session_changed",
        "session: not the one that started this sign-in", session("another")),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.sentence)
def test_what_came_back_wrong_says_why(row: Row) -> None:
    refusal = state.diagnose(row.issued, row.returned)
    assert refusal is not None
    assert (refusal.reason.code, refusal.detail) == (row.code, row.detail)


@pytest.mark.parametrize("age", [-60, 0, 10, 600])
def test_a_state_lives_ten_minutes_and_a_minute_ahead_of_the_clock(age: float) -> None:
    assert state.diagnose(ISSUED, aged(age)) is None


# --- what is derived -----------------------------------------------------------------------------


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
