"""A token's form, header and signature: what is refused before its claims are looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jwt
import pytest

from accounts.entra.token_header import MAX_LENGTH
from tests.support.keys import (
    OTHER_TENANT,
    TENANT,
    base64url,
    claims,
    sign,
    signing_key,
    token,
)
from tests.support.verifying import check, refused

if TYPE_CHECKING:
    from accounts.entra.jwks import SigningKey


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (None, "size"),
        (b"a.b.c", "size"),
        ("a." * MAX_LENGTH, "size"),
        ("", "form"),
        ("a.b", "form"),
        ("a.b.c.d.e", "form"),
        ("e30.e30.", "form"),
        ("e30=.e30.AA", "form"),
        (" e30.e30.AA", "form"),
        ("e30.e30.AA\n", "form"),
        ("\u0435\u0437.e30.AA", "form"),
        ("A.e30.AA", "header"),
        ("e30.e30.AA", "alg"),
        (f"{base64url(b'[]')}.e30.AA", "header"),
        (f"{base64url(b'[' * 40_000)}.e30.AA", "header"),
        (f"{base64url(bytes([255, 254]))}.e30.AA", "header"),
    ],
    ids=lambda v: repr(v)[:20],
)
def test_what_is_not_a_token_is_refused(bad: object, name: str) -> None:
    assert refused(bad) == name


def test_a_header_key_that_occurs_twice_is_refused() -> None:
    header = base64url(b'{"alg":"RS256","alg":"none","kid":"first"}')
    assert refused(f"{header}.e30.AA") == "header"


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "RS512", "PS256", "ES256", "", None, 1])
def test_only_rs256_is_taken(alg: object) -> None:
    header = base64url(json.dumps({"alg": alg, "kid": "first"}).encode())
    assert refused(f"{header}.e30.AA") == "alg"


def test_a_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    secret = "a public key in PEM form, which everybody knows"
    forged = jwt.encode(claims(), secret, algorithm="HS256", headers={"kid": "first"})
    assert refused(forged) == "alg"


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c"])
def test_a_key_that_the_token_brings_is_refused_before_any_lookup(name: str) -> None:
    bad = token(header={name: "https://evil.example/keys"})
    assert refused(bad, key_for=never) == "foreign_keys"


@pytest.mark.parametrize("name", ["crit", "b64", "zip", "enc"])
def test_a_header_that_changes_how_to_read_is_refused(name: str) -> None:
    assert refused(token(header={name: ["b64"]}), key_for=never) == "extensions"


@pytest.mark.parametrize("kid", [None, "", 7, ["first"], "x" * 257])
def test_a_key_name_is_demanded(kid: object) -> None:
    assert refused(token(header={"kid": kid}), key_for=never) == "kid"


@pytest.mark.parametrize("typ", ["at+jwt", "JOSE", "", 7])
def test_another_kind_of_token_is_refused(typ: object) -> None:
    assert refused(token(header={"typ": typ}), key_for=never) == "typ"


def test_a_key_name_has_between_1_and_256_letters() -> None:
    for kid in ("x", "x" * 256):
        made = token(header={"kid": kid})
        assert check(made, key_for=lambda _: signing_key("first")).tid == TENANT


def test_a_token_of_just_the_greatest_length_is_read() -> None:
    whole = "e30.e30." + "A" * (MAX_LENGTH - 8)
    assert MAX_LENGTH == 65_536
    assert (refused(whole), refused(whole + "A")) == ("alg", "size")


def never(kid: str) -> SigningKey:
    raise AssertionError(f"{kid} was looked up")


def test_another_key_under_the_same_name_is_refused() -> None:
    assert refused(token("second", header={"kid": "first"})) == "signature"


def test_an_unknown_key_is_refused_by_who_knows_the_keys() -> None:
    assert refused(token("second")) == "kid"


def test_a_changed_payload_is_refused() -> None:
    head, _, tail = token().split(".")
    changed = base64url(json.dumps(claims(oid=OTHER_TENANT)).encode())
    assert refused(f"{head}.{changed}.{tail}") == "signature"


def test_a_changed_or_cut_signature_is_refused() -> None:
    good = token()
    for bad in (good[:-2], good[:-20] + "A" * 20, good + "A"):
        assert refused(bad) == "signature"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff",
        b'{"a":NaN}',
        b"[" * 20_000,
        json.dumps(claims()).encode("utf-16"),
        json.dumps(claims())[:-1].encode() + b', "tid": "x"}',
        json.dumps(claims())[:-1].encode() + b', "n": {"a": 1, "a": 2}}',
    ],
    ids=lambda v: repr(v)[:20],
)
def test_a_signed_payload_that_is_not_one_plain_object_is_refused(payload: bytes) -> None:
    assert refused(sign(payload)) in ("payload", "form")
