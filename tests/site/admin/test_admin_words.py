"""What admin says: of colleagues in the third person, with links and buttons, browsers in words."""

import pytest
from django.utils.translation import override

from accounts.admin import advice
from accounts.display import browsers
from accounts.models import SignIn
from accounts.reasons import REASONS

EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize("code", REASONS)
def test_a_refused_colleague_is_not_called_you(code: str) -> None:
    with override("en"):
        words = advice.title_of(code).lower().split()
    assert not {"you", "your"} & set(words)


@pytest.mark.parametrize("code", REASONS)
def test_a_fix_in_admin_names_no_command(code: str) -> None:
    with override("en"):
        assert advice.fix_of(code)
        assert "manage.py" not in advice.fix_of(code)


def test_a_record_with_microsofts_number_says_what_that_means_first() -> None:
    row = SignIn(reason="blocked_by_policy", detail="AADSTS50074")
    assert advice.fix_for(row).startswith("The second factor was not passed.")


@pytest.mark.parametrize(("agent", "words"), [
    (f"{EDGE} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91", "Edge on Windows"),
    (f"{EDGE} Chrome/120.0.0.0 Safari/537.36", "Chrome on Windows"),
    ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
     " Version/17.1 Safari/605.1.15", "Safari on macOS"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
     " Gecko) Version/17.1 Mobile/15E148 Safari/604.1", "Safari on iOS"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0", "Firefox on Linux"),
    ("Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0"
     " Mobile Safari/537.36", "Chrome on Android"),
    ("curl/8.1.2", "curl"),
    ("Something of our own", "Something of our own"),
    ("x" * 5000, "x" * 40),
    ("", ""),
])  # fmt: skip
def test_a_browser_is_called_as_people_call_it(agent: str, words: str) -> None:
    with override("en"):
        assert browsers.browser_of(agent) == words


@pytest.mark.parametrize(("address", "words"), [
    ("10.1.2.3", "internal network"), ("fd00::1", "internal network"),
    ("127.0.0.1", "this server itself"), ("203.0.113.9", ""), ("8.8.8.8", ""), ("", ""), ("x", ""),
])  # fmt: skip
def test_a_place_is_told_from_its_address(address: str, words: str) -> None:
    with override("en"):
        assert browsers.place_of(address) == words
