"""Claims that Microsoft writes in several forms, and those that nobody has seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.keys import (
    token,
)
from tests.support.verifying import check, refused

if TYPE_CHECKING:
    pass


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        (True, True),
        (1, True),
        ("1", True),
        (False, False),
        (0, False),
        ("0", False),
        ("true", False),
        (1.0, False),
        (2, False),
        ([True], False),
    ],
)
def test_verified_is_true_only_in_a_known_form(value: object, read: bool | None) -> None:
    found = check(token(xms_edov=value, email_verified=value))
    assert (found.xms_edov, found.email_verified) == (read, read)


@pytest.mark.parametrize(
    ("value", "read"),
    [(None, None), (0, 0), ("0", 0), (1, 1), ("1", 1), (2, 1), (False, 1), ("member", 1), ([], 1)],
)
def test_whoever_is_not_known_to_be_a_member_is_a_guest(value: object, read: int | None) -> None:
    assert check(token(acct=value)).acct == read


@pytest.mark.parametrize(
    "value", ["", " staff@contoso.example", "STAFF@x\u00a0", "a\n@x", "\u200b"]
)
def test_an_odd_email_is_kept_as_it_is_for_the_policy(value: str) -> None:
    assert check(token(email=value)).email == value


def test_an_email_has_up_to_320_letters() -> None:
    assert check(token(email="x" * 320)).email == "x" * 320
    assert refused(token(email="x" * 321)) == "email"


@pytest.mark.parametrize(
    ("value", "read"), [(["x"], ""), ("a\0\n\ud800b", "ab"), ("x" * 999, "x" * 256), (7, "")]
)
def test_a_name_is_mended_for_it_is_only_shown(value: object, read: str) -> None:
    assert check(token(name=value)).name == read
