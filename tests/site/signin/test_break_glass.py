"""Break-glass links: one person, once, for five minutes; and the page behind them."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from accounts.models import BreakGlassLink, SignIn, User
from accounts.operate import break_glass
from accounts.reasons import Refused
from accounts.signin.break_glass import redeem
from tests.servers.redis import Redis
from tests.support.admins import let_in
from tests.support.operators import fail, help_of, manage, open_browser, run, run_json

pytestmark = pytest.mark.django_db

PAGE = "/admin/break-glass/"


@pytest.fixture
def ada() -> User:
    return User.objects.create_superuser("ada@contoso.example")


@pytest.fixture
def token(ada: User) -> str:
    return token_of(break_glass.make(ada.email).url)


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


def press(token: str, client: Client | None = None) -> tuple[int, str]:
    """Press the page's button: the status, and where it leads or why not."""
    answer = (client or open_browser()).post(PAGE, {"token": token})
    reason = re.search(r'data-reason="(\w+)"', answer.content.decode())
    return answer.status_code, reason[1] if reason else answer.headers["Location"]


def test_a_link_is_not_used_up_by_a_session_that_cannot_be_kept(
    token: str, redis_server: Redis
) -> None:
    redis: Any = redis_server.client()
    redis.execute_command("ACL SETUSER", "default", "-zadd")
    try:
        assert press(token) == (503, "session_store_unavailable")
    finally:
        redis.execute_command("ACL SETUSER", "default", "+zadd")
    assert [row.outcome for row in SignIn.objects.all()] == ["refused"]
    assert press(token) == (302, "/admin/")


def test_the_button_signs_in(token: str) -> None:
    client = open_browser()
    assert press(token, client) == (302, "/admin/")
    assert client.get("/admin/").status_code == 200


def test_a_link_works_once(token: str) -> None:
    press(token)
    assert press(token) == (400, "state_already_used")


def test_a_link_has_256_random_bits(ada: User) -> None:
    tokens = {token_of(break_glass.make(ada.email).url) for _ in range(3)}
    assert [len(token) for token in tokens] == [43] * 3  # of six bits each


def test_looking_uses_nothing_up(token: str) -> None:
    for method in (open_browser().get, open_browser().head):
        answer = method(f"{PAGE}?token={token}")
        assert answer.status_code == 200
        assert not answer.cookies.get("sessionid")
    assert press(token) == (302, "/admin/")


def test_the_page_may_not_be_kept_nor_told_to_others(token: str) -> None:
    answer = open_browser().get(f"{PAGE}?token={token}")
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["Referrer-Policy"] == "strict-origin"
    assert f'value="{token}"' in answer.content.decode()


def test_what_is_asked_for_cannot_write_into_the_page() -> None:
    answer = open_browser().get(PAGE, {"token": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.content.decode()


def test_the_button_needs_its_csrf_token(token: str) -> None:
    assert (
        Client(enforce_csrf_checks=True, HTTP_HOST="testserver")
        .post(PAGE, {"token": token})
        .status_code
        == 403
    )
    assert press(token) == (302, "/admin/")


@pytest.mark.parametrize("method", ["put", "delete", "options"])
def test_other_methods_do_nothing(token: str, method: str) -> None:
    assert getattr(open_browser(), method)(f"{PAGE}?token={token}").status_code == 405


def test_an_old_link_has_expired(token: str) -> None:
    BreakGlassLink.objects.update(expires_at=timezone.now())
    assert press(token) == (400, "state_expired")


def test_a_newer_link_ends_the_older(ada: User, token: str) -> None:
    newer = token_of(break_glass.make(ada.email).url)
    assert press(token) == (400, "state_expired")
    assert press(newer) == (302, "/admin/")


@pytest.mark.parametrize("made_up", ["", "x", "\0", "\ud83d", "é" * 5000])
def test_a_link_that_was_never_made_is_not_ours(made_up: str) -> None:
    answer = open_browser().post(PAGE, {"token": made_up.encode("utf-8", "replace").decode()})
    assert answer.status_code == 400
    assert 'data-reason="state_not_ours"' in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "reason"), [("is_active", "user_inactive"), ("is_staff", "user_not_staff")]
)
def test_only_active_staff_get_in(ada: User, token: str, field: str, reason: str) -> None:
    User.objects.update(**{field: False})
    assert press(token) == (403, reason)
    assert SignIn.objects.get().user == ada


def test_entering_takes_a_new_session(token: str) -> None:
    client = open_browser()
    let_in(client, User.objects.create_user("eve@contoso.example"))
    before = client.cookies["sessionid"].value
    press(token, client)
    assert client.cookies["sessionid"].value != before
    assert client.session["_auth_user_id"] == str(User.objects.get(email__startswith="ada").pk)


def test_the_token_is_kept_nowhere(token: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        press(token)
        press(token)
    kept = [*BreakGlassLink.objects.values_list(), *SignIn.objects.values_list()]
    assert token not in str(kept) + str([record.__dict__ for record in caplog.records])


def test_the_record_says_how_they_got_in(ada: User, token: str) -> None:
    press(token)
    press(token)
    rows = SignIn.objects.order_by("at").values_list("method", "outcome", "reason", "user")
    assert list(rows) == [
        ("break_glass", "admitted", "", ada.pk),
        ("break_glass", "refused", "state_already_used", ada.pk),
    ]


def test_guessing_is_slowed_down_but_shuts_no_good_link_out(token: str) -> None:
    for _ in range(10):
        press("guess")
    assert press("guess") == (429, "too_many_attempts")
    assert press(token) == (302, "/admin/")


def outcome_of(token: str) -> str:
    try:
        with transaction.atomic():
            return redeem(token).email
    except Refused as refusal:
        return refusal.reason.code
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_one_gets_in(token: str) -> None:
    with ThreadPoolExecutor(8) as at_once:
        outcomes = sorted(at_once.map(outcome_of, [token] * 8))
    assert outcomes == ["ada@contoso.example", *["state_already_used"] * 7]


def test_making_one_is_a_warning_in_the_log(ada: User, caplog: pytest.LogCaptureFixture) -> None:
    break_glass.make(ada.email)
    [line] = [r for r in caplog.records if r.name == "django.security.sign_in"]
    assert (line.levelname, line.__dict__["user_id"]) == ("WARNING", ada.pk)


def test_the_links_made_lately_can_be_announced(ada: User, token: str) -> None:
    assert [link.user for link in break_glass.made_lately()] == [ada]
    BreakGlassLink.objects.update(made_at=timezone.now() - timedelta(days=8))
    assert not break_glass.made_lately().exists()


def test_the_command_prints_a_link_that_works(ada: User) -> None:
    url = run("break_glass", "ADA@contoso.example").strip()
    assert url.startswith("http://testserver/admin/break-glass/?token=")
    assert press(token_of(url)) == (302, "/admin/")


def test_the_command_speaks_json(ada: User) -> None:
    link = run_json("break_glass", ada.email)
    assert set(link) == {"url", "email", "expires_at"}


def test_the_command_makes_none_for_someone_who_is_not_here() -> None:
    assert "staff list" in fail("break_glass", "nobody@contoso.example").error


@pytest.mark.parametrize(
    ("field", "advice"), [("is_active", "staff reactivate"), ("is_staff", "staff add")]
)
def test_the_command_makes_none_for_someone_switched_off(
    ada: User, field: str, advice: str
) -> None:
    User.objects.update(**{field: False})
    assert advice in fail("break_glass", ada.email).error
    assert not BreakGlassLink.objects.exists()


def test_the_command_makes_five_an_hour(ada: User) -> None:
    for _ in range(5):
        run("break_glass", ada.email)
    assert re.search(r"Wait \d+ minutes", fail("break_glass", ada.email).error)
    BreakGlassLink.objects.update(made_at=timezone.now() - timedelta(minutes=61))
    run("break_glass", ada.email)


def test_help_says_what_it_needs(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("break_glass", capsys)
    assert "./manage.py break_glass ada@contoso.com" in text
    assert "while Redis is unavailable nobody can be signed in" in text
    assert "exit codes:" in text


@pytest.mark.django_db(transaction=True)
def test_it_runs_without_redis_and_without_microsoft(ada: User) -> None:
    broken = {"REDIS_URL": "redis://127.0.0.1:1/0", "MICROSOFT_LOGIN_URL": "https://127.0.0.1:1"}
    done = manage("break_glass", ada.email, **broken)
    assert done.returncode == 0, done.stderr
    assert press(token_of(done.stdout.strip())) == (302, "/admin/")
