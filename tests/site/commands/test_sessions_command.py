"""`./manage.py sessions`, as an operator uses it, on Redis and on the database."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from accounts.sessions import service as sessions
from tests.support.admins import let_in
from tests.support.operators import fail, help_of, manage, open_browser, run, run_json

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["redis", "database"], autouse=True)
def _store(request: pytest.FixtureRequest, settings: Settings) -> None:
    if request.param == "database":
        settings.REDIS_URL = ""
        settings.SESSION_ENGINE = "accounts.sessions.database"


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada@contoso.example")


@pytest.fixture
def eve() -> User:
    return User.objects.create_superuser("eve@contoso.example")


def sign_in(user: User) -> Client:
    client = open_browser(HTTP_USER_AGENT="Firefox", REMOTE_ADDR="192.0.2.7")
    let_in(client, user)
    return client


def is_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def test_nobody_is_signed_in() -> None:
    assert run_json("sessions", "list") == []
    assert len(run("sessions", "list").splitlines()) == 1


def test_list_tells_who_and_since_when(ada: User) -> None:
    sign_in(ada)
    [session] = run_json("sessions", "list")
    assert session["email"] == "ada@contoso.example"
    assert session["since"] < session["expires"]
    assert "ada@contoso.example" in run("sessions", "list")


def test_list_never_shows_a_key(ada: User) -> None:
    client = sign_in(ada)
    key = client.cookies["sessionid"].value
    assert key not in run("sessions", "list", "--json") + run("sessions", "list")


def test_list_can_be_of_one_person(ada: User, eve: User) -> None:
    sign_in(ada)
    sign_in(eve)
    listed = run_json("sessions", "list", "--email", "EVE@contoso.example")
    assert [session["email"] for session in listed] == ["eve@contoso.example"]


def test_ending_a_person_s_sessions_touches_no_other_s(ada: User, eve: User) -> None:
    clients = [sign_in(ada), sign_in(ada), sign_in(eve)]
    assert run_json("sessions", "end", "--email", ada.email) == {"sessions_ended": 2}
    assert [is_in(client) for client in clients] == [False, False, True]


def test_ending_one_session_leaves_the_person_s_others(ada: User) -> None:
    first = sign_in(ada)
    [session] = run_json("sessions", "list")
    second = sign_in(ada)
    run("sessions", "end", "--handle", session["handle"])
    assert [is_in(first), is_in(second)] == [False, True]


def test_everyone_can_be_signed_out(ada: User, eve: User) -> None:
    clients = [sign_in(ada), sign_in(eve), open_browser()]
    assert run_json("sessions", "end", "--everyone") == {"sessions_ended": 2}
    assert not any(map(is_in, clients))


def test_a_person_s_session_is_not_ended_as_another_s(ada: User, eve: User) -> None:
    client = sign_in(ada)
    [session] = sessions.listing(ada)
    with pytest.raises(sessions.NoSuchSession):
        sessions.end(session.handle, eve)
    assert is_in(client)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--email", "nobody@x.example"], "staff list"),
        (["end", "--email", "nobody@x.example"], "staff list"),
        (["end", "--handle", "0123456789ab"], "sessions list"),
        (["end"], "--everyone"),
        (["end", "--everyone", "--email", "a@x.example"], "not allowed"),
        (["start"], "invalid choice"),
    ],
)
def test_wrong_input_ends_nothing_and_says_what_next(
    words: list[str], said: str, ada: User
) -> None:
    client = sign_in(ada)
    assert said in fail("sessions", *words).error
    assert is_in(client)


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("sessions", capsys)
    assert "./manage.py sessions end --email ada@contoso.com" in text
    assert "exit codes:" in text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_store", ["redis"], indirect=True)
def test_it_signs_out_from_a_process_of_its_own(ada: User) -> None:
    client = sign_in(ada)
    done = manage("sessions", "end", "--email", ada.email)
    assert done.returncode == 0, done.stderr
    assert "audit sessions.ended" in done.stderr
    assert not is_in(client)


@pytest.mark.django_db(transaction=True)
def test_a_store_that_is_away_is_said_to_be() -> None:
    done = manage("sessions", "list", REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 1
    assert "doctor" in done.stderr
    assert "Traceback" not in done.stderr
