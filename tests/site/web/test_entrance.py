"""Admin opens to sessions that came in by our doors, and `next` is honoured where staff work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, login
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.test import Client, RequestFactory

from accounts.models import SignIn, User
from accounts.web import entrance
from accounts.web.next_path import safe_next
from tests.emulator.person import sign_in_as
from tests.support.admins import let_in
from tests.support.visitor import LOGIN, START

if TYPE_CHECKING:
    from tests.emulator.server import Emulator

HOME = "/admin/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(transactional_db: None) -> User:
    return User.objects.create_superuser("staff@contoso.example")


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="testserver")


def in_admin(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def request_of(user_id: int, **entries: Any) -> Any:
    request: Any = RequestFactory().get("/admin/")
    request.session = SessionBase()
    request.session._session_cache = {SESSION_KEY: str(user_id), **entries}
    request.user = User(pk=user_id)
    return request


def test_a_session_made_by_other_code_is_nobody_in_admin(client: Client, staff: User) -> None:
    client.force_login(staff)
    assert not in_admin(client)
    page = client.get(LOGIN).content.decode()
    assert "this area opens only after signing in with Microsoft" in page
    assert client.post("/admin/accounts/user/add/", {}).status_code == 302


def test_and_is_let_in_where_the_site_says_so(client: Client, staff: User, settings: Any) -> None:
    settings.ADMIN_BY_MICROSOFT_ONLY = False
    client.force_login(staff)
    assert in_admin(client)


def test_microsoft_is_a_door(client: Client, staff: User, emulator: Emulator) -> None:
    client.force_login(staff)
    client.get(sign_in_as(client.post(START).headers["Location"], "staff", quick=True))
    assert in_admin(client)


def test_another_login_in_the_same_session_closes_it(client: Client, staff: User) -> None:
    """A public login, or an impersonation, by the same person: it proves something else."""
    let_in(client, staff)
    assert in_admin(client)
    request: Any = RequestFactory().get("/")
    request.session = client.session
    login(request, staff, backend="django.contrib.auth.backends.ModelBackend")
    assert not entrance.opens_admin(request)


@pytest.mark.parametrize(
    "mark", ["", "microsoft ", "Microsoft", "admin", None, True, 1, ["microsoft"]]
)
def test_an_odd_mark_is_no_door(mark: Any) -> None:
    assert not entrance.opens_admin(request_of(7, **{entrance.ENTRY: mark}))


def test_the_password_door_closes_with_its_setting(settings: Any) -> None:
    request = request_of(7, **{entrance.ENTRY: str(SignIn.Method.PASSWORD)})
    assert not entrance.opens_admin(request)
    settings.ADMIN_PASSWORD_LOGIN = True
    assert entrance.opens_admin(request)


def test_a_session_that_is_moved_to_another_person_is_nobody_in_admin(
    client: Client, staff: User
) -> None:
    other = User.objects.create_superuser("other@contoso.example")
    let_in(client, staff)
    assert in_admin(client)
    moved = client.session
    moved[SESSION_KEY], moved[HASH_SESSION_KEY] = str(other.pk), other.get_session_auth_hash()
    moved.save()
    assert not in_admin(client)


@pytest.mark.parametrize("user_id", [8, None])
def test_the_mark_is_of_one_person(user_id: int | None) -> None:
    """Code that changes whose a session is, or whom a request speaks for, by hand."""
    entry = {entrance.ENTRY: str(SignIn.Method.MICROSOFT)}
    assert entrance.opens_admin(request_of(7, **entry))
    assert not entrance.opens_admin(request_of(7, **entry, **{entrance.WHO: "8"}))
    request = request_of(7, **entry)
    request.user = User(pk=user_id) if user_id else AnonymousUser()
    assert not entrance.opens_admin(request)


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/reports/", True),
        ("/reports/2026/?q=1", True),
        ("/admin/accounts/user/", True),
        ("/report/", False),
        ("/reportsX/", False),
        ("/reports/../accounts/microsoft/login/", False),
        ("/reports/%2e%2e/public/", False),
        ("/reports/../admin/logout/", False),
        ("//reports/", False),
        ("/tools/", False),
    ],
)
def test_next_is_honoured_on_the_paths_of_staff(path: str, kept: bool, settings: Any) -> None:
    settings.STAFF_PATHS = ("/reports/",)
    assert safe_next(path) == (path if kept else HOME)


def test_a_sign_in_ends_on_a_path_of_staff(
    client: Client, staff: User, emulator: Emulator, settings: Any
) -> None:
    settings.STAFF_PATHS = ("/reports/",)
    url = client.post(f"{START}?next=/reports/2026/").headers["Location"]
    assert client.get(sign_in_as(url, "staff", quick=True)).headers["Location"] == "/reports/2026/"
