"""Ending the sessions of a person whose user model has no column for it."""

from types import SimpleNamespace

import pytest
from django.contrib.sessions.backends.cache import SessionStore

from accounts.models import User
from accounts.sessions import versions

pytestmark = pytest.mark.django_db


def test_sessions_of_before_are_over_and_later_ones_hold() -> None:
    someone, other = (
        SimpleNamespace(pk=User.objects.create_user(f"{name}@contoso.example").pk)
        for name in ("ada", "bob")
    )
    before, after, theirs = SessionStore(), SessionStore(), SessionStore()
    versions.mark(before, someone)
    versions.mark(theirs, other)
    assert versions.is_valid(before, someone)
    versions.end_all(someone)
    versions.mark(after, someone)
    assert not versions.is_valid(before, someone)
    assert not versions.is_valid(SessionStore(), someone)
    assert versions.is_valid(after, someone)
    assert versions.is_valid(theirs, other)
