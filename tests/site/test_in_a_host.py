"""In another site: what is said there is said of its own settings, and its gaps are found."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.admin import SocialAccountAdmin
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as site_settings
from django.contrib.admin import AdminSite
from django.core import checks
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.core.management import load_command_class
from django.test import RequestFactory, modify_settings

from accounts import host, reasons
from accounts.admin import advice, pages
from accounts.conf import CSRF_FAILURE_BEFORE, READ
from accounts.display.naming import DICTIONARY, as_set_here
from accounts.entra import errors
from accounts.operate.doctor import catalogue, causes
from accounts.operate.doctor.finding import fault, finding_of, ok
from accounts.operate.doctor.probes import clock, redis
from accounts.web import throttle
from tests.site.test_checks import ENGINES, LOCMEM, MISTAKES, PICKLED, SECURE
from tests.support.admins import person, superuser
from tests.support.hosted import NAME, OWN, hosted
from tests.support.operators import run

# What is not there: files of this repository, its make targets, and its variables by their names.
FILES = r"project/|extension/|(?<!microsoft_admin/)(?<![\w/-])docs/|requirements/|\.env\b|gunicorn"
COMMANDS = r"\bmake (run|test|wheel|check|requirements)\b"


def nothing_of_ours(text: str, names: set[str]) -> None:
    variables = "|".join({*names, "REDIS_URL", "DATABASE_URL"} - {"ALLOWED_HOSTS"})
    found = re.search(rf'{FILES}|{COMMANDS}|(?<![\w"])({variables})\b(?!["\w])', text)
    assert not found, f"{found[0]}: {text}"


@pytest.fixture
def names() -> Iterator[set[str]]:
    """The variables of this project that are keys of the dictionary there."""
    with hosted() as read:
        yield set(read)


def test_doctor_names_nothing_of_this_repository(names: set[str]) -> None:
    facts = {"of": "REDIS_URL", "fix": "Set DATABASE_URL=postgres://h/n", "hint": "Set DEBUG=true."}
    for id_ in catalogue.CATALOGUE:
        for seen in (fault(id_, **facts), ok(id_, **facts)):
            found = finding_of(seen)
            nothing_of_ours(f"{found.title} {found.detail} {found.fix}", names)
            assert found.page.startswith("/") or not found.page
    for code in causes.FIXES:
        for of in ("REDIS_URL", "DATABASE_URL", "PUBLIC_URL"):
            nothing_of_ours(as_set_here(causes.fix_of(code, of)), names)


@pytest.mark.parametrize("language", ["en", "de"])
def test_neither_do_the_reasons(language: str, names: set[str]) -> None:
    from django.utils.translation import override

    with override(language):
        for code in reasons.REASONS:
            nothing_of_ours(f"{advice.meaning_of(code)} {advice.fix_of(code)}", names)
    for row in errors.ROWS.values():
        nothing_of_ours(as_set_here(row.hint), names)
    assert reasons.Refused("wrong_tenant", "not one of MICROSOFT_ALLOWED_TENANTS").detail == (
        'not one of MICROSOFT_ADMIN["ALLOWED_TENANTS"]'
    )


def test_nor_do_the_commands(names: set[str]) -> None:
    for command in ("doctor", "staff", "sessions", "sign_ins", "microsoft_app", "audit", "roles"):
        parser = load_command_class("accounts", command).create_parser("manage.py", command)
        nothing_of_ours(parser.format_help(), names)
    nothing_of_ours(run("doctor", "--explain", "all"), names)


@pytest.mark.parametrize(("settings", "expected"), MISTAKES)
def test_nor_do_the_checks(settings: dict[str, Any], expected: str) -> None:
    with hosted(**settings) as read:
        names = set(read)
        for each in checks.run_checks(include_deployment_checks=True):
            if str(each.id).startswith("accounts."):
                nothing_of_ours(f"{each.msg} {each.hint}".replace("accounts.", ""), names)


@pytest.mark.parametrize(("text", "there"), [
    ("Set PUBLIC_URL to the address.", 'Set MICROSOFT_ADMIN["PUBLIC_URL"] to the address.'),
    ("sets MICROSOFT_ALLOW_GUESTS=true.", 'sets MICROSOFT_ADMIN["ALLOW_GUESTS"] = True.'),
    ("Set TRUSTED_PROXY_COUNT=1, or", 'Set MICROSOFT_ADMIN["TRUSTED_PROXY_COUNT"] = 1, or'),
    ("PUBLIC_URL=https://a.example; or", 'MICROSOFT_ADMIN["PUBLIC_URL"] = "https://a.example"; or'),
    ("Only with DEBUG=true: it", "Only with DEBUG = True: it"),
    ("Set DATABASE_URL=postgres://h/n, or", 'Set DATABASES["default"] to PostgreSQL, or'),
    ("of the environment.", "of the settings."),
    ("end REDIS_URL with /0.", 'end CACHES["default"]["LOCATION"] with /0.'),
    ("SECRET_KEY and SESSION_ENGINE stay", "SECRET_KEY and SESSION_ENGINE stay"),
    ("pip install -r requirements/azure.txt", 'pip install "django-microsoft-admin[azure]"'),
])  # fmt: skip
def test_a_setting_is_named_as_it_is_set(text: str, there: str) -> None:
    with hosted():
        assert as_set_here(text) == there
        assert as_set_here(there) == there
    assert as_set_here(text) == text


WELL: dict[str, Any] = {**SECURE, "SESSION_ENGINE": f"{ENGINES}db", "CACHES": LOCMEM}
REDIS = {"default": {**PICKLED["default"], "LOCATION": "redis://localhost"}}
JSON = {"SERIALIZER": "django_redis.serializers.json.JSONSerializer"}
SAFE_REDIS = {"default": {**REDIS["default"], "OPTIONS": JSON}}
ON_ITS_PROXY: dict[str, Any] = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}


def ids(given: dict[str, Any] | None = None, **settings: Any) -> set[str]:
    with hosted(given, **(WELL | settings)):
        found = checks.run_checks()
        return {str(each.id).removeprefix("accounts.") for each in found if not each.is_silenced()}


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, {"I004"}),
    ({"CACHES": SAFE_REDIS}, set()),
    ({"CACHES": REDIS}, {"I003"}),
    ({"SESSION_ENGINE": f"{ENGINES}cached_db"}, {"I004", "E041"}),
    ({"SESSION_ENGINE": f"{ENGINES}cached_db", "CACHES": SAFE_REDIS}, set()),
    ({"SESSION_ENGINE": f"{ENGINES}cache", "CACHES": SAFE_REDIS}, set()),
    ({"SESSION_ENGINE": f"{ENGINES}cache"}, {"I004", "E001"}),
    ({"SESSION_COOKIE_NAME": "sid"}, {"I004"}),
    ({"SESSION_COOKIE_DOMAIN": ".example.com", "CSRF_COOKIE_DOMAIN": "example.com"}, {"I004"}),
    ({"SESSION_COOKIE_DOMAIN": "ample.com"}, {"I004", "E024"}),
    ({"CACHES": {"default": {**SAFE_REDIS["default"], "LOCATION": "redis://r"}}}, {"W017"}),
    (ON_ITS_PROXY, {"I004", "W016"}),
])  # fmt: skip
def test_the_gaps_of_a_site_are_found(settings: dict[str, Any], expected: set[str]) -> None:
    assert ids(**settings) == expected


def test_settings_in_two_files_may_be_configured_twice() -> None:
    """In the one that both share, and again in the one that is read last, which changed them."""
    theirs: dict[str, Any] = {
        "INSTALLED_APPS": ["django.contrib.admin", "django.contrib.auth", "people"],
        "MIDDLEWARE": ["a.SessionMiddleware", "a.AuthenticationMiddleware"],
        "ALLOWED_HOSTS": [NAME],
        "CSRF_FAILURE_VIEW": "their.view",
        DICTIONARY: {**OWN, "TRUSTED_PROXY_COUNT": 1},
    }
    host.configure(theirs)
    once = {name: list(theirs[name]) for name in ("INSTALLED_APPS", "MIDDLEWARE")}
    theirs["ALLOWED_HOSTS"] = ["other.example.com"]
    host.configure(theirs)
    assert {name: list(theirs[name]) for name in once} == once
    assert len(theirs["AUTHENTICATION_BACKENDS"]) == 2
    assert theirs[READ]["PUBLIC_URL"] == "https://other.example.com"
    assert theirs[READ][CSRF_FAILURE_BEFORE] == "their.view"


def test_its_origin_has_tls_but_on_its_own_machine() -> None:
    theirs: dict[str, Any] = {
        "INSTALLED_APPS": ["django.contrib.admin", "django.contrib.auth"],
        "MIDDLEWARE": ["a.SessionMiddleware", "a.AuthenticationMiddleware"],
        DICTIONARY: {**OWN, "PUBLIC_URL": "http://intranet"},
    }
    with pytest.raises(ImproperlyConfigured, match=r'"PUBLIC_URL"\] must start with https'):
        host.configure(theirs)


def test_a_site_that_a_package_made_and_nobody_serves_is_no_gap() -> None:
    site = AdminSite()
    assert "E039" not in ids()
    assert site.name == "admin"


def test_a_bound_that_cannot_be_kept() -> None:
    on, cached = {"SESSIONS_AT_ONCE": 2}, {"SESSION_ENGINE": f"{ENGINES}cache"}
    assert ids(on, CACHES=SAFE_REDIS, **cached) == {"W019"}
    assert ids(on, CACHES=SAFE_REDIS, SESSION_ENGINE=f"{ENGINES}cached_db") == set()


def test_a_proxy_that_nobody_trusts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNO", "web.1")
    assert ids() == {"I004", "E008"}
    assert ids(**ON_ITS_PROXY) == {"I004", "W016"}
    assert ids({"TRUSTED_PROXY_COUNT": 1}, **ON_ITS_PROXY) == {"I004"}
    assert ids({"TRUSTED_PROXY_COUNT": 1}, MIDDLEWARE=[]) >= {"W015"}


def test_its_origin_is_its_own() -> None:
    with hosted() as read:
        assert read["PUBLIC_URL"] == f"https://{NAME}"


@pytest.mark.parametrize("backend", [
    "django.core.cache.backends.redis.RedisCache", "django_redis.cache.RedisCache",
])  # fmt: skip
def test_its_redis_counts_for_all_and_is_looked_at(backend: str) -> None:
    here = site_settings.CACHES["default"]
    entry = {"BACKEND": backend, "LOCATION": here["LOCATION"], "KEY_PREFIX": "theirs"}
    with hosted(CACHES={"default": entry}, SESSION_ENGINE=f"{ENGINES}db"):
        one, other = throttle.new_limiter(), throttle.new_limiter()
        for _ in range(throttle.BREAK_GLASS.item.amount):
            assert one.hit(throttle.BREAK_GLASS.item, "them")
        assert not other.hit(throttle.BREAK_GLASS.item, "them")
        one.clear(throttle.BREAK_GLASS.item, "them")
        assert redis.is_used()
        probes = (redis.reachable, redis.writable, redis.uses, redis.condition, clock.of_redis)
        seen = [each for probe in probes for each in probe()]
    assert [each.id for each in seen if not each.ok] == []
    assert {"redis.reachable", "redis.writable", "redis.rights"} <= {each.id for each in seen}


def test_identities_on_allauths_own_page_are_superusers(rf: RequestFactory, db: None) -> None:
    """A colleague who may change social accounts would sign in as whomever they bind theirs to."""
    google = {"append": "allauth.socialaccount.providers.google"}
    root, colleague = superuser(), person("colleague@contoso.example")
    for provider in ("microsoft", "google"):
        SocialAccount.objects.create(user=root, provider=provider, uid="u")
    site = AdminSite()
    site.register(SocialAccount, SocialAccountAdmin)
    with hosted(), modify_settings(INSTALLED_APPS=google):
        pages.register(site)
    page, request = site.get_model_admin(SocialAccount), rf.get("/")
    mine = SocialAccount(user=root, provider="microsoft", uid="of the colleague")
    request.user = colleague
    assert [row.provider for row in page.get_queryset(request)] == ["google"]
    with pytest.raises(PermissionDenied):
        page.save_model(request, mine, None, change=False)
    request.user = root
    page.save_model(request, mine, None, change=False)
    assert page.get_queryset(request).count() == 3
