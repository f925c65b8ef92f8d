"""Which of Microsoft's keys are taken."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.entra.jwks import MAX_KEYS, read_keys
from tests.support.keys import certificate, jwk, private_key


@pytest.mark.parametrize(
    "entry",
    [
        jwk("first", kty="EC"),
        jwk("first", kty="oct", k="AAAA"),
        jwk("first", use="enc"),
        jwk("first", use=7),
        jwk("first", key_ops=["encrypt"]),
        jwk("first", key_ops="verify"),
        jwk("first", n=None, e=None, x5c=[]),
        jwk("first", n=None, e=None, x5c=["no certificate"]),
        jwk("first", n=None, e=None, x5c="no list"),
        jwk("first", n=None),
        jwk("first", alg="RS512"),
        jwk("first", kid=None),
        jwk("first", kid=""),
        jwk("first", kid=7),
        jwk("first", issuer=7),
        jwk("first", n="AQAB"),
        jwk("first", n="!"),
        jwk("first", n=""),
        jwk("first", e="AQ"),
        jwk("first", e="AA"),
        jwk("first", n="A" * 3000),
        jwk("weak", bits=1024),
        "not an object",
        None,
    ],
)
def test_a_key_that_is_not_for_rs256_signatures_is_left_out(entry: object) -> None:
    assert set(read_keys({"keys": [entry, jwk("second")]})) == {"second"}


@pytest.mark.parametrize(
    "entry",
    [
        jwk("first", use=None),
        jwk("first") | {"use": None, "key_ops": None},
        jwk("first", use=None, key_ops=["verify"]),
        jwk("first", key_ops=["sign", "verify"]),
        jwk("first", n=None, e=None, x5c=[certificate("first")]),
    ],
    ids=["no use", "null", "key_ops", "both", "certificate only"],
)
def test_a_key_that_does_not_say_what_it_is_for_is_a_key(entry: dict[str, Any]) -> None:
    (key,) = read_keys({"keys": [entry]}).values()
    assert key.public_key.public_numbers() == private_key("first").public_key().public_numbers()


def test_a_private_part_of_a_key_is_not_read() -> None:
    (key,) = read_keys({"keys": [jwk("first", d="AQAB", p="AQAB")]}).values()
    assert set(key.entry) == {"kty", "kid", "n", "e", "issuer"}


def test_two_keys_under_one_name_are_both_left_out() -> None:
    keys = [jwk("first"), jwk("second", kid="first"), jwk("second")]
    assert set(read_keys({"keys": keys})) == {"second"}


def test_the_same_key_twice_is_one() -> None:
    assert set(read_keys({"keys": [jwk("first"), jwk("first")]})) == {"first"}


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "x"}])
def test_a_document_without_keys_has_none(document: dict[str, Any]) -> None:
    assert read_keys(document) == {}


def test_the_number_of_keys_is_bounded() -> None:
    many = [jwk("first", kid=f"key-{n}") for n in range(MAX_KEYS + 5)]
    assert len(read_keys({"keys": many})) == MAX_KEYS
