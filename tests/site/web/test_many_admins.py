"""Admin anywhere, several times over: the button leads there, and back to where one was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import login
from django.test import Client, RequestFactory, override_settings

from accounts import staff_urls
from accounts.models import User
from accounts.operate import break_glass
from accounts.web.next_path import login_page_url, safe_next
from tests.emulator.person import sign_in_as
from tests.support.admins import let_in
from tests.support.visitor import START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db(transaction=True)
HOME = "/back-office/staff/"
OURS = [
    f"{HOME}{page}" for page in ("", "accounts/user/", "accounts/signin/", "accounts/sessions/")
]
THEIRS = [f"/office/{page}" for page in ("", "auth/group/", "auth/group/add/", "jsi18n/")]


@pytest.fixture(autouse=True)
def _urls() -> Iterator[None]:
    with override_settings(ROOT_URLCONF="tests.site.web.many_admins", STAFF_PATHS=("/reports/",)):
        yield


@pytest.fixture
def staff(transactional_db: None) -> User:
    return User.objects.create_superuser("staff@contoso.example")


@pytest.fixture
def client() -> Client:
    return Client(HTTP_HOST="testserver")


def test_where_staff_are() -> None:
    assert staff_urls.home() == HOME
    assert set(staff_urls.staff_prefixes()) == {HOME, "/office/", "/old/", "/reports/"}
    assert login_page_url("/office/auth/group/") == "/office/login/?next=/office/auth/group/"
    assert login_page_url("/old/") == f"{HOME}login/?next=/old/", "that one has no button"


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        (HOME, True),
        ("/office/auth/group/?q=1", True),
        ("/reports/", True),
        ("/admin/", False),
        ("/back-office/", False),
        ("/back-office/staff-report/", False),
        ("/office/login/", False),
        ("/office/logout/", False),
        ("/office/break-glass/", False),
        (f"{HOME}login/", False),
        ("/", False),
    ],
)
def test_next(path: str, kept: bool) -> None:
    assert safe_next(path) == (path if kept else HOME)


@pytest.mark.parametrize(
    "there",
    [
        HOME,
        f"{HOME}accounts/user/",
        "/office/",
        "/office/auth/group/",
        "/office/report/",
        "/reports/",
    ],
)
def test_from_any_page_of_staff_to_the_button_and_back(
    there: str, client: Client, staff: User, emulator: Emulator
) -> None:
    page = client.get(there, follow=True)
    assert b"microsoft-button" in page.content, page.redirect_chain
    url = client.post(page.context["microsoft_login_url"]).headers["Location"]
    back = client.get(sign_in_as(url, "staff", quick=True))
    assert back.headers["Location"] == there
    assert client.get(there).status_code == 200


def test_each_login_page_leads_to_its_own_site(client: Client, staff: User) -> None:
    assert client.get("/office/login/").context["microsoft_login_url"].endswith("?next=/office/")
    assert client.get(f"{HOME}login/").context["microsoft_login_url"] == START
    let_in(client, staff)
    assert client.get("/office/login/").headers["Location"] == "/office/"
    assert client.get(f"{HOME}login/").headers["Location"] == HOME


def test_pages_of_both_sites_answer(client: Client, staff: User) -> None:
    let_in(client, staff)
    for path in (*OURS, *THEIRS):
        page = client.get(path)
        assert page.status_code == 200, path
        assert b'"/admin/' not in page.content, path
    assert client.get("/nowhere/").status_code == 404
    out = client.post("/office/logout/")
    assert f'href="{HOME}login/"'.encode() in out.content


def test_break_glass_and_refusals(client: Client, staff: User, emulator: Emulator) -> None:
    link = urlsplit(break_glass.make(staff.email).url)
    assert link.path == f"{HOME}break-glass/"
    token = link.query.removeprefix("token=")
    assert client.post(link.path, {"token": token}).headers["Location"] == HOME
    assert client.get(HOME).status_code == 200
    other = Client(HTTP_HOST="testserver")
    url = other.post(f"{START}?next=/office/").headers["Location"]
    refused = other.get(sign_in_as(url, "nobody", quick=True))
    assert b'data-reason="unknown_user"' in refused.content
    assert b"next=/office/" in refused.content


@pytest.mark.parametrize(
    "there", [HOME, "/office/", "/office/report/", "/reports/", "/reports/?page=2"]
)
def test_no_side_door(there: str, client: Client, staff: User) -> None:
    """`login()` by other code: the person is known to the public part, and is nobody to staff's."""
    client.force_login(staff)
    assert client.get("/").content == staff.email.encode()
    assert client.get(there).status_code == 302


def test_a_session_passed_on_by_hand_is_no_door(client: Client, staff: User) -> None:
    """Impersonation that ends: its own login brings the first person back, not through a door."""
    other = User.objects.create_superuser("other@contoso.example")
    let_in(client, staff)
    assert client.get("/office/report/").content == staff.email.encode()
    request: Any = RequestFactory().get("/")
    for user in (other, staff):
        request.session = client.session
        login(request, user, backend="accounts.web.backends.MicrosoftBackend")
        request.session.save()
        client.cookies["sessionid"] = request.session.session_key
        assert client.get("/").content == user.email.encode()
        assert client.get("/office/report/").status_code == 302
        assert client.get(HOME).status_code == 302
