"""One login page for everybody of whom nothing is known, with a CSRF token of each one's own."""

import re
import time

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.admin import login_page
from tests.support.hosted import hosted

PAGE = "/admin/login/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    login_page._pages.clear()


def opened(client: Client, path: str = PAGE, **headers: str) -> tuple[str, bool]:
    """The page's text, and whether it was rendered for this visitor."""
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return response.text, bool(response.templates)


def without_token(text: str) -> str:
    return TOKEN.sub("", text)


def test_strangers_have_one_page_and_each_a_token_of_their_own() -> None:
    (first, was_made), (second, is_made) = opened(Client()), opened(Client())
    assert (was_made, is_made) == (True, False)
    assert without_token(first) == without_token(second)
    tokens = [TOKEN.findall(text) for text in (first, second)]
    assert len(tokens[0]) == len(tokens[1]) == 1
    assert tokens[0] != tokens[1]
    for page in login_page._pages.values():
        assert login_page.TOKEN in page.decode()
        assert not any(token in page.decode() for (token,) in tokens)
    assert login_page.TOKEN not in first + second


@pytest.mark.django_db
def test_the_token_is_the_one_that_the_visitors_cookie_vouches_for() -> None:
    opened(Client())
    visitor, other = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    token = TOKEN.findall(opened(visitor)[0])[0]
    opened(other)
    path = "/accounts/microsoft/login/"
    assert visitor.post(path, {"csrfmiddlewaretoken": token}).status_code != 403
    assert other.post(path, {"csrfmiddlewaretoken": token}).status_code == 403


def test_headers_are_those_of_a_page_made_for_the_visitor() -> None:
    made, kept = Client().get(PAGE), Client().get(PAGE)
    assert made.templates
    assert not kept.templates
    apart = ("Content-Length", "Expires")
    assert {k: v for k, v in made.headers.items() if k not in apart} == {
        k: v for k, v in kept.headers.items() if k not in apart
    }
    assert "no-store" in kept.headers["Cache-Control"]
    assert "Cookie" in kept.headers["Vary"]
    assert kept.cookies.keys() == made.cookies.keys()


@pytest.mark.parametrize(
    "path", [f"{PAGE}?ended=idle", f"{PAGE}?next=/admin/&_popup=1", f"{PAGE}?anything=1"]
)
def test_whoever_asks_for_more_has_a_page_made(path: str) -> None:
    assert all(opened(Client(), path)[1] for _ in range(2))


def test_whoever_has_a_session_or_a_message_has_a_page_made(settings: Settings) -> None:
    opened(Client())
    for cookie in (settings.SESSION_COOKIE_NAME, "messages"):
        client = Client()
        client.cookies[cookie] = "x"
        assert opened(client)[1]


def test_each_language_and_each_way_on_has_its_page() -> None:
    further = f"{PAGE}?next=/admin/auth/group/"
    texts = [
        without_token(opened(Client(), path, **{"accept-language": language})[0])
        for path in (PAGE, further)
        for language in ("en", "de")
        for _ in range(2)
    ]
    assert len(set(texts)) == 4
    assert texts[::2] == texts[1::2]


def test_a_changed_setting_is_on_the_next_page(settings: Settings) -> None:
    opened(Client())
    settings.SITE_NAME = "Bakery"
    assert "Bakery" in opened(Client())[0]


def test_the_page_is_made_anew_each_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    opened(Client())
    assert not opened(Client())[1]
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert opened(Client())[1]


def test_no_more_than_some_are_kept() -> None:
    for number in range(2 * login_page._MOST_PAGES):
        opened(Client(), f"{PAGE}?next=/admin/{number}/")
    assert len(login_page._pages) <= login_page._MOST_PAGES


@pytest.mark.parametrize("name", ["IS_EXTENDED", "DEBUG"])
def test_others_templates_may_show_what_they_like(name: str, settings: Settings) -> None:
    setattr(settings, name, True)
    assert all(opened(Client())[1] for _ in range(2))


def test_so_may_another_sites() -> None:
    with hosted():
        assert all(login_page.is_shared(Client().get(PAGE).wsgi_request) is False for _ in "12")


def test_a_password_posted_to_the_page_is_refused() -> None:
    opened(Client())
    assert Client().post(PAGE, {"username": "x", "password": "y"}).status_code == 405
