"""SESSIONS_AT_ONCE: the oldest sessions of a person end at a sign-in, by whatever door."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from accounts.sessions import service
from accounts.sessions.index import sessions
from tests.emulator.person import sign_in_as
from tests.support.visitor import START

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("emulator")]
PASSWORD = "a long pass phrase of tests"


@pytest.fixture
def person(transactional_db: None) -> User:
    return User.objects.create_user("staff@contoso.example", PASSWORD, is_staff=True)


def by_microsoft() -> Client:
    client = Client()
    url = client.post(START).headers["Location"]
    assert client.get(sign_in_as(url, "staff", quick=True)).headers["Location"] == "/admin/"
    return client


def by_password() -> Client:
    client = Client()
    form = {"username": "staff@contoso.example", "password": PASSWORD}
    assert client.post("/admin/login/", form).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


@pytest.mark.parametrize("enter", [by_microsoft, by_password])
def test_the_oldest_ends_and_the_newest_says_so(
    enter: Callable[[], Client], person: User, settings: Settings
) -> None:
    settings.ADMIN_PASSWORD_LOGIN = True
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "accounts.web.backends.PasswordBackend",
    ]
    settings.SESSIONS_AT_ONCE = 2
    first, second, third = enter(), enter(), enter()
    assert [is_in(client) for client in (first, second)] == [False, True]
    assert "2 at once are allowed here" in third.get("/admin/").content.decode()
    assert len(sessions().of(person.pk)) == 2
    entry = AuditEntry.objects.filter(action="sessions.ended").latest("at")
    assert entry.parts.get(role="subject").content["after"]["because"] == "more than 2 at once"


def test_sign_ins_at_once_never_end_each_other(person: User) -> None:
    """Each has its session before the first counts, each in a thread of its own."""
    clients = [by_microsoft() for _ in range(4)]
    keys = [client.session.session_key for client in clients]
    barrier = Barrier(len(keys))

    def count(key: str | None) -> int:
        try:
            barrier.wait(30)
            return service.end_oldest_of(person, key, 2)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(keys)) as pool:
        ended = list(pool.map(count, keys))
    assert (sum(ended), len(sessions().of(person.pk))) == (2, 2)
    assert sum(map(is_in, clients)) == 2


def test_a_sign_in_whose_session_another_ended_ends_none(person: User) -> None:
    first, second = by_microsoft(), by_microsoft()
    for client, ended in ((first, 1), (second, 0)):
        assert service.end_oldest_of(person, client.cookies["sessionid"].value, 1) == ended
    assert [is_in(client) for client in (first, second)] == [True, False]


def test_without_it_there_is_no_bound(person: User) -> None:
    clients = [by_microsoft() for _ in range(4)]
    assert all(map(is_in, clients))


def test_nobody_elses_session_ends(person: User, settings: Settings) -> None:
    settings.SESSIONS_AT_ONCE = 1
    User.objects.create_user("other@contoso.example", is_staff=True)
    other = Client()
    other.force_login(User.objects.get(email="other@contoso.example"))
    by_microsoft()
    by_microsoft()
    [kept] = sessions().of(User.objects.get(email="other@contoso.example").pk)
    assert kept.user_id
