"""Ending the sessions of a person whose user model has no column for it."""

from types import SimpleNamespace

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.cache import SessionStore
from django.test import RequestFactory
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.sessions import versions
from accounts.web import entrance

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


def test_a_request_looks_once_for_each_sign_in(
    rf: RequestFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    request = rf.get("/admin/")
    model = User.objects.create_user("ada@contoso.example")
    user = SimpleNamespace(pk=model.pk, is_authenticated=True, _meta=SimpleNamespace(pk=Key))
    request.user, request.session = user, SessionStore()  # type: ignore[assignment]
    request.session[SESSION_KEY] = str(model.pk)
    request.session[entrance.ENTRY] = "microsoft"
    versions.mark(request.session, user)
    with django_assert_num_queries(1):
        assert entrance.opens_admin(request)
        assert entrance.opens_admin(request)
    versions.end_all(user)
    versions.mark(request.session, user)
    with django_assert_num_queries(1):
        assert entrance.opens_admin(request)


class Key:
    @staticmethod
    def value_to_string(user: SimpleNamespace) -> str:
        return str(user.pk)
