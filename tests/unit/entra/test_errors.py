"""Microsoft's error answers: which reason, and what of them may be kept."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.entra.aadsts import TABLE
from accounts.entra.errors import (
    OAUTH,
    ROWS,
    aadsts_numbers,
    claimed_refusal,
    hint_for,
    reason_for,
    refusal_of,
)
from accounts.reasons import REASONS, Refused

GUID = "6d0a58b1-4f3c-4e7a-9a4e-0123456789ab"
TEXT = (
    "AADSTS54005: OAuth2 Authorization code was already redeemed.\r\nTrace ID: "
    f"{GUID}\r\nCorrelation ID: {GUID}\r\nTimestamp: 2026-11-24 06:00:00Z"
)
# Every number that can reach the site, as Microsoft's page and lookup name them.
KNOWN = """
50011 500111 500112 500113 500115 500117 900971 50059 50128 50194 90002 90019 90023 700016 70001
700011 700005 7000112 90008 500011 500014 50001 650052 650053 650054 650056 650057 65005 1000031
5000224 5000225 900382 900432 90038 900439 9002331 9002346 9002332 9001023 90124 90130 50020 90072
500208 500212 500213 50034 51004 16000 16001 16003 16002 160021 50053 50055 50056 50057 50126
50132 50133 50135 50144 50173 50105 50014 50058 50072 50079 50074 50076 50078 50087 50088 50089
50097 50155 50125 50129 50131 50140 50143 90005 50158 50196 50199 53000 53001 53002 53003 53004
53010 53011 530032 530002 530003 530035 70043 500021 500022 50002 75011 130004 130005 130006
130007 130008 80001 80002 80005 80007 80010 80014 81004 81005 81007 81010 81012 20001 20012 20033
40008 40009 40010 40015 65001 65004 90094 90095 7000215 7000222 7000218 70002 700025 700027 700026
700021 700022 700023 700024 500133 700030 50012 50013 50027 50048 70021 700211 700212 700213
7002131 7002137 7002138 7000226 700229 54005 70008 700082 70000 70003 70004 70005 70007 700009
70011 70012 50147 501471 501491 501481 50148 700054 240002 9002325 9002326 9002327 900561 90056
90014 900144 90100 9000411 9002313 90015 901002 90027 700041 50061 50068 50070 50071 50000 50003
50033 90006 90024 90033 90090 90091 50166 90012 90055
"""


def test_every_number_that_can_reach_us_has_a_row() -> None:
    assert {int(n) for n in KNOWN.split()} <= set(ROWS)


def test_every_row_names_a_reason_that_exists() -> None:
    assert {row.reason for row in TABLE} | set(OAUTH.values()) <= set(REASONS)


def test_no_number_stands_in_two_rows() -> None:
    numbers = [n for row in TABLE for n in row.numbers]
    assert len(numbers) == len(set(numbers))


def test_every_hint_is_one_sentence_for_an_operator() -> None:
    for row in TABLE:
        assert row.hint == "" or (row.hint.endswith((".", ")")) and len(row.hint) < 160)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (65004, "cancelled"),
        (65001, "consent_required"),
        (50105, "not_assigned"),
        (53003, "blocked_by_policy"),
        (7000222, "client_secret_expired"),
        (7000215, "client_secret_wrong"),
        (700016, "client_unknown"),
        (50011, "redirect_uri_mismatch"),
        (90002, "tenant_not_found"),
        (50194, "misconfigured"),
        (50020, "wrong_tenant"),
        (54005, "state_already_used"),
        (70008, "state_expired"),
        (501481, "session_changed"),
        (90033, "microsoft_unreachable"),
        (90055, "microsoft_throttled"),
        (50057, "microsoft_refused"),
        (50146, "misconfigured"),
    ],
)
def test_a_known_number_decides_whatever_the_error_says(number: int, reason: str) -> None:
    assert reason_for([number], "invalid_request") == (reason, number)


def test_a_known_number_goes_before_an_unknown_one() -> None:
    assert reason_for([1234567, 50105], "access_denied") == ("not_assigned", 50105)


def test_an_unknown_number_is_shown() -> None:
    assert reason_for([1234567], "invalid_grant") == ("microsoft_refused", 1234567)


@pytest.mark.parametrize(("error", "reason"), [
    ("invalid_client", reason_for([], "invalid_client")[0]),
    ("unauthorized_client", "client_unknown"),
    ("interaction_required", "blocked_by_policy"),
    ("access_denied", "microsoft_refused"),
])  # fmt: skip
def test_an_unknown_number_leaves_what_the_error_says_for_sure(error: str, reason: str) -> None:
    assert reason_for([1234567], error) == (reason, 1234567)


@pytest.mark.parametrize("number", [7000222, 7000215, 700016, 50011, 90002, 54005, 90033])
def test_a_browser_chooses_no_reason_that_an_operator_would_act_on(number: int) -> None:
    refused = claimed_refusal({"error": "x", "error_description": f"AADSTS{number}: y"})
    assert (refused.reason.code, refused.source) == ("microsoft_refused", "browser")
    assert refused.aadsts == number


def test_an_unknown_number_does_not_hide_that_the_trouble_passes() -> None:
    assert reason_for([1234567], "temporarily_unavailable") == ("microsoft_unreachable", 1234567)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("access_denied", "cancelled"),
        ("consent_required", "consent_required"),
        ("interaction_required", "blocked_by_policy"),
        ("invalid_client", "client_secret_wrong"),
        ("unauthorized_client", "client_unknown"),
        ("server_error", "microsoft_unreachable"),
        ("something_new", "microsoft_refused"),
        ("", "microsoft_refused"),
    ],
)
def test_without_a_number_the_error_decides(error: str, reason: str) -> None:
    assert reason_for([], error) == (reason, None)


def test_numbers_are_read_from_the_text_in_order_and_once() -> None:
    text = "AADSTS50105: no. AADSTS7000215, AADSTS50105 AADSTS1 AADSTS123456789 xAADSTS"
    assert aadsts_numbers(text) == [50105, 7000215]


def test_only_digits_of_ascii_make_a_number() -> None:
    assert aadsts_numbers("AADSTS\u0665\u0660\u0661\u0660\u0665") == []


def test_a_hint_adds_to_the_fix_where_the_number_says_more() -> None:
    assert "cloud" in hint_for(900439)
    assert hint_for(54005) == hint_for(1234567) == hint_for(None) == ""


def test_the_token_endpoints_answer_keeps_its_traces() -> None:
    refused = refusal_of(
        {
            "error": "invalid_grant",
            "error_description": "AADSTS70008: a secret text",
            "error_codes": [70008],
            "timestamp": "2026-11-24 06:00:00Z",
            "trace_id": GUID,
            "correlation_id": GUID,
        }
    )
    assert (refused.reason.code, refused.aadsts) == ("state_expired", 70008)
    assert refused.detail == (
        f"AADSTS70008 error=invalid_grant trace={GUID} correlation={GUID} at=2026-11-24 06:00:00Z"
    )


def test_a_redirects_description_keeps_its_traces() -> None:
    refused = refusal_of({"error": "invalid_grant", "error_description": TEXT})
    assert (refused.reason.code, refused.aadsts) == ("state_already_used", 54005)
    assert f"trace={GUID} correlation={GUID} at=2026-11-24 06:00:00Z" in refused.detail


@pytest.mark.parametrize("odd", [None, 7, [], {}, "x" * 10_000, "AADSTS", [True, "50105", 1e9]])
def test_odd_fields_are_no_trouble(odd: object) -> None:
    names = ("error", "error_description", "error_codes", "trace_id", "timestamp")
    refused = refusal_of(dict.fromkeys(names, odd))
    assert (refused.reason.code, refused.detail) == ("microsoft_refused", "")


@given(st.text(), st.text())
def test_nothing_of_a_text_is_kept_but_what_matches(error: str, text: str) -> None:
    refused = refusal_of({"error": error, "error_description": text, "trace_id": text})
    assert isinstance(refused, Refused)
    assert re.fullmatch(r"(AADSTS[0-9]+ ?)*(error=[a-z_]+ ?)?", refused.detail)
