"""The settings of a deployed site: what a browser and a checker see of them."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.formats import date_format
from django.utils.module_loading import import_string

from tests.servers import forked
from tests.servers.environment import deployed_environment
from tests.servers.process import clean_environment

ASK = """
import json, sys, django
from django.conf import settings
django.setup()
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def asked(env: dict[str, str], *names: str) -> dict[str, Any]:
    """What settings say in a process of their own."""
    told = forked.run("-c", ASK, *names, env=env | {"DJANGO_SETTINGS_MODULE": "project.settings"})
    assert told.returncode == 0, told.stderr
    answer: dict[str, Any] = json.loads(told.stdout)
    return answer


def deployed(*names: str, **changes: str) -> dict[str, Any]:
    return asked(deployed_environment() | changes, *names)


def test_a_deployed_site_passes_djangos_checks() -> None:
    command = ("manage.py", "check", "--deploy", "--fail-level", "WARNING")
    ended = forked.run(*command, env=deployed_environment())
    assert ended.returncode == 0, ended.stderr


def test_on_https_cookies_are_bound_to_the_host() -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME")
    assert list(deployed(*names).values()) == ["__Host-sessionid", "__Host-csrftoken"]


def test_a_host_prefix_has_what_browsers_demand_of_it() -> None:
    names = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_PATH", "SESSION_COOKIE_DOMAIN")
    assert list(deployed(*names).values()) == [True, "/", None]


def test_on_http_cookies_come_back_all_the_same() -> None:
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    found = asked(clean_environment(DEBUG="true"), *names)
    assert list(found.values()) == ["sessionid", False, 0]


def test_development_keeps_sessions_where_all_workers_see_them() -> None:
    found = asked(clean_environment(DEBUG="true"), "SESSION_ENGINE", "CACHES", "DATABASES")
    assert found["SESSION_ENGINE"] == "accounts.sessions.database"
    assert "DatabaseCache" in found["CACHES"]["default"]["BACKEND"]
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_what_the_database_url_says_of_connections_wins() -> None:
    url = "postgres://u@h/n?connect_timeout=7&sslmode=require"
    options = deployed("DATABASES", DATABASE_URL=url)["DATABASES"]["default"]["OPTIONS"]
    assert (options["connect_timeout"], options["sslmode"]) == (7, "require")
    assert "statement_timeout" in options["options"]


def test_sentinels_are_asked_for_the_master() -> None:
    url = "redis+sentinel://a:1,redis+sentinel://b:2/staff"
    cache = deployed("CACHES", REDIS_URL=url)["CACHES"]["default"]
    assert (cache["LOCATION"], cache["OPTIONS"]["SENTINELS"]) == (
        "redis://staff/0",
        [["a", 1], ["b", 2]],
    )


def test_passwords_are_checked_only_where_they_are_wanted() -> None:
    microsoft = "accounts.web.backends.MicrosoftBackend"
    name = "AUTHENTICATION_BACKENDS"
    assert deployed(name)[name] == [microsoft]
    assert len(deployed(name, ADMIN_PASSWORD_LOGIN="true")[name]) == 2


@pytest.mark.parametrize("language", [code for code, _ in settings.LANGUAGES])
@pytest.mark.parametrize("form", ["DATETIME_FORMAT", "SHORT_DATETIME_FORMAT"])
def test_every_time_that_people_read_names_its_zone(language: str, form: str) -> None:
    at = datetime(2026, 11, 25, 21, 5, tzinfo=ZoneInfo("Europe/Berlin"))
    with translation.override(language):
        told = date_format(at, form)
    assert told.endswith(" CET")
    assert "2026" in told


@pytest.mark.parametrize(
    ("password", "is_good"),
    [
        ("7 chars", False),
        ("password123", False),
        ("1234567890", False),
        ("only small letters and many of them", True),
        ("x yz" * 32, True),
    ],
)
def test_a_password_must_be_long_and_uncommon(password: str, is_good: bool) -> None:
    """ASVS 6.2: nothing else is asked of it."""
    try:
        validate_password(password)
    except ValidationError:
        assert not is_good
    else:
        assert is_good


def test_an_app_registration_left_to_admin_is_none_in_settings() -> None:
    unset = {"MICROSOFT_CLIENT_ID": "", "MICROSOFT_CLIENT_SECRET": ""}
    providers = deployed("SOCIALACCOUNT_PROVIDERS", **unset)["SOCIALACCOUNT_PROVIDERS"]
    assert providers["microsoft"]["APPS"] == []


def test_pages_carry_a_policy_without_inline_code(client: Client) -> None:
    policy = client.get("/accounts/microsoft/login/")["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert {"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(
        policy.split("; ")
    )


@pytest.mark.parametrize(("path", "sources"), [
    ("/accounts/microsoft/login/", "*"),
    ("/admin/login/", "*"),
    ("/accounts/microsoft/login/callback/", "*"),
    ("/admin/break-glass/", "'self'"),
    ("/nowhere/", "'self'"),
])  # fmt: skip
@pytest.mark.django_db
def test_only_pages_with_the_button_let_forms_lead_elsewhere(
    client: Client, path: str, sources: str
) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert f"form-action {sources}" in policy.split("; ")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Frame-Options", "DENY"),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin-allow-popups"),
    ],
)
@pytest.mark.parametrize("path", ["/accounts/microsoft/login/", "/accounts/", "/"])
def test_every_page_is_armoured(client: Client, path: str, header: str, value: str) -> None:
    assert client.get(path)[header] == value


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/login/", "/accounts/signup/", "/x"])
def test_nothing_else_is_there(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_the_root_leads_to_admin(client: Client) -> None:
    assert client.get("/")["Location"] == "/admin/"


@pytest.mark.django_db  # closing a response looks at the connection
def test_static_files_are_served_before_they_are_built(client: Client) -> None:
    response = client.get("/static/admin/css/base.css")
    response.close()
    assert response.status_code == 200


def test_an_error_report_has_nothing_that_lets_anyone_in() -> None:
    request = RequestFactory().post("/x?code=SEKRIT", {"password": "SEKRIT"})
    request.COOKIES["sessionid"] = "SEKRIT"
    reporter = import_string(settings.DEFAULT_EXCEPTION_REPORTER)(request, ValueError, None, None)
    report = reporter.get_traceback_text() + reporter.get_traceback_html()
    assert "SEKRIT" not in report
    assert settings.SECRET_KEY not in report
