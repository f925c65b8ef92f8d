"""Secrets at rest: encrypted, readable across a key rotation, and by nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.protection import secretbox

SECRET = "client-secret~of.the_app"


@given(st.text(min_size=1, max_size=100))
def test_what_is_encrypted_decrypts_to_the_same(text: str) -> None:
    assert secretbox.decrypt(secretbox.encrypt(text)) == text


def test_a_locked_secret_shows_nothing_and_never_looks_the_same() -> None:
    one, two = secretbox.encrypt(SECRET), secretbox.encrypt(SECRET)
    assert one != two
    assert SECRET not in one
    assert secretbox.is_encrypted(one)


def test_empty_stays_empty() -> None:
    assert secretbox.encrypt("") == ""
    assert secretbox.decrypt("") == ""
    assert not secretbox.is_encrypted("")


def test_an_old_plain_value_is_read_as_it_is() -> None:
    assert secretbox.decrypt(SECRET) == SECRET
    assert not secretbox.is_encrypted(SECRET)


def test_a_former_key_still_reads_and_the_new_one_writes(settings: Settings) -> None:
    old, locked = settings.SECRET_KEY, secretbox.encrypt(SECRET)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new-key-" * 8, [old]
    assert secretbox.decrypt(locked) == SECRET
    fresh = secretbox.encrypt(SECRET)
    settings.SECRET_KEY_FALLBACKS = []
    assert secretbox.decrypt(fresh) == SECRET


def test_a_key_that_is_gone_is_said(settings: Settings) -> None:
    locked = secretbox.encrypt(SECRET)
    settings.SECRET_KEY = "new-key-" * 8
    with pytest.raises(secretbox.Unreadable) as raised:
        secretbox.decrypt(locked)
    assert locked not in str(raised.value)


@pytest.mark.parametrize("damaged", ["enc1:", "enc1:x", "enc1:\0", "enc1:gAAAAAB", "enc1:\u00e9"])
def test_what_is_damaged_is_unreadable_and_nothing_worse(damaged: str) -> None:
    with pytest.raises(secretbox.Unreadable):
        secretbox.decrypt(damaged)


def test_one_letter_changed_is_noticed() -> None:
    locked = secretbox.encrypt(SECRET)
    for place in (10, len(locked) // 2, len(locked) - 10):
        letter = "A" if locked[place] != "A" else "B"
        with pytest.raises(secretbox.Unreadable):
            secretbox.decrypt(locked[:place] + letter + locked[place + 1 :])
