"""The flow over HTTP, under gunicorn with two workers, on real PostgreSQL and Redis."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib.auth.hashers import make_password

from accounts.models import SignIn, User
from accounts.sessions.entries import name_of
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, OTHER_TENANT
from tests.emulator.server import Emulator
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.visitor import CALLBACK, LOGIN, START, Visitor, query_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(transactional_db: None) -> User:
    return User.objects.create_user("staff@contoso.example", is_superuser=True)


@pytest.fixture
def visitor(site: Site, staff: User) -> Visitor:
    return Visitor(site.url)


def test_a_state_issued_by_one_worker_is_accepted_by_another(site: Site, staff: User) -> None:
    pairs = set()
    for _ in range(40):
        visitor = Visitor(site.url, headers={"Connection": "close"})
        pairs.add(_workers(site, visitor))
        if any(start != end for start, end in pairs):
            break
    start, end = next(pair for pair in pairs if pair[0] != pair[1])
    assert {start, end} <= {str(pid) for pid in site.workers()}


def _workers(site: Site, visitor: Visitor) -> tuple[str, str]:
    """Which worker started and which ended a sign-in, by the log."""
    before = len(site.log())
    visitor.sign_in()
    start, end = re.findall(r'"served_by": "[^"/]+/(\d+)"', site.log()[before:])
    return start, end


def test_the_authorize_request_is_to_the_letter(visitor: Visitor, emulator: Emulator) -> None:
    url = visitor.press_button()
    sent = query_of(url)
    assert set(sent) == {
        "client_id", "response_type", "response_mode", "redirect_uri", "scope", "state", "nonce",
        "code_challenge", "code_challenge_method",
    }  # fmt: skip
    assert sent["response_type"] == "code"
    assert sent["response_mode"] == "query"
    assert sent["scope"] == "openid profile email"
    assert sent["code_challenge_method"] == "S256"
    assert sent["redirect_uri"] == f"{visitor.site_url}{CALLBACK}"
    assert f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" == emulator.url


@pytest.mark.parametrize("extra", [
    "scope=User.Read", "auth_params=prompt%3Dnone", "process=connect", "action=reauthenticate",
    "process=redirect", "prompt=none", "client_id=x", "again=again", "login_hint=x",
])  # fmt: skip
def test_only_next_is_read_from_the_start_request(visitor: Visitor, extra: str) -> None:
    address, fields = visitor.get(LOGIN).form()
    name, _, value = extra.partition("=")
    plain = set(query_of(visitor.post(address, fields).location))
    asked = visitor.post(f"{address}?{extra}", fields | {name: value}).location
    assert set(query_of(asked)) == plain
    assert query_of(asked)["scope"] == "openid profile email"
    assert visitor.come_back(visitor.choose(asked)).location.endswith("/admin/")


def test_a_start_without_csrf_token_is_forbidden(visitor: Visitor) -> None:
    assert visitor.post(START).status == 403


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_get_and_head_start_nothing(visitor: Visitor, method: str) -> None:
    answer = visitor._ask(method, f"{START}?next=/admin/accounts/user/")
    assert answer.status == 200
    assert not visitor.session_cookie()


def test_the_start_page_keeps_next(visitor: Visitor) -> None:
    page = visitor.get(f"{START}?next=/admin/accounts/user/")
    callback = visitor.choose(visitor.submit(page).location)
    assert visitor.come_back(callback).location == f"{visitor.site_url}/admin/accounts/user/"


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_other_methods_never_sign_in(visitor: Visitor, method: str) -> None:
    callback = visitor.choose(visitor.press_button())
    answer = visitor._ask(method, callback)
    assert answer.status in (403, 405)
    assert not visitor.is_in()


@pytest.mark.parametrize("path", [
    "login/", "signup/", "logout/", "password/reset/", "email/", "3rdparty/", "",
    "social/connections/", "microsoft/", "microsoft/login/token/", "confirm-email/",
])  # fmt: skip
def test_nothing_else_of_allauth_is_reachable(visitor: Visitor, path: str) -> None:
    assert visitor.get(f"/accounts/{path}").status == 404


def test_pages_of_the_flow_are_not_stored_and_leak_no_referrer(visitor: Visitor) -> None:
    pages = [visitor.get(LOGIN), visitor.get(START), visitor.sign_in("nobody")]
    for page in pages:
        assert "no-store" in page.headers["Cache-Control"]
        assert page.headers["Referrer-Policy"] in ("strict-origin", "same-origin")
        assert page.headers["X-Frame-Options"] == "DENY"
        assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert pages[2].headers["Referrer-Policy"] == "strict-origin"


def test_signing_in_renews_the_session_key(visitor: Visitor) -> None:
    callback = visitor.choose(visitor.press_button())
    before = visitor.session_cookie()
    visitor.come_back(callback)
    assert visitor.is_in()
    assert visitor.session_cookie() != before
    visitor.http.cookies.clear()
    visitor.http.headers["Cookie"] = f"sessionid={before}"
    assert not visitor.is_in()


def test_ten_sign_ins_at_once_in_one_browser_all_work(visitor: Visitor) -> None:
    callbacks = [visitor.choose(visitor.press_button()) for _ in range(12)]
    for callback in reversed(callbacks):
        assert visitor.come_back(callback).location == f"{visitor.site_url}/admin/"


def test_ten_callbacks_at_the_same_moment_all_end_well(visitor: Visitor) -> None:
    callbacks = [visitor.choose(visitor.press_button()) for _ in range(10)]
    with ThreadPoolExecutor(5) as pool:
        pages = list(pool.map(visitor.come_back, callbacks))
    assert {page.reason or page.status for page in pages} <= {302, "session_not_found"}
    assert visitor.is_in()


def test_a_callback_is_good_once(visitor: Visitor, site: Site) -> None:
    callback = visitor.choose(visitor.press_button())
    stolen = dict(visitor.http.cookies)
    assert visitor.come_back(callback).status == 302
    assert visitor.come_back(callback).location == f"{site.url}/admin/"
    thief = Visitor(site.url)
    thief.http.cookies.update(stolen)
    assert thief.come_back(callback).reason == "state_already_used"
    assert not thief.is_in()


def test_the_record_and_the_page_share_a_reference(visitor: Visitor) -> None:
    page = visitor.sign_in("nobody")
    row = SignIn.objects.get()
    assert (row.reference, row.reason, row.email) == (
        page.reference, "unknown_user", "nobody@contoso.example",
    )  # fmt: skip


def test_an_admission_is_recorded_once(visitor: Visitor, staff: User) -> None:
    visitor.sign_in()
    row = SignIn.objects.get()
    assert (row.outcome, row.user, row.reason) == ("admitted", staff, "")
    assert row.took_ms >= row.microsoft_ms > 0


def test_nothing_but_five_claims_is_kept_and_no_token(visitor: Visitor) -> None:
    visitor.sign_in()
    account = SocialAccount.objects.get()
    assert set(account.extra_data) == {"tid", "oid", "email", "preferred_username", "name"}
    assert not SocialToken.objects.exists()


def test_a_sign_in_touches_no_password(visitor: Visitor, staff: User) -> None:
    password = make_password("correct horse")
    User.objects.update(password=password)
    visitor.sign_in()
    assert User.objects.get().password == password


def test_a_refused_attempt_changes_nothing_but_the_record(visitor: Visitor, staff: User) -> None:
    visitor.sign_in()
    User.objects.update(is_active=False)
    before = list(SocialAccount.objects.values()), list(User.objects.values())
    visitor.http.cookies.clear()
    assert visitor.sign_in().reason == "user_inactive"
    assert (list(SocialAccount.objects.values()), list(User.objects.values())) == before


def test_a_second_identity_with_the_same_email_is_refused(visitor: Visitor) -> None:
    visitor.sign_in()
    visitor.http.cookies.clear()
    assert visitor.sign_in("impostor").reason == "identity_conflict"


def test_two_first_sign_ins_at_once_bind_once(site: Site, staff: User) -> None:
    visitors = [Visitor(site.url) for _ in range(8)]
    people = ["staff", "impostor"] * 4
    callbacks = [v.choose(v.press_button(), p) for v, p in zip(visitors, people, strict=True)]
    with ThreadPoolExecutor(5) as pool:
        pages = list(pool.map(Visitor.come_back, visitors, callbacks))
    assert SocialAccount.objects.count() == 1
    assert {page.reason for page in pages} == {"", "identity_conflict"}


def test_a_social_app_in_admin_wins_and_two_are_said(visitor: Visitor, emulator: Emulator) -> None:
    client_id = "44444444-4444-4444-8444-444444444444"
    app = SocialApp.objects.create(provider="microsoft", name="a", client_id=client_id, secret="s")
    _seen_by_the_site()
    assert query_of(visitor.press_button())["client_id"] == client_id
    SocialApp.objects.create(provider="microsoft", name="b", client_id="x", secret="s")
    _seen_by_the_site()
    page = visitor.submit(visitor.get(LOGIN))
    assert (page.status, page.reason) == (503, "several_apps")
    SocialApp.objects.all().delete()
    _seen_by_the_site()
    assert query_of(visitor.press_button())["client_id"] != app.client_id


def _seen_by_the_site() -> None:
    """A change of the app is seen everywhere within a second."""
    time.sleep(1.1)


def test_a_social_app_of_another_tenant_cannot_widen_a_tenant_named_by_its_domain(
    start_site: Callable[..., Site], staff: User
) -> None:
    User.objects.create_user("other@fabrikam.example")
    SocialApp.objects.create(
        provider="microsoft",
        name="another tenant's",
        client_id=CLIENT_ID,
        secret=CLIENT_SECRET,
        settings={"tenant": OTHER_TENANT},
    )
    visitor = Visitor(start_site(workers=1, MICROSOFT_TENANT_ID="contoso.example").url)
    assert visitor.sign_in("other_tenant").reason == "wrong_tenant"
    SocialApp.objects.all().delete()
    _seen_by_the_site()
    assert visitor.sign_in("staff").status == 302


def test_no_app_at_all_is_said(start_site: Callable[..., Site], staff: User) -> None:
    site = start_site(workers=1, MICROSOFT_CLIENT_ID="", MICROSOFT_CLIENT_SECRET="")
    visitor = Visitor(site.url)
    page = visitor.submit(visitor.get(LOGIN))
    assert (page.status, page.reason) == (503, "not_configured")


def test_the_login_page_refuses_a_password_that_is_not_asked_for(
    visitor: Visitor, staff: User
) -> None:
    staff.set_password("correct horse")
    staff.save()
    fields = {"username": staff.email, "password": "correct horse"}
    _, hidden = visitor.get(LOGIN).form()
    assert visitor.post(LOGIN, fields | hidden).status == 405
    assert not visitor.is_in()


def test_a_microsoft_error_shows_its_number_and_nothing_else(
    visitor: Visitor, emulator: Emulator
) -> None:
    from tests.emulator.person import meet

    page = visitor.come_back(meet(visitor.press_button(), "not_assigned", quick=True))
    assert (page.reason, "AADSTS50105" in page.text) == ("not_assigned", True)
    assert "Trace ID" not in page.text


def test_the_root_leads_to_admin(visitor: Visitor) -> None:
    assert visitor.get("/").location == f"{visitor.site_url}/admin/"


def test_the_session_ends_session_hours_after_sign_in(
    start_site: Callable[..., Site], staff: User, redis_server: Redis
) -> None:
    visitor = Visitor(start_site(workers=1, SESSION_HOURS="1").url)
    visitor.sign_in()
    assert visitor.is_in()
    key = name_of(visitor.session_cookie())
    redis = redis_server.client()
    lives = [redis.ttl(name) for name in redis.scan_iter(f"*{key}*")]
    assert lives
    assert 3500 < max(lives) <= 3600
