"""Claims of signed tokens: each bad one is refused by the check that names it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.entra.claims import Claims
from accounts.entra.tokens import SKEW
from accounts.reasons import Refused
from tests.support.keys import (
    CLIENT_ID,
    ISSUER,
    NONCE,
    NOW,
    OID,
    OTHER_TENANT,
    TENANT,
    claims,
    sign,
    signing_key,
    token,
)
from tests.support.verifying import ISS, check, refused


def test_a_good_token_becomes_claims() -> None:
    assert check(token(iat=NOW, nbf=NOW, exp=NOW + 3600)) == Claims(
        tid=TENANT,
        oid=OID,
        sub="pairwise-subject",
        issuer=ISS,
        email="staff@contoso.example",
        preferred_username="staff@contoso.example",
        name="Staff Member",
        idp=None,
        acct=None,
        email_verified=None,
        xms_edov=None,
        client_id=CLIENT_ID,
    )


def test_an_issuer_without_a_template_is_compared_as_it_is() -> None:
    assert check(token(), issuer=ISS).issuer == ISS


def test_a_key_without_an_issuer_signs_for_any() -> None:
    key = signing_key("first", issuer=None)
    assert check(token(), key_for=lambda _: key).tid == TENANT


@pytest.mark.parametrize(
    "change",
    [
        {"nbf": None},
        {"ver": None},
        {"azp": CLIENT_ID},
        {"aud": [CLIENT_ID]},
        {"exp": NOW + 0.5},
        {"email": None, "name": None, "preferred_username": None},
    ],
    ids=str,
)
def test_what_may_be_absent_or_in_another_form_is_no_trouble(change: dict[str, Any]) -> None:
    assert check(token(**change)).oid == OID


def test_tid_and_oid_are_kept_in_lower_case() -> None:
    tid, oid = TENANT.replace("1", "A"), OID.replace("4", "B")
    found = check(token(tid=tid, oid=oid, iss=ISSUER.replace("{tenantid}", tid)))
    assert (found.tid, found.oid) == (tid.lower(), oid.lower())


IDENTIFIERS = [None, "", " ", 7, [TENANT], f"{TENANT} ", f"{TENANT}\n", "x" * 65, "caf\u00e9"]
TIMES: list[Any] = [None, True, str(NOW), [NOW], {}, 10**400, -1, 1e300]


@pytest.mark.parametrize(
    ("name", "value", "check_name"),
    [
        *[("tid", value, "tid") for value in IDENTIFIERS],
        *[("oid", value, "oid") for value in IDENTIFIERS],
        *[("sub", value, "sub") for value in (None, "", 7, ["x"], "x" * 256, "a\0", "\ud800")],
        *[("exp", value, "exp") for value in TIMES],
        *[("iat", value, "iat") for value in TIMES],
        *[("nbf", value, "nbf") for value in TIMES[1:]],
        ("iss", None, "issuer"),
        ("iss", ISS + "/", "issuer"),
        ("iss", ISS.upper(), "issuer"),
        ("iss", ISS.replace("https", "http"), "issuer"),
        ("iss", ISSUER, "issuer"),
        ("iss", [ISS], "issuer"),
        ("iss", ISSUER.replace("{tenantid}", OTHER_TENANT), "issuer"),
        ("iss", f"https://sts.windows.net/{TENANT}/", "issuer"),
        ("aud", None, "audience"),
        ("aud", "", "audience"),
        ("aud", [], "audience"),
        ("aud", CLIENT_ID + " ", "audience"),
        ("aud", CLIENT_ID[:-1], "audience"),
        ("aud", [CLIENT_ID, CLIENT_ID], "audience"),
        ("aud", [CLIENT_ID, OTHER_TENANT], "audience"),
        ("aud", {CLIENT_ID: 1}, "audience"),
        ("aud", f"api://{CLIENT_ID}", "audience"),
        ("azp", OTHER_TENANT, "azp"),
        ("azp", [CLIENT_ID], "azp"),
        ("azp", "", "azp"),
        ("nonce", None, "nonce"),
        ("nonce", "", "nonce"),
        ("nonce", NONCE + "x", "nonce"),
        ("nonce", [NONCE], "nonce"),
        ("nonce", "\ud800", "nonce"),
        ("ver", "1.0", "ver"),
        ("ver", 2.0, "ver"),
        ("ver", "2", "ver"),
        ("email", ["staff@contoso.example"], "email"),
        ("email", {"a": 1}, "email"),
        ("email", 7, "email"),
        ("email", False, "email"),
        ("email", "a\0@x", "email"),
        ("email", "\ud800@x", "email"),
        ("email", "x" * 400, "email"),
        ("preferred_username", ["x"], "preferred_username"),
        ("idp", ["x"], "idp"),
        ("idp", True, "idp"),
    ],
    ids=lambda v: repr(v)[:24],
)
def test_a_claim_that_does_not_fit_is_refused(name: str, value: object, check_name: str) -> None:
    assert refused(sign_with(name, value)) == check_name


@pytest.mark.parametrize("name", ["nbf", "azp", "ver", "aud", "exp", "iat", "tid", "nonce"])
def test_null_is_not_the_same_as_absent(name: str) -> None:
    payload = json.dumps({**claims(), name: None}).encode()
    assert refused(sign(payload)) == {"aud": "audience"}.get(name, name)


def test_a_time_too_large_for_a_number_is_refused() -> None:
    payload = json.dumps(claims(exp=1)).replace('"exp": 1', '"exp": 1e999').encode()
    assert refused(sign(payload)) == "exp"


def test_a_whole_token_of_another_tenant_is_said_to_be_that() -> None:
    other = ISSUER.replace("{tenantid}", OTHER_TENANT)
    with pytest.raises(Refused) as caught:
        check(token(tid=OTHER_TENANT, iss=other), issuer=ISS)
    assert caught.value.reason.code == "wrong_tenant"


def test_an_issuer_of_another_tenant_alone_is_no_such_token() -> None:
    other = ISSUER.replace("{tenantid}", OTHER_TENANT)
    assert refused(token(iss=other), issuer=ISS) == "issuer"


def test_another_tid_under_an_issuer_without_a_template_is_no_token_of_that_tenant() -> None:
    """Where both tenants are allowed, and the key names no issuer of its own."""
    key = signing_key("first", issuer=None)
    with pytest.raises(Refused) as caught:
        check(token(tid=OTHER_TENANT, iss=ISS), issuer=ISS, key_for=lambda _: key)
    assert caught.value.reason.code == "wrong_tenant"


def test_a_key_for_personal_accounts_does_not_sign_for_a_tenant() -> None:
    msa = ISSUER.replace("{tenantid}", "9188040d-6c67-4c5b-b112-36a304b66dad")
    key = signing_key("first", issuer=msa)
    assert refused(token(), key_for=lambda _: key) == "key_issuer"


def test_an_empty_client_id_or_nonce_of_ours_lets_nobody_in() -> None:
    assert refused(token(aud=""), client_id="") == "audience"
    assert refused(token(nonce=""), nonce="") == "nonce"


def test_the_skew_is_a_minute() -> None:
    assert SKEW == 60


@pytest.mark.parametrize("sub", ["x", "!~", "x" * 255])
def test_a_subject_may_be_any_printable_name_of_up_to_255_letters(sub: str) -> None:
    assert check(token(sub=sub)).sub == sub


@pytest.mark.parametrize(
    ("name", "seconds", "good"),
    [
        ("exp", -SKEW + 1, True),
        ("exp", -SKEW, False),
        ("iat", SKEW, True),
        ("iat", SKEW + 1, False),
        ("nbf", SKEW, True),
        ("nbf", SKEW + 1, False),
    ],
)
def test_clocks_may_differ_by_a_minute_and_no_more(name: str, seconds: int, good: bool) -> None:
    made = sign_with(name, NOW + seconds)
    assert (check(made).oid == OID) if good else (refused(made) == name)


def test_the_refusal_says_by_how_much_a_clock_is_off() -> None:
    with pytest.raises(Refused) as caught:
        check(token(exp=NOW - 600))
    assert caught.value.detail == "exp: expired 600 s ago"


def test_no_detail_shows_the_token_or_the_nonce() -> None:
    bad = token(nonce="another-nonce")
    with pytest.raises(Refused) as caught:
        check(bad)
    said = f"{caught.value!r} {caught.value.detail}"
    assert not [secret for secret in (NONCE, "another-nonce", bad[-40:]) if secret in said]


@pytest.mark.parametrize("value", ["x" * 5000, "a\nb\x1b[31m", "\ud800", ["x"] * 999, {"a": 1}])
def test_a_detail_is_one_short_line_of_ascii(value: object) -> None:
    with pytest.raises(Refused) as caught:
        check(token(aud=value))
    detail = caught.value.detail
    assert detail.isascii()
    assert detail.isprintable()
    assert len(detail) < 130


def sign_with(name: str, value: Any) -> str:
    changes: dict[str, Any] = {name: value}
    return token(**changes)
