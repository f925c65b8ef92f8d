"""Static checks: each mistake in the settings has its own id, and good settings have none."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.conf.urls.i18n import i18n_patterns
from django.core import checks
from django.test import override_settings
from django.urls import include, path, re_path
from django.views import View

from accounts import users
from accounts.checks import access
from accounts.checks import site as ours
from accounts.models import User
from accounts.operate.doctor.finding import finding_of
from accounts.operate.doctor.probes import settings as probe
from accounts.reasons import REASONS
from tests.site.web.many_admins import who
from tests.support.hosted import hosted

LOCMEM = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DJANGOS_REDIS = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}
}
PICKLED = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://x"}}
HTTPS = {"PUBLIC_URL": "https://staff.example.com", "ALLOWED_HOSTS": ["staff.example.com"]}
SECURE = {"SESSION_COOKIE_SECURE": True, "CSRF_COOKIE_SECURE": True}
GOOD = HTTPS | SECURE
ENGINES = "django.contrib.sessions.backends."
OURS = "accounts.web.backends.MicrosoftBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
ALLAUTH = "allauth.account.auth_backends.AuthenticationBackend"
WITHOUT_PROXY = [m for m in site_settings.MIDDLEWARE if "Proxy" not in m]
WITHOUT_SESSIONS = ["django.contrib.auth.middleware.AuthenticationMiddleware"]


def ids(**settings: Any) -> set[str | None]:
    with override_settings(**settings):
        return {message.id for message in checks.run_checks() if not message.is_silenced()}


@pytest.mark.parametrize("settings", [{}, GOOD])
def test_good_settings_have_no_findings(settings: dict[str, Any]) -> None:
    assert ids(**settings) == set()


MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"CACHES": LOCMEM}, "E022"),
    ({"SESSION_ENGINE": f"{ENGINES}cache", "CACHES": LOCMEM}, "E001"),
    ({"SESSION_ENGINE": f"{ENGINES}file"}, "E020"),
    ({"SESSION_HOURS": 25}, "W008"),
    ({"STEP_UP": "c1"}, "I002"),
    ({"SESSION_ENGINE": f"{ENGINES}signed_cookies"}, "E021"),
    ({"CACHES": PICKLED}, "E002"),
    ({"SESSION_SERIALIZER": "some.PickleSerializer"}, "E023"),
    ({"SESSION_COOKIE_SAMESITE": "Strict"}, "E003"),
    ({"SESSION_COOKIE_DOMAIN": "other.example"}, "E024"),
    ({"SESSION_COOKIE_PATH": "/admin/"}, "E025"),
    ({"SESSION_COOKIE_SECURE": True}, "E026"),
    ({"SESSION_COOKIE_NAME": "__Host-sessionid"}, "E027"),
    ({"SESSION_COOKIE_SAMESITE": "None"}, "E028"),
    ({"SESSION_COOKIE_NAME": "sid"}, "E029"),
    ({"SOCIALACCOUNT_ADAPTER": "allauth.socialaccount.adapter.X"}, "E004"),
    ({"AUTHENTICATION_BACKENDS": ["django.contrib.auth.backends.ModelBackend"]}, "E032"),
    ({"MIDDLEWARE": WITHOUT_SESSIONS}, "E005"),
    ({"ALLOWED_HOSTS": ["other.example"]}, "E006"),
    ({"CSRF_COOKIE_SECURE": True}, "E007"),
    ({"CSRF_COOKIE_DOMAIN": "other.example"}, "E034"),
    ({"SECURE_SSL_REDIRECT": True}, "E038"),
    ({"ROOT_URLCONF": "django.contrib.auth.urls"}, "E009"),
    ({"ROOT_URLCONF": (re_path("", who), path("", include("accounts.urls")))}, "E009"),
    ({"ROOT_URLCONF": (*i18n_patterns(path("", include("accounts.urls"))),)}, "E009"),
    (GOOD | {"DEBUG": True}, "W002"),
    ({"SESSION_SAVE_EVERY_REQUEST": True}, "W003"),
    (GOOD | {"SESSION_COOKIE_SECURE": False}, "W005"),
    ({"REDIS_URL": "redis://redis.example.com/0"}, "E011"),
    ({"REDIS_URL": "", "CACHES": PICKLED}, "E011"),
    ({"ROOT_URLCONF": "tests.site.web.many_admins"}, "E039"),
    ({"ADMIN_BY_MICROSOFT_ONLY": False, "AUTHENTICATION_BACKENDS": [OURS, MODEL]}, "W011"),
    ({"ADMIN_BY_MICROSOFT_ONLY": False, "AUTHENTICATION_BACKENDS": [OURS, ALLAUTH]}, "W011"),
    ({"ROOT_URLCONF": "tests.site.web.many_admins"}, "E040"),
    ({"MIDDLEWARE": [m for m in site_settings.MIDDLEWARE if "Entrance" not in m]}, "W014"),
    ({"ROOT_URLCONF": "tests.site.web.many_admins"}, "W018"),
    ({"ROOT_URLCONF": "tests.site.web.many_admins"}, "E043"),
    ({"ENVIRONMENT_WARNINGS": ["X is set, but not read."]}, "W007"),
    ({"TRUSTED_PROXY_COUNT": 1, "MIDDLEWARE": WITHOUT_PROXY}, "W015"),
    ({"DEBUG": False, "CACHES": LOCMEM, "SESSION_ENGINE": f"{ENGINES}cached_db"}, "E041"),
    ({"CACHES": DJANGOS_REDIS}, "E002"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), MISTAKES)
def test_each_mistake_is_found(settings: dict[str, Any], expected: str) -> None:
    assert f"accounts.{expected}" in ids(**settings)


def test_users_need_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")
    assert users.email_field() == "email", "by which they sign in"
    assert "accounts.E042" not in ids()
    monkeypatch.setattr(User, "USERNAME_FIELD", "name")
    assert "accounts.E042" in ids()


def test_another_site_may_keep_its_sessions_in_files() -> None:
    with hosted(SESSION_ENGINE=f"{ENGINES}file"):
        found = ids()
    assert "accounts.I005" in found
    assert "accounts.E020" not in found


def test_a_private_network_needs_no_tls() -> None:
    clear = {"REDIS_URL": "redis://redis.example.com/0"}
    assert ids(**clear) == {"accounts.E011"}
    assert ids(**clear, PRIVATE_NETWORK=True) == set()
    assert "accounts.E011" not in ids(**clear, DEBUG=True)


def test_easy_auth_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    assert ids() == {"accounts.W001"}


@pytest.mark.parametrize("variable", ["WEBSITE_HOSTNAME", "DYNO", "K_SERVICE"])
def test_a_host_behind_a_proxy_must_trust_it(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    assert ids(**GOOD) == {"accounts.E008"}
    assert ids(**GOOD, TRUSTED_PROXY_COUNT=1) == set()


class Club:
    """A site whose sign-up is in a namespace."""

    urlpatterns = [
        *import_module("project.urls").urlpatterns,
        path("club/", include(([path("join/", View.as_view(), name="register")], "club"))),
    ]


def test_a_sign_up_in_a_namespace_is_found() -> None:
    assert "accounts.E040" in ids(ROOT_URLCONF=Club)


def test_the_middlewares_order_counts() -> None:
    assert "accounts.E033" in ids(MIDDLEWARE=site_settings.MIDDLEWARE[::-1])


def test_the_table_lists_every_id_that_is_used() -> None:
    text = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (ours, access))
    named = re.findall(r'"([EWI]\d{3})"(?!: )', text)
    assert set(named) == set(ours.CHECKS)


def test_what_staff_see_is_a_reason_or_a_phrase() -> None:
    shown = [item for check in ours.CHECKS.values() for item in check.shows_as]
    assert all(item in REASONS or " " in item for item in shown)


@pytest.mark.parametrize("settings", [
    {"SESSION_COOKIE_SECURE": True}, {"ALLOWED_HOSTS": ["other.example"]},
])  # fmt: skip
def test_doctor_says_what_the_check_says(settings: dict[str, Any]) -> None:
    with override_settings(**settings):
        (found, *_) = [finding_of(seen) for seen in probe.run()]
        (message, *_) = [each for each in checks.run_checks() if each.id == found.id]
    assert message.msg == f"{found.title}."
    assert str(message.hint).startswith(found.fix)
    assert found.fix


def test_hints_say_what_staff_would_meet() -> None:
    with override_settings(SESSION_COOKIE_SAMESITE="Strict"):
        hints = [str(message.hint) for message in checks.run_checks()]
    assert any(hint.endswith("Staff would meet: cookie_not_sent.") for hint in hints)
