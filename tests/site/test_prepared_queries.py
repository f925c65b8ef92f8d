"""Prepared queries give what their querysets would, on whatever connection and thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import SignIn, User
from accounts.stores.prepared_queries import Prepared
from accounts.web.backends import MicrosoftBackend

pytestmark = pytest.mark.django_db

by_key = Prepared(lambda pk: User.objects.filter(pk=pk))
by_email = Prepared(lambda *emails: User.objects.filter(email__in=emails).order_by("email"))
emails_of = Prepared(lambda staff: User.objects.filter(is_staff=staff).values_list("email"))


@pytest.fixture
def people() -> list[User]:
    made = [User(email=f"{name}@contoso.example", is_staff=name == "ada") for name in ("ada", "bo")]
    return User.objects.bulk_create(made)


def test_each_call_brings_its_own_values(people: list[User]) -> None:
    ada, bo = people
    assert [by_key(each.pk) for each in people] == [[ada], [bo]]
    assert by_key(0) == []
    assert by_email(bo.email, ada.email) == [ada, bo]
    assert by_email(ada.email) == [ada]
    assert emails_of(True) == [(ada.email,)]


def test_values_are_no_sql() -> None:
    assert by_email("' OR 1=1 --", '"') == []


def test_the_objects_are_as_the_database_has_them(people: list[User]) -> None:
    (read,), (usual,) = by_key(people[0].pk), User.objects.filter(pk=people[0].pk)
    assert {**vars(read), "_state": None} == {**vars(usual), "_state": None}
    assert read._state.adding is False
    assert read._state.db == "default"


@pytest.mark.django_db(transaction=True)
def test_threads_have_connections_of_their_own(people: list[User]) -> None:
    def read(number: int) -> str:
        try:
            return by_key(people[number % 2].pk)[0].email
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, range(20)))
    assert found == [people[number % 2].email for number in range(20)]


def rights_of(user: User) -> set[str]:
    return MicrosoftBackend().get_all_permissions(User.objects.get(pk=user.pk))


def test_permissions_are_django_s_in_one_query(people: list[User]) -> None:
    user = people[0]
    view, change, add = Permission.objects.order_by("pk")[:3]
    group = Group.objects.create(name="Readers")
    group.permissions.set([view, change])
    user.groups.add(group)
    user.user_permissions.set([change, add])
    assert rights_of(user) == ModelBackend().get_all_permissions(User.objects.get(pk=user.pk))
    assert len(rights_of(user)) == 3
    read = User.objects.get(pk=user.pk)
    with CaptureQueriesContext(connection) as queries:
        assert read.has_perm(f"{view.content_type.app_label}.{view.codename}")
        assert not read.has_perm("accounts.nothing")
    assert len(queries) == 2  # and one of the content type above


@pytest.mark.parametrize("without", ["is_active", "is_staff"])
def test_whoever_is_switched_off_has_none(people: list[User], without: str) -> None:
    user = people[0]
    user.user_permissions.set(
        Permission.objects.filter(content_type__model=SignIn._meta.model_name)
    )
    setattr(user, without, False)
    user.save()
    assert bool(rights_of(user)) is (without == "is_staff")
    assert MicrosoftBackend().get_user(user.pk) == (user if without == "is_staff" else None)


def test_a_superuser_has_all(people: list[User]) -> None:
    people[0].is_superuser = True
    people[0].save()
    assert len(rights_of(people[0])) == Permission.objects.count()


def test_nobody_is_found_under_a_key_that_is_none(people: list[User]) -> None:
    assert MicrosoftBackend().get_user(0) is None
