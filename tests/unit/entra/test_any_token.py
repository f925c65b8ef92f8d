"""Whatever comes as a token is refused as one, or read into its types; nothing else happens."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.entra.claims import Claims
from accounts.entra.token_header import HEADER_CHECKS
from accounts.entra.tokens import CHECKS
from accounts.reasons import Refused
from tests.support.keys import (
    OID,
    TENANT,
    claims,
    private_key,
    sign,
    token,
)
from tests.support.verifying import check, refused

if TYPE_CHECKING:
    pass


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = st.sampled_from([*claims(), "azp", "idp", "acct", "xms_edov", "email_verified", "extra"])


@settings(max_examples=200, deadline=None)
@given(st.text() | st.binary() | JSON)
def test_any_input_is_refused_and_raises_nothing_else(anything: object) -> None:
    refused(anything)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="eyJhbGciOJSUzI1NiJ9._-=", max_size=200))
def test_anything_that_looks_like_a_token_is_refused(text: str) -> None:
    refused(text)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "x5t", "cty", "b64"]), JSON))
def test_any_header_is_refused_or_harmless(header: dict[str, Any]) -> None:
    claims_or_refused(token(header=header))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(NAMES, JSON, max_size=4))
def test_any_claims_are_refused_or_read_into_their_types(changes: dict[str, Any]) -> None:
    found = claims_or_refused(sign({**claims(), **changes}))
    if found:
        assert (found.tid, found.oid) == (TENANT, OID)
        assert "\0" not in f"{found.email}{found.name}{found.preferred_username}{found.idp}"
        assert {f.name for f in fields(found)} >= {"tid", "oid"}
        f"{found}".encode()


def claims_or_refused(id_token: str) -> Claims | None:
    try:
        return check(id_token)
    except Refused:
        refused(id_token)
        return None


def test_every_check_has_a_name_of_its_own() -> None:
    names = [name for name, _ in (*HEADER_CHECKS, *CHECKS)]
    assert len(names) == len(set(names)) == 17


def test_keys_of_the_tests_are_real() -> None:
    assert private_key("first").key_size == 2048
