"""Somebody else's site, in a process of its own, that lets people in by every other door there is.

Each function of the name `row_…` is run for `tests/site/test_crowded_site.py`, which reads what
failed: one process with SQLite in memory, Django's own users, and no server but Microsoft's.
"""

import html
import json
import os
import re
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

URL = "http://localhost:8000"
PASSWORD = "x9-long-enough"
BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
    "django.contrib.auth.backends.RemoteUserBackend",
    "guardian.backends.ObjectPermissionBackend",
]


class AllWithPeople:
    """A router: users, and all else, are in the database `people`."""

    away: tuple[str, ...] = ()  # apps that are elsewhere, for a row

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default" if model._meta.app_label in self.away else "people"

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "people"


def set_up(login_url: str) -> None:
    """Django, with these settings; the tables; and the people."""
    import django
    from django.conf import global_settings, settings
    from django.core.management import call_command

    from accounts.host import configure
    from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT

    contrib = ("auth", "contenttypes", "sessions", "messages", "staticfiles")
    own: dict[str, Any] = {
        "SECRET_KEY": "of-a-site-that-was-there-before-and-is-long-enough-for-everyone",
        "ALLOWED_HOSTS": ["localhost"],
        "INSTALLED_APPS": [
            "django.contrib.admin",
            *(f"django.contrib.{name}" for name in contrib),
            *("axes", "guardian", "hijack", "rest_framework", "django_otp"),
            *("allauth", "allauth.account", "allauth.socialaccount"),
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.auth.middleware.PersistentRemoteUserMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django_otp.middleware.OTPMiddleware",
            "hijack.middleware.HijackUserMiddleware",
            "axes.middleware.AxesMiddleware",
        ],
        "AUTHENTICATION_BACKENDS": BACKENDS,
        "ROOT_URLCONF": "tests.support.crowded_urls",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        # Nothing is in `default`: whatever does not ask where people are fails.
        "DATABASES": {
            name: {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
            for name in ("default", "people")
        },
        "DATABASE_ROUTERS": ["tests.support.crowded_site.AllWithPeople"],
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
        "SESSION_ENGINE": "django.contrib.sessions.backends.cached_db",
        "STATIC_URL": "static/",
        "USE_TZ": False,
        "LOGIN_REDIRECT_URL": "/mine/",
        "EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend",
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_SIGNUP_FIELDS": ["email*", "username*", "password1*"],
        "ACCOUNT_RATE_LIMITS": False,
        "ACCOUNT_ADAPTER": "tests.support.crowded_adapters.Account",
        "SOCIALACCOUNT_ADAPTER": "tests.support.crowded_adapters.Social",
        "REMOTE_USER_HEADER": "REMOTE_USER",
        "DEFAULT_AUTO_FIELD": global_settings.DEFAULT_AUTO_FIELD,
        "LOGGING_CONFIG": None,
        "MICROSOFT_ADMIN": {
            "TENANT_ID": TENANT,
            "CLIENT_ID": CLIENT_ID,
            "CLIENT_SECRET": CLIENT_SECRET,
            "LOGIN_URL": login_url,
            "PUBLIC_URL": URL,
        },
    }
    configure(own)
    settings.configure(**own)
    django.setup()
    call_command("migrate", verbosity=0, database="people")
    _add_people()


def _add_people() -> None:
    from django.contrib.auth.models import User

    User.objects.create_superuser("sam", "staff@contoso.example", PASSWORD)
    User.objects.create_superuser("eda", "editor@contoso.example", PASSWORD)


# --- what rows are made of -----------------------------------------------------------------------


def client() -> Any:
    from django.test import Client

    return Client(HTTP_HOST="localhost:8000", raise_request_exception=False)


def signed_in(person: str = "staff") -> Any:
    """Through Microsoft."""
    from tests.emulator.person import sign_in_as

    browser = client()
    url = browser.post("/accounts/microsoft/login/").headers["Location"]
    back = browser.get(sign_in_as(url, person, quick=True))
    assert back.headers.get("Location") == "/admin/", back.content
    return browser


def refused(person: str) -> str:
    """The reason code on the page."""
    from tests.emulator.person import sign_in_as

    browser = client()
    url = browser.post("/accounts/microsoft/login/").headers["Location"]
    page = str(browser.get(sign_in_as(url, person, quick=True)).content)
    return page.partition('data-reason="')[2].partition('"')[0]


def is_in(browser: Any) -> bool:
    return bool(browser.get("/admin/").status_code == 200)


def user(name: str = "sam") -> Any:
    from django.contrib.auth.models import User

    return User.objects.get(username=name)


@contextmanager
def said(**given: Any) -> Iterator[None]:
    """MICROSOFT_ADMIN with these besides."""
    from django.conf import settings
    from django.test import override_settings

    from accounts.conf import READ

    with override_settings(**{READ: {**getattr(settings, READ), **given}}):
        yield


def no_door(browser: Any) -> None:
    """Somebody's, and nobody where staff work: the login page says by which door they came."""
    assert browser.get("/mine/").content == b"sam"
    answer = browser.get("/admin/")
    assert answer.status_code == 302, answer.status_code
    shown = browser.get(answer.headers["Location"]).content
    assert b"microsoft-button" in shown
    assert b"opens only after signing in with Microsoft" in shown


# --- other doors ---------------------------------------------------------------------------------


def row_allauths_login_and_its_remember_me() -> None:
    browser = client()
    form = {"login": "sam", "password": PASSWORD, "remember": "on"}
    assert browser.post("/accounts/login/", form).status_code == 302
    no_door(browser)


def row_their_adapters_have_no_part_in_staffs_sign_in() -> None:
    from tests.support.crowded_adapters import CALLED

    CALLED.clear()
    assert is_in(signed_in())
    assert refused("nobody") == "unknown_user"
    assert CALLED == []
    assert client().get("/accounts/login/").status_code == 200
    assert CALLED, "and they are theirs still"


def row_a_sign_up_is_nobody_in_admin() -> None:
    browser = client()
    form = {"username": "new", "email": "new@contoso.example", "password1": PASSWORD}
    assert browser.post("/accounts/signup/", form).status_code == 302
    assert browser.get("/mine/").content == b"new"
    assert browser.get("/admin/").status_code == 302


def row_djangos_login() -> None:
    browser = client()
    assert browser.post("/login/", {"username": "sam", "password": PASSWORD}).status_code == 302
    no_door(browser)


def row_a_password_reset_that_signs_in() -> None:
    from django.contrib.auth.tokens import default_token_generator
    from django.utils.http import urlsafe_base64_encode

    key = urlsafe_base64_encode(str(user().pk).encode())
    browser = client()
    path = browser.get(f"/reset/{key}/{default_token_generator.make_token(user())}/")["Location"]
    form = {"new_password1": PASSWORD, "new_password2": PASSWORD}
    assert browser.post(path, form).status_code == 302
    no_door(browser)


def row_login_by_each_backend_in_a_view_of_theirs() -> None:
    from django.conf import settings

    for backend in settings.AUTHENTICATION_BACKENDS:
        browser = client()
        assert browser.get("/by-hand/", {"backend": backend}).status_code == 200, backend
        assert not is_in(browser), backend


def row_force_login_of_their_tests() -> None:
    browser = client()
    browser.force_login(user())
    no_door(browser)


def row_a_remote_user() -> None:
    browser = client()
    browser.defaults["REMOTE_USER"] = "sam"
    no_door(browser)


def row_a_remote_user_beside_somebody_who_is_in() -> None:
    browser = signed_in()
    browser.defaults["REMOTE_USER"] = "eda"
    assert not is_in(browser)


def row_an_api_takes_the_session_and_opens_no_admin() -> None:
    browser = client()
    browser.force_login(user())
    assert browser.get("/api/mine/").json() == {"name": "sam"}
    assert browser.get("/staff-api/mine/").status_code == 200
    with said(STAFF_PATHS=("/staff-api/",)):
        assert browser.get("/staff-api/mine/").status_code == 403
        assert signed_in().get("/staff-api/mine/").json() == {"name": "sam"}


def row_being_somebody_else_for_a_while() -> None:
    browser = signed_in()
    sent = browser.post("/hijack/acquire/", {"user_pk": user("eda").pk})
    assert sent.status_code == 302
    assert browser.get("/mine/").content == b"eda"
    assert not is_in(browser)
    assert browser.post("/hijack/release/").status_code == 302
    assert browser.get("/mine/").content == b"sam"
    assert not is_in(browser)


def row_a_second_login_in_the_same_session() -> None:
    browser = signed_in()
    browser.post("/login/", {"username": "eda", "password": PASSWORD})
    assert not is_in(browser)


def row_a_mark_of_their_own_making() -> None:
    browser = client()
    browser.force_login(user("eda"))
    theirs = browser.session
    theirs["entered_by"], theirs["entered_as"] = "microsoft", str(user().pk)
    theirs.save()
    assert not is_in(browser)


def row_all_of_them_are_in_where_the_site_says_so() -> None:
    browser = client()
    browser.force_login(user())
    with said(ADMIN_BY_MICROSOFT_ONLY=False):
        assert is_in(browser)


def row_axes_locks_neither_the_button_nor_break_glass() -> None:
    from django.core.management import call_command

    for _ in range(5):
        client().post("/login/", {"username": "sam", "password": "wrong"})
    refused = client().post("/login/", {"username": "sam", "password": PASSWORD})
    assert refused.status_code == 429
    try:
        assert is_in(signed_in())
        token = _link()
        browser = client()
        assert browser.post("/admin/break-glass/", {"token": token}).status_code == 302
        assert is_in(browser)
    finally:
        call_command("axes_reset", verbosity=0)


def row_checks_say_who_would_be_staff() -> None:
    from django.contrib.auth.models import User
    from django.core import checks
    from django.test import override_settings

    def found() -> set[str]:
        ours = {str(each.id) for each in checks.run_checks() if "accounts." in str(each.id)}
        return ours - {"accounts.I004", "accounts.E041"}  # a cache of one process: there is one

    field: Any = User._meta.get_field("is_staff")
    assert found() == set()
    field.default = True
    try:
        assert found() == {"accounts.W013", "accounts.E040"}
        with override_settings(ANONYMOUS_USER_NAME=None):
            assert found() == {"accounts.E040"}
    finally:
        field.default = False


def _link() -> str:
    from io import StringIO

    from django.core.management import call_command

    out = StringIO()
    call_command("break_glass", "staff@contoso.example", stdout=out)
    return out.getvalue().partition("token=")[2].split()[0]


# --- the pages that were there before ------------------------------------------------------------


def row_each_page_of_stock_admin_answers() -> None:
    pages = {
        "/admin/": 200,
        "/admin/password_change/": 200,
        "/admin/password_change/done/": 200,
        "/admin/jsi18n/": 200,
        "/admin/autocomplete/": 403,  # as Django has it, without the parameters
        "/admin/auth/": 200,
        "/admin/auth/user/": 200,
        "/admin/auth/user/add/": 200,
        "/admin/auth/user/1/change/": 200,
        "/admin/auth/user/1/password/": 200,
        "/admin/auth/user/1/history/": 200,
        "/admin/auth/user/1/delete/": 200,
        "/admin/auth/user/1/": 302,
        "/admin/auth/group/add/": 200,
        "/admin/r/1/1/": 404,
        "/admin/nothing/": 404,
    }
    browser = signed_in()
    assert {path: browser.get(path).status_code for path in pages} == pages
    shown = browser.get("/admin/").content
    assert b'href="/">View site</a>' in shown
    assert b'href="/admin/password_change/"' in shown


def row_their_policy_lets_the_button_lead_to_microsoft_and_beyond() -> None:
    from django.conf import settings
    from django.test import override_settings

    policy = {"DIRECTIVES": {"default-src": ["'self'"], "form-action": ["'self'"]}}
    middleware = [*settings.MIDDLEWARE, "csp.middleware.CSPMiddleware"]
    with override_settings(MIDDLEWARE=middleware, CONTENT_SECURITY_POLICY=policy):
        browser = client()
        for path, action in (("/admin/login/", "*"), ("/accounts/login/", "'self'")):
            header = browser.get(path).headers["Content-Security-Policy"]
            assert f"form-action {action}" in header, (path, header)


def row_a_password_is_changed_and_the_session_stays() -> None:
    browser = signed_in()
    form = {"old_password": PASSWORD, "new_password1": PASSWORD, "new_password2": PASSWORD}
    assert browser.post("/admin/password_change/", form).status_code == 302
    assert is_in(browser)


def row_our_part_of_the_head_is_on_each_page_once() -> None:
    browser = signed_in()
    for path in ("/admin/", "/admin/auth/user/", "/admin/accounts/signin/", "/admin/auth/"):
        shown = browser.get(path).content.decode()
        for ours in ("admin.css", "moments.js", "session.js"):
            assert shown.count(f"microsoft_admin/{ours}") == 1, (path, ours)
        assert 'href="/admin/accounts/my-sessions/"' in shown or path == "/admin/auth/"
    with said(ADMIN_BY_MICROSOFT_ONLY=False):
        theirs = client()
        theirs.force_login(user())
        assert "session.js" not in theirs.get("/admin/").content.decode()


def row_records_and_lists_lead_to_their_user_admin() -> None:
    from accounts.models import SignIn

    browser = signed_in()
    row = SignIn.objects.filter(user=user()).latest("pk")
    shown = browser.get(f"/admin/accounts/signin/{row.pk}/change/").content.decode()
    assert f"/admin/auth/user/{user().pk}/change/" in shown
    there = browser.get(f"/admin/auth/user/{user().pk}/change/").content.decode()
    assert "Can sign in" in there, "Django's own user admin has our part by itself"
    assert browser.get(f"/admin/auth/user/{user('eda').pk}/unlink/").status_code == 200
    for path in ("/admin/accounts/sessions/", "/admin/accounts/rights/"):
        assert f"/admin/auth/user/{user().pk}/change/" in browser.get(path).content.decode(), path


def row_what_their_user_model_demands_is_told_by_field() -> None:
    from accounts.operate import people

    long = f"{'a' * 60}@{'b' * 60}.{'c' * 60}.example"
    [refused] = people.add_many([long])
    assert refused.what == "invalid"
    assert refused.note.startswith("username: "), refused.note


def row_our_pages_name_settings_as_they_are_set_here() -> None:
    from django.conf import settings

    from accounts.conf import READ

    names = "|".join({*getattr(settings, READ), "DATABASE_URL"} - {"SITE_NAME"})
    browser = signed_in()
    pages = (
        "",
        "signin/",
        "sessions/",
        "my-sessions/",
        "rights/",
        "rehearsal/",
        "rolemapping/add/",
    )
    app = ("/admin/socialaccount/socialapp/", "/admin/socialaccount/socialapp/add/")
    for path in (*(f"/admin/accounts/{page}" for page in pages), *app):
        answer = browser.get(path)
        assert answer.status_code == 200, path
        shown = html.unescape(answer.content.decode())
        assert not re.findall(rf'(?<![\w"])(?:{names})\b(?!["\w])', shown), path


def row_a_user_admin_takes_the_mixin() -> None:
    from accounts.models import SignIn

    eda, key = user("eda"), f"/shop/auth/user/{user('eda').pk}"
    browser = signed_in()
    hers = signed_in("editor")
    page = browser.get(f"{key}/change/").content.decode()
    assert "/reactivate/" not in page, "she is active"
    for name in ("sign_out", "deactivate", "unlink"):
        assert f"/{eda.pk}/{name}/" in page, name
        assert browser.get(f"{key}/{name}/").status_code == 200, name
    listed = browser.get("/shop/auth/user/").content.decode()
    assert 'value="sign_out"' in listed
    assert "Can sign in" in listed
    action = {"action": "deactivate", "_selected_action": [eda.pk], "confirmed": "yes"}
    assert browser.post("/shop/auth/user/", action).status_code == 302
    assert not is_in(hers)
    assert not user("eda").is_active
    browser.post("/shop/auth/user/", {**action, "action": "reactivate"})
    assert user("eda").is_active
    row = SignIn.objects.create(
        user=eda, reason="identity_conflict", outcome=SignIn.Outcome.REFUSED, reference="BCDF-2345",
        tid="11111111-1111-4111-8111-111111111111", oid="00000000-0000-4000-8000-00000000abcd",
    )  # fmt: skip
    assert browser.get(f"{key}/relink/{row.pk}/").status_code == 200
    assert browser.get("/shop/auth/user/nobody/relink/1/").status_code == 404


def row_their_login_page_without_a_place_for_the_button() -> None:
    from django.conf import settings
    from django.test import override_settings

    page = "<title>Own</title><form method=post>{% csrf_token %}{{ form }}</form>"
    loaders = [
        ("django.template.loaders.locmem.Loader", {"admin/login.html": page}),
        "django.template.loaders.app_directories.Loader",
    ]
    [engine] = settings.TEMPLATES
    theirs = {**engine, "APP_DIRS": False, "OPTIONS": {**engine["OPTIONS"], "loaders": loaders}}
    with override_settings(TEMPLATES=[theirs]):
        assert is_in(signed_in())
        with said(ADMIN_PASSWORD_LOGIN=True):
            shown = client().get("/admin/login/").content.decode()
    assert shown.count("<form") == 2
    assert 'class="microsoft-button"' in shown
    assert 'name="password"' in shown


def row_a_policy_of_their_own_middleware() -> None:
    from django.conf import settings
    from django.test import override_settings

    first = "tests.support.crowded_site.their_policy"
    for middleware in ([first, *settings.MIDDLEWARE[1:]], [*settings.MIDDLEWARE, first]):
        ours = [settings.MIDDLEWARE[0], *(m for m in middleware if m != settings.MIDDLEWARE[0])]
        with override_settings(MIDDLEWARE=ours):
            for path, action in (("/admin/login/", "*"), ("/accounts/login/", "'self'")):
                policy = client().get(path).headers["Content-Security-Policy"]
                assert policy == f"default-src 'self'; form-action {action}", (path, policy)


def their_policy(get_response: Any) -> Any:
    """Their middleware."""

    def middleware(request: Any) -> Any:
        response = get_response(request)
        response["Content-Security-Policy"] = "default-src 'self'; form-action 'self'"
        return response

    return middleware


def row_the_class_of_their_site_is_changed_once_it_stands() -> None:
    from django.contrib import admin
    from django.core import checks
    from django.urls import clear_url_caches
    from django_otp.admin import OTPAdminSite

    from accounts.admin.site import StaffAdminSite

    try:
        admin.site.__class__ = OTPAdminSite  # as its documentation has it
        browser = signed_in()
        shown = browser.get("/admin/login/").content.decode()
        assert "asks for one more step" in shown
        assert "microsoft-button" in shown
        assert "accounts.W020" in {each.id for each in checks.run_checks()}
    finally:
        admin.site.__class__ = StaffAdminSite
        clear_url_caches()


def row_under_asgi_behind_a_proxy_that_ends_tls() -> None:
    from asgiref.sync import async_to_sync
    from django.conf import settings
    from django.test import AsyncClient, override_settings

    from accounts.models import AuditEntry, SignIn
    from tests.emulator.person import sign_in_as

    told = {"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.9"}
    browser = AsyncClient()
    get, post = (partial(async_to_sync(ask), headers=told) for ask in (browser.get, browser.post))
    proxy = ["accounts.web.proxy.ProxyMiddleware", *settings.MIDDLEWARE]
    public = {"PUBLIC_URL": "https://testserver", "TRUSTED_PROXY_COUNT": 1}
    with said(**public), override_settings(MIDDLEWARE=proxy, ALLOWED_HOSTS=["testserver"]):
        assert get("/admin/login/").status_code == 200
        url = post("/accounts/microsoft/login/").headers["Location"]
        back = urlsplit(sign_in_as(url, quick=True))
        assert get(f"{back.path}?{back.query}").headers["Location"] == "/admin/"
        for path in ("/admin/", "/admin/accounts/signin/", f"/admin/auth/user/{user().pk}/change/"):
            assert get(path).status_code == 200, path
        assert post("/admin/auth/group/add/", {"name": "By ASGI"}).status_code == 302
    assert SignIn.objects.latest("pk").client_ip == "192.0.2.9"
    entry = AuditEntry.objects.filter(action="group.added").latest("at")
    assert entry.actor_key == str(user().pk)


def row_what_a_sign_in_writes_is_one_transaction_where_people_are() -> None:
    from allauth.socialaccount.models import SocialAccount
    from django.db.models.signals import post_save

    from accounts.models import SignIn

    def fails(**kwargs: Any) -> None:
        raise RuntimeError

    SocialAccount.objects.filter(user=user("eda")).delete()
    post_save.connect(fails, sender=SignIn)
    try:
        with suppress(AssertionError):
            signed_in("editor")
    finally:
        post_save.disconnect(fails, sender=SignIn)
    assert not SocialAccount.objects.filter(user=user("eda")).exists()
    assert is_in(signed_in("editor"))


def row_a_check_says_what_is_in_another_database_than_people() -> None:
    from django.core import checks
    from django.db import router

    [theirs] = router.routers
    theirs.away = ("admin", "socialaccount")
    try:
        [told] = [each for each in checks.run_checks() if each.id == "accounts.E044"]
    finally:
        theirs.away = ()
    assert "Users are in the database 'people', but" in told.msg
    assert "admin.LogEntry in 'default'" in told.msg
    assert "put admin, socialaccount into 'people'" in str(told.hint)


def row_a_form_that_the_csrf_check_refuses() -> None:
    from django.test import Client

    browser = Client(HTTP_HOST="localhost:8000", enforce_csrf_checks=True)
    shown = browser.post("/accounts/microsoft/login/")
    assert b'data-reason="form_refused"' in shown.content
    assert shown.status_code == 403
    theirs = browser.post("/login/", {"username": "sam", "password": PASSWORD})
    assert b"data-reason" not in theirs.content
    assert b"CSRF verification failed" in theirs.content
    second_tab = signed_in()
    second_tab.handler.enforce_csrf_checks = True
    stale = {"csrfmiddlewaretoken": "a" * 64}
    own = {"HTTP_ORIGIN": URL}
    went_on = second_tab.post("/accounts/microsoft/login/?next=/admin/auth/group/", stale, **own)
    assert went_on.headers.get("Location") == "/admin/auth/group/", went_on.content


# --- sessions ------------------------------------------------------------------------------------


def _aged(browser: Any, **seconds: float) -> None:
    from accounts.sessions.store import MICROSOFT
    from accounts.web.request_facts import SEEN

    session = browser.session
    session[SEEN] = time.time() - seconds.get("unused", 0)
    confirmed = time.time() - seconds.get("confirmed", 0)
    session[MICROSOFT] = {**session[MICROSOFT], "checked_at": confirmed}
    session.save()


def row_an_idle_session_ends_and_theirs_does_not() -> None:
    browser, theirs = signed_in(), client()
    theirs.force_login(user())
    _aged(browser, unused=3 * 3600)
    assert browser.get("/admin/").headers["Location"].endswith("ended=idle")
    assert not is_in(browser)
    session = theirs.session
    session["seen_at"] = 1.0
    session.save()
    assert theirs.get("/mine/").content == b"sam"


def row_microsoft_confirms_whoever_is_in() -> None:
    from tests.emulator.person import silently

    browser = signed_in()
    with said(RECHECK_MINUTES=10):
        assert is_in(browser)
        _aged(browser, confirmed=601)
        away = browser.get("/admin/auth/user/")
        assert "prompt=none" in away.headers["Location"]
        back = browser.get(silently(away.headers["Location"]))
        assert back.headers["Location"].startswith("/admin/login/?next=/admin/auth/user/")


def row_dangerous_pages_ask_for_a_fresh_sign_in() -> None:
    browser = signed_in()
    with said(STEP_UP="login"):
        for path in ("1/change/", "add/", "1/password/"):
            assert browser.get(f"/admin/auth/user/{path}").status_code == 403, path
        assert browser.get("/admin/auth/user/").status_code == 200
        assert browser.get("/mine/").status_code == 200


def row_only_so_many_sessions_at_once() -> None:
    with said(SESSIONS_AT_ONCE=2):
        browsers = [signed_in() for _ in range(3)]
        assert [is_in(each) for each in browsers] == [False, True, True]


def row_signing_out_at_microsoft_ends_the_session_here() -> None:
    from accounts.sessions.store import MICROSOFT
    from accounts.web.microsoft_session import sid_hash

    browser, other = signed_in(), signed_in()
    session = browser.session
    session[MICROSOFT] = {**session[MICROSOFT], "sid": sid_hash("the-sid")}
    session.save()
    assert client().get("/accounts/microsoft/logout/?sid=the-sid").status_code == 200
    assert (is_in(browser), is_in(other)) == (False, True)


def row_nobody_of_theirs_is_ended_with_ours() -> None:
    from django.core.management import call_command

    browser, theirs = signed_in("editor"), client()
    theirs.force_login(user())
    call_command("sessions", "end", "--email=editor@contoso.example", stdout=sys.stderr)
    assert not is_in(browser)
    assert theirs.get("/mine/").content == b"sam"


def row_sessions_of_their_customers_are_neither_listed_nor_ended() -> None:
    from django.core.management import call_command

    browser, theirs = signed_in("editor"), client()
    assert theirs.post("/login/", {"username": "sam", "password": PASSWORD}).status_code == 302
    shown = browser.get("/admin/accounts/sessions/").content.decode().partition("content-main")[2]
    listed = set(re.findall(r"/admin/auth/user/([0-9]+)/change/", shown))
    assert str(user("eda").pk) in listed
    before = shown.count("<tr>")
    client().post("/login/", {"username": "sam", "password": PASSWORD})
    again = browser.get("/admin/accounts/sessions/").content.decode()
    assert again.partition("content-main")[2].count("<tr>") == before
    call_command("sessions", "end", "--everyone", stdout=sys.stderr)
    assert not is_in(browser)
    assert theirs.get("/mine/").content == b"sam"


def main() -> None:
    set_up(os.environ["LOGIN_URL"])
    told: dict[str, str] = {}
    for name, row in list(globals().items()):
        if name.startswith("row_"):
            try:
                row()
                told[name] = ""
            except Exception:
                told[name] = traceback.format_exc()
    sys.stdout.write(f"\n{json.dumps(told)}\n")


if __name__ == "__main__":
    main()
