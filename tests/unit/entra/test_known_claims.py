"""Every claim of a token is accounted for; an unknown one is told by name, once a day."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from accounts.entra import claims, known_claims, tokens
from accounts.entra.known_claims import CHECKED, UNCHECKED, USED, log_unknown_claims
from tests.support import keys
from tests.support.verifying import check

DAY = 86_400.0
NOW = 50_000 * DAY


@pytest.fixture(autouse=True)
def _nothing_logged() -> None:
    known_claims._logged_on.cache_clear()


def test_a_claim_is_in_one_list_only() -> None:
    assert not (CHECKED & USED) | (CHECKED & UNCHECKED.keys()) | (USED & UNCHECKED.keys())
    assert all(UNCHECKED.values())


def test_each_check_of_a_claim_and_each_claim_that_is_read_is_listed() -> None:
    named = {"issuer": "iss", "audience": "aud"}
    checked = {named.get(name, name) for name, _ in tokens.CHECKS} - {"key_issuer"}
    assert checked == CHECKED
    source = Path(claims.__file__).read_text(encoding="utf-8")
    read = set(re.findall(r"payload[^\n]{0,8}\"([a-z_]+)\"", source))
    assert read - CHECKED == USED


def test_a_whole_token_of_entras_has_no_unknown_claim(caplog: pytest.LogCaptureFixture) -> None:
    check(keys.token(aio="x", rh="x", uti="x", roles=["a"], given_name="x", xms_pl="en"))
    assert caplog.text == ""


def test_an_unknown_claim_is_told_by_name_once_a_day(caplog: pytest.LogCaptureFixture) -> None:
    for moment in (NOW, NOW + 60, NOW + DAY):
        log_unknown_claims({"new_claim": "a value", "iss": "x"}, moment)
    assert caplog.text.count("new_claim") == 2
    assert "a value" not in caplog.text


def test_no_token_fills_the_log(caplog: pytest.LogCaptureFixture) -> None:
    log_unknown_claims([f"claim-{number}" for number in range(1000)], NOW)
    log_unknown_claims(["odd\nname", "x" * 500], NOW + DAY)
    assert len(caplog.records) == 52
    assert "odd\nname" not in caplog.text
