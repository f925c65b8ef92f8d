"""One origin for staff, and sessions that outlive an outage of their store."""

from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.web.middleware import SessionMiddleware
from tests.servers.redis import Redis
from tests.support.admins import let_in

ELSEWHERE = {"Host": "127.0.0.1:8000"}

DJANGOS = "django.contrib.sessions"


def reason(response: object) -> str:
    text = getattr(response, "content", b"").decode()
    return text.partition('data-reason="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/admin/login/", "/admin/login/?origin_checked=1"),
        ("/admin/login/?next=/admin/a%20b", "/admin/login/?next=%2Fadmin%2Fa+b&origin_checked=1"),
        ("/accounts/microsoft/login/", "/accounts/microsoft/login/?origin_checked=1"),
        ("/admin/auth/", "/admin/auth/?origin_checked=1"),
        ("/", "/?origin_checked=1"),
    ],
)
def test_another_host_leads_to_the_public_one(client: Client, path: str, target: str) -> None:
    response = client.get(path, headers=ELSEWHERE)
    assert (response.status_code, response["Location"]) == (302, f"http://testserver{target}")
    assert response["Cache-Control"] == "no-store"


def test_another_scheme_leads_to_the_public_one(client: Client, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://testserver"
    response = client.get("/admin/login/")
    assert response["Location"] == "https://testserver/admin/login/?origin_checked=1"


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "testserver:81"])
def test_no_redirect_leads_to_the_requests_host(client: Client, host: str) -> None:
    response = client.get("/admin/login/", headers={"Host": host})
    assert response["Location"].startswith("http://testserver/admin/login/?")


@pytest.mark.parametrize("host", ["testserver", "TESTSERVER", "testserver:80"])
def test_the_public_host_is_left_alone(client: Client, host: str) -> None:
    assert client.get("/accounts/microsoft/login/", headers={"Host": host}).status_code == 200


def test_on_the_right_origin_the_mark_goes(client: Client) -> None:
    response = client.get("/admin/login/?next=/admin/&origin_checked=1")
    assert response["Location"] == "http://testserver/admin/login/?next=%2Fadmin%2F"


@pytest.mark.django_db
def test_a_proxy_that_hides_the_origin_is_told_not_looped(
    client: Client, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PUBLIC_URL = "https://testserver"
    headers = {"X-Forwarded-Proto": "https"}
    response = client.get("/admin/login/?origin_checked=1", headers=headers)
    assert (response.status_code, reason(response)) == (503, "misconfigured")
    assert "the request still has the scheme http" in caplog.text + str(caplog.records[0].__dict__)


def test_a_trusted_proxy_shows_the_origin(client: Client, settings: Settings) -> None:
    settings.PUBLIC_URL, settings.TRUSTED_PROXY_COUNT = "https://testserver", 1
    headers = {"X-Forwarded-Proto": "https"}
    assert client.get("/accounts/microsoft/login/", headers=headers).status_code == 200


def test_a_start_posted_elsewhere_leads_to_the_login_page(client: Client) -> None:
    path = "/accounts/microsoft/login/?next=/admin/auth/"
    response = client.post(path, headers=ELSEWHERE)
    assert response.status_code == 303
    assert response["Location"] == "http://testserver/admin/login/?next=/admin/auth/"


@pytest.mark.django_db
def test_the_callback_is_left_to_its_state(client: Client) -> None:
    response = client.get("/accounts/microsoft/login/callback/", headers={"Host": "localhost"})
    assert response.status_code == 400


@pytest.fixture
def signed_in(client: Client, db: None) -> Client:
    user = get_user_model().objects.create_user("staff@contoso.example", is_superuser=True)
    let_in(client, user)
    return client


@pytest.fixture
def store(redis_server: Redis) -> Iterator[Redis]:
    """Redis, which a test may let hang."""
    yield redis_server
    redis_server.resume()


def test_an_outage_of_the_store_signs_nobody_out(signed_in: Client, store: Redis) -> None:
    store.pause()
    response = signed_in.get("/admin/")
    assert (response.status_code, reason(response)) == (503, "session_store_unavailable")
    assert "sessionid" not in response.cookies
    store.resume()
    assert signed_in.get("/admin/").status_code == 200


def test_djangos_own_cache_sessions_sign_people_out(
    signed_in: Client, store: Redis, settings: Settings
) -> None:
    """What the store and the middleware of this project are for: the same outage, with Django's."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    ours, djangos = (f"{of}.middleware.SessionMiddleware" for of in ("accounts.web", DJANGOS))
    settings.MIDDLEWARE = [djangos if name == ours else name for name in settings.MIDDLEWARE]
    client = Client()
    let_in(client, get_user_model().objects.get())
    store.pause()
    response = client.get("/admin/")
    assert response.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 0
    store.resume()
    assert client.get("/admin/").status_code == 302


def test_a_session_that_is_gone_takes_no_cookie_away(signed_in: Client, store: Redis) -> None:
    """Another tab may have been given a new one meanwhile."""
    store.client().flushdb()
    response = signed_in.get("/admin/")
    assert response.status_code == 302
    assert "sessionid" not in response.cookies


def test_signing_out_takes_the_cookie_away(signed_in: Client, store: Redis) -> None:
    response = signed_in.post("/admin/logout/")
    assert response.cookies["sessionid"]["max-age"] == 0


def test_a_session_that_cannot_be_saved_sets_no_cookie(store: Redis) -> None:
    def site(request: object) -> HttpResponse:
        request.session["x"] = 1  # type: ignore[attr-defined]
        store.pause()
        return HttpResponse("signed in")

    response = SessionMiddleware(site)(RequestFactory().get("/"))
    assert isinstance(response, HttpResponse)
    assert (response.status_code, reason(response)) == (503, "session_store_unavailable")
    assert not response.cookies


@pytest.mark.parametrize("error", [OperationalError("secret"), InterfaceError("secret")])
def test_an_outage_of_the_database_has_its_page(error: Exception) -> None:
    response = SessionMiddleware(HttpResponse).process_exception(RequestFactory().get("/"), error)
    assert response is not None
    assert (response.status_code, reason(response)) == (503, "database_unavailable")
    assert b"secret" not in response.content


def test_a_fault_of_ours_is_not_taken_for_an_outage() -> None:
    middleware = SessionMiddleware(HttpResponse)
    assert middleware.process_exception(RequestFactory().get("/"), ValueError()) is None
