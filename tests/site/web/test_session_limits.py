"""Idle sessions end, Microsoft confirms the others, dangerous pages ask for a fresh sign-in."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client, override_settings

from accounts.conf import conf
from accounts.models import SignIn, User
from accounts.sessions.store import MICROSOFT
from accounts.web.request_facts import SEEN
from tests.emulator import person as at_microsoft
from tests.emulator.ids import CLIENT_ID, TENANT
from tests.support.admins import let_in
from tests.support.visitor import START

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
SCRIPT = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "application/json"}
USERS = "/admin/accounts/user/"
HOUR = 3600


@pytest.fixture
def staff(transactional_db: None) -> User:
    return User.objects.create_superuser("staff@contoso.example")


@pytest.fixture
def browser(emulator: Emulator, staff: User) -> Client:
    """Signed in through Microsoft."""
    client = Client(HTTP_HOST="testserver", raise_request_exception=False)
    sign_in(client)
    return client


def sign_in(client: Client, person: str = "staff") -> Any:
    url = client.post(START).headers["Location"]
    return client.get(at_microsoft.sign_in_as(url, person, quick=True))


def is_in(client: Client) -> bool:
    return SESSION_KEY in client.session


def age(client: Client, seconds: float, **entries: Any) -> None:
    """As if the session had been used, and confirmed, so long ago."""
    session = client.session
    session[SEEN] = time.time() - entries.get("unused", 0)
    session[MICROSOFT] = {**session[MICROSOFT], "checked_at": time.time() - seconds}
    session.save()


def asked(response: Any) -> Mapping[str, str]:
    """The parameters of a redirect to Microsoft."""
    query = parse_qs(urlsplit(response.headers.get("Location", "")).query)
    return {name: values[0] for name, values in query.items()}


def go_silently(client: Client, response: Any) -> Any:
    """What the browser does by itself with a re-check's redirect."""
    return client.get(at_microsoft.silently(response.headers["Location"]))


# --- idle ----------------------------------------------------------------------------------------


class TestIdle:
    @pytest.fixture(autouse=True)
    def _on(self, settings: Any) -> None:
        settings.SESSION_IDLE_MINUTES = 60

    @pytest.fixture
    def idle(self, emulator: Emulator, staff: User) -> Client:
        client = Client(HTTP_HOST="testserver")
        sign_in(client)
        age(client, 0, unused=HOUR + 5)
        return client

    def test_a_page_says_why_and_keeps_where_the_person_was(self, idle: Client) -> None:
        response = idle.get(USERS, headers=PAGE)
        assert response.headers["Location"] == f"/admin/login/?next={USERS}&ended=idle"
        page = idle.get(response.headers["Location"]).content.decode()
        assert "not used in this browser for 60 minutes" in page
        assert f"{START}?next={USERS}" in page
        assert not is_in(idle)

    def test_it_does_not_begin_again_by_itself(self, idle: Client, settings: Any) -> None:
        settings.SIGN_IN_AUTOMATICALLY = True
        there = idle.get(USERS, headers=PAGE).headers["Location"]
        assert b"data-automatic" not in idle.get(there).content

    def test_a_form_that_was_sent_is_told_so(self, idle: Client) -> None:
        response = idle.post(f"{USERS}add/", {"email": "x@contoso.example"})
        assert response.status_code == 401
        assert "your browser still has what you typed" in response.content.decode()
        assert not User.objects.filter(email="x@contoso.example").exists()

    def test_a_script_gets_json(self, idle: Client) -> None:
        response = idle.get("/admin/autocomplete/", headers=SCRIPT)
        assert (response.status_code, json.loads(response.content)["error"]) == (
            401,
            "sign_in_again",
        )

    def test_use_puts_it_off_and_is_written_once_a_minute(self, browser: Client) -> None:
        age(browser, 0, unused=HOUR - 5)
        assert browser.get(USERS, headers=PAGE).status_code == 200
        seen = browser.session[SEEN]
        assert time.time() - seen < 30
        browser.get(USERS, headers=PAGE)
        assert browser.session[SEEN] == seen

    def test_signing_out_still_works(self, idle: Client) -> None:
        assert idle.post("/admin/logout/").status_code == 200


def test_off_means_never(browser: Client, settings: Any) -> None:
    settings.SESSION_IDLE_MINUTES = 0
    age(browser, 0, unused=7 * HOUR)
    assert browser.get(USERS, headers=PAGE).status_code == 200


# --- re-check ------------------------------------------------------------------------------------


class TestRecheck:
    @pytest.fixture(autouse=True)
    def _on(self, settings: Any) -> None:
        settings.RECHECK_MINUTES = 60
        settings.SESSION_IDLE_MINUTES = 0

    @pytest.fixture
    def open_session(self, emulator: Emulator, staff: User) -> Client:
        client = Client(HTTP_HOST="testserver", raise_request_exception=False)
        emulator.at_microsoft(optional_claims=["login_hint"])
        sign_in(client)
        return client

    def test_a_page_goes_round_by_microsoft_and_comes_back(self, open_session: Client) -> None:
        age(open_session, 0.9 * HOUR)
        key = open_session.session.session_key
        response = open_session.get(f"{USERS}?q=sam", headers=PAGE)
        assert (asked(response)["prompt"], asked(response)["login_hint"][:2]) == ("none", "O.")
        back = go_silently(open_session, response)
        assert back.headers["Location"] == f"{USERS}?q=sam"
        assert open_session.get(f"{USERS}?q=sam", headers=PAGE).status_code == 200
        assert open_session.session.session_key == key
        assert SignIn.objects.count() == 1

    def test_it_is_not_due_before_its_time(self, open_session: Client) -> None:
        age(open_session, 0.7 * HOUR)
        assert open_session.get(USERS, headers=PAGE).status_code == 200

    def test_a_form_page_is_confirmed_ahead_of_time(self, open_session: Client) -> None:
        age(open_session, HOUR / 2 + 1)
        assert asked(open_session.get(f"{USERS}add/", headers=PAGE))["prompt"] == "none"

    def test_one_is_under_way_at_a_time(self, open_session: Client) -> None:
        age(open_session, 0.9 * HOUR)
        assert open_session.get(USERS, headers=PAGE).status_code == 302
        assert open_session.get(USERS, headers=PAGE).status_code == 200

    @pytest.mark.parametrize(
        ("path", "headers"),
        [
            (f"{USERS}?_popup=1", PAGE),
            (USERS, SCRIPT),
            (USERS, {"X-Requested-With": "XMLHttpRequest"}),
            (USERS, {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}),
            (USERS, {**PAGE, "Sec-Purpose": "prefetch"}),
            (f"{USERS}?q={'x' * 600}", PAGE),
        ],
    )
    def test_popups_scripts_and_frames_are_never_sent_away(
        self, open_session: Client, path: str, headers: dict[str, str]
    ) -> None:
        age(open_session, 0.9 * HOUR)
        assert open_session.get(path, headers=headers).status_code == 200

    def test_a_script_of_posts_is_out_in_time(
        self, open_session: Client, emulator: Emulator
    ) -> None:
        emulator.at_microsoft(disabled=["staff"])
        form = {"email": "new@contoso.example"}
        age(open_session, HOUR - 5)
        assert open_session.post(f"{USERS}add/", form).status_code != 401
        age(open_session, HOUR)
        assert open_session.post(f"{USERS}add/", form).status_code == 401
        assert open_session.get(USERS, headers=SCRIPT).status_code == 401

    def test_who_is_disabled_is_out_within_a_short_interval_by_the_clock(
        self, open_session: Client, emulator: Emulator, settings: Any
    ) -> None:
        """Nothing is aged here: a script of POSTs, reads of its own, and a page."""
        settings.RECHECK_MINUTES = 4 / 60
        emulator.at_microsoft(disabled=["staff"])
        began, form = time.monotonic(), {"email": "new@contoso.example"}
        while open_session.post(f"{USERS}add/", form).status_code != 401:
            assert time.monotonic() - began < 5
            time.sleep(0.2)
        assert open_session.get(USERS, headers=SCRIPT).status_code == 401
        go_silently(open_session, open_session.get(USERS, headers=PAGE))
        assert not is_in(open_session)

    def test_starting_rechecks_and_never_ending_one_is_no_way_to_stay(
        self, open_session: Client
    ) -> None:
        age(open_session, HOUR)
        for _ in range(3):
            assert open_session.get(USERS, headers=PAGE).status_code == 302
        assert open_session.get(f"{USERS}?_popup=1", headers=PAGE).status_code == 401

    def test_an_overdue_form_can_be_sent_once_another_tab_was_confirmed(
        self, open_session: Client
    ) -> None:
        age(open_session, HOUR)
        form = {"email": "new@contoso.example"}
        assert open_session.post(f"{USERS}add/", form).status_code == 401
        go_silently(open_session, open_session.get("/admin/", headers=PAGE))
        assert open_session.post(f"{USERS}add/", form).status_code != 401

    def test_an_outage_has_its_grace_and_then_ends_the_session(
        self, open_session: Client, emulator: Emulator
    ) -> None:
        age(open_session, HOUR)
        response = open_session.get(USERS, headers=PAGE)
        emulator.answer_token(status=503, raw="down")
        go_silently(open_session, response)
        assert open_session.get(USERS, headers=PAGE).status_code == 200
        assert open_session.post(f"{USERS}add/", {}).status_code == 200
        session = open_session.session
        session[MICROSOFT] = {**session[MICROSOFT], "checked_at": time.time() - 1.6 * HOUR}
        session.save()
        assert open_session.post(f"{USERS}add/", {}).status_code == 401
        assert open_session.get(USERS, headers=PAGE).status_code == 302

    @pytest.mark.parametrize("control", ["disabled", "demands_mfa"])
    def test_who_is_not_confirmed_is_out(
        self, open_session: Client, emulator: Emulator, control: str
    ) -> None:
        age(open_session, 0.9 * HOUR)
        emulator.at_microsoft(**{control: ["staff"]})
        back = go_silently(open_session, open_session.get(USERS, headers=PAGE))
        assert back.headers["Location"] == f"/admin/login/?next={USERS}&ended=recheck"
        assert not is_in(open_session)
        assert "re-check" in SignIn.objects.latest().detail

    def test_someone_signed_out_at_microsoft_is_out(
        self, open_session: Client, emulator: Emulator
    ) -> None:
        emulator.reset()
        age(open_session, 0.9 * HOUR)
        go_silently(open_session, open_session.get(USERS, headers=PAGE))
        assert not is_in(open_session)

    def test_another_person_at_microsoft_ends_the_session(self, open_session: Client) -> None:
        User.objects.create_user("editor@contoso.example")
        age(open_session, 0.9 * HOUR)
        url = open_session.get(USERS, headers=PAGE).headers["Location"]
        open_session.get(at_microsoft.sign_in_as(url, "editor", quick=True))
        assert not is_in(open_session)

    def test_someone_deactivated_here_is_out(self, open_session: Client, staff: User) -> None:
        age(open_session, 0.9 * HOUR)
        response = open_session.get(USERS, headers=PAGE)
        User.objects.filter(pk=staff.pk).update(is_staff=False)
        go_silently(open_session, response)
        assert not is_in(open_session)

    def test_an_outage_at_microsoft_costs_nobody_a_page_until_the_grace_is_over(
        self, open_session: Client, emulator: Emulator
    ) -> None:
        age(open_session, 0.9 * HOUR)
        response = open_session.get(USERS, headers=PAGE)
        emulator.answer_token(status=503, raw="down")
        back = go_silently(open_session, response)
        assert back.headers["Location"] == USERS
        assert open_session.get(USERS, headers=PAGE).status_code == 200

    def test_password_sessions_are_exempt(self, staff: User) -> None:
        client = Client(HTTP_HOST="testserver")
        let_in(client, staff)
        assert client.get(USERS, headers=PAGE).status_code == 200

    def test_a_recheck_does_not_count_as_use(self, open_session: Client) -> None:
        age(open_session, 0.9 * HOUR)
        seen = open_session.session[SEEN]
        go_silently(open_session, open_session.get(USERS, headers=PAGE))
        assert open_session.session[SEEN] == seen


# --- step-up -------------------------------------------------------------------------------------


def confirm(client: Client, page: Any, person: str = "staff") -> Any:
    """Press the button of the page that asks for a fresh sign-in."""
    text = page.content.decode()
    token = text.split('name="step_up" value="')[1].split('"')[0]
    action = text.split('<form action="')[1].split('"')[0]
    url = client.post(action, {"step_up": token}).headers["Location"]
    return client.get(at_microsoft.sign_in_as(url, person, quick=True))


class TestStepUp:
    @pytest.fixture(autouse=True)
    def _on(self, settings: Any) -> None:
        settings.STEP_UP = "login"

    @pytest.fixture
    def browser(self, emulator: Emulator, staff: User) -> Client:
        client = Client(HTTP_HOST="testserver", raise_request_exception=False)
        sign_in(client)
        return client

    @pytest.mark.parametrize("path", [f"{USERS}add/", "/admin/socialaccount/socialapp/add/"])
    def test_a_dangerous_page_asks_before_its_form_is_shown(
        self, browser: Client, path: str
    ) -> None:
        page = browser.get(path)
        assert (page.status_code, b"Confirm that it is you" in page.content) == (403, True)
        assert b'name="email"' not in page.content

    def test_other_pages_do_not(self, browser: Client) -> None:
        assert browser.get(USERS).status_code == browser.get("/admin/").status_code == 200

    def test_a_fresh_sign_in_opens_it(self, browser: Client, emulator: Emulator) -> None:
        emulator.at_microsoft(optional_claims=["auth_time"])
        back = confirm(browser, browser.get(f"{USERS}add/"))
        assert back.headers["Location"] == f"{USERS}add/"
        assert browser.get(f"{USERS}add/").status_code == 200
        assert SignIn.objects.count() == 1

    def test_without_the_claim_it_is_refused_and_named(self, browser: Client) -> None:
        page = confirm(browser, browser.get(f"{USERS}add/"))
        assert (page.status_code, b'data-reason="step_up_failed"' in page.content) == (403, True)
        assert "auth_time: missing" in SignIn.objects.latest().detail
        assert is_in(browser)
        assert browser.get(f"{USERS}add/").status_code == 403

    def test_nobody_else_can_do_it(self, browser: Client, emulator: Emulator) -> None:
        User.objects.create_superuser("editor@contoso.example")
        emulator.at_microsoft(optional_claims=["auth_time"])
        confirm(browser, browser.get(f"{USERS}add/"), "editor")
        assert browser.get(f"{USERS}add/").status_code == 403

    def test_an_action_that_was_sent_changes_nothing(self, browser: Client, staff: User) -> None:
        form = {"action": "deactivate", "_selected_action": [staff.pk], "confirmed": "1"}
        assert browser.post(USERS, form).status_code == 403
        assert User.objects.get(pk=staff.pk).is_active

    def test_it_lasts_a_quarter_of_an_hour(self, browser: Client, emulator: Emulator) -> None:
        emulator.at_microsoft(optional_claims=["auth_time"])
        confirm(browser, browser.get(f"{USERS}add/"))
        session = browser.session
        session[MICROSOFT] = {**session[MICROSOFT], "proved_at": time.time() - 901}
        session.save()
        assert browser.get(f"{USERS}add/").status_code == 403

    def test_a_break_glass_session_is_fresh_at_first(self, staff: User) -> None:
        client = Client(HTTP_HOST="testserver")
        let_in(client, staff)
        assert client.get(f"{USERS}add/").status_code == 200
        session = client.session
        session["signed_in_at"] = "2026-01-01T00:00:00+00:00"
        session.save()
        assert b"sign in again the same way" in client.get(f"{USERS}add/").content


@override_settings(STEP_UP="c7")
def test_a_context_is_demanded_and_proved(emulator: Emulator, staff: User) -> None:
    browser = Client(HTTP_HOST="testserver", raise_request_exception=False)
    sign_in(browser)
    page = browser.get(f"{USERS}add/")
    assert b"step_up_failed" not in page.content
    refused = confirm(browser, page)  # Conditional Access is not satisfied
    assert refused.status_code == 403
    emulator.at_microsoft(contexts=["c7"])
    confirm(browser, browser.get(f"{USERS}add/"))
    assert browser.get(f"{USERS}add/").status_code == 200


# --- signing out ---------------------------------------------------------------------------------


def test_the_way_out_of_microsoft_knows_who_it_is(emulator: Emulator, staff: User) -> None:
    emulator.at_microsoft(optional_claims=["login_hint"])
    browser = Client(HTTP_HOST="testserver")
    sign_in(browser)
    page = browser.post("/admin/logout/").content.decode()
    assert "logout_hint=O." in page
    assert "post_logout_redirect_uri=http%3A%2F%2Ftestserver%2Fadmin%2Flogin%2F" in page


def test_who_came_another_way_is_not_sent_there(staff: User) -> None:
    client = Client(HTTP_HOST="testserver")
    let_in(client, staff)
    assert b"logout_hint" not in client.post("/admin/logout/").content


class TestFrontChannel:
    URL = "/accounts/microsoft/logout/"

    @pytest.fixture
    def sid(self, emulator: Emulator) -> str:
        emulator.at_microsoft(optional_claims=["sid"])
        return ""

    def sid_of(self, emulator: Emulator) -> str:
        return next(iter(emulator.world.browsers.open.values())).sid

    def test_it_ends_the_sessions_of_that_sid(
        self, emulator: Emulator, staff: User, sid: str
    ) -> None:
        browser, frame = Client(HTTP_HOST="testserver"), Client(HTTP_HOST="testserver")
        sign_in(browser)
        answer = frame.get(self.URL, {"sid": self.sid_of(emulator)})
        assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {})
        assert browser.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        "query", ["", "?sid=", "?sid=unknown", f"?sid={'x' * 5000}", "?sid=%00"]
    )
    def test_anything_else_ends_nothing_and_looks_the_same(
        self, emulator: Emulator, staff: User, sid: str, query: str
    ) -> None:
        browser, frame = Client(HTTP_HOST="testserver"), Client(HTTP_HOST="testserver")
        sign_in(browser)
        answer = frame.get(self.URL + query)
        assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {})
        assert browser.get("/admin/").status_code == 200

    def test_it_alone_may_be_framed(self, db: None) -> None:
        answer = Client(HTTP_HOST="testserver").get(self.URL)
        assert "X-Frame-Options" not in answer.headers
        assert "frame-ancestors https:" in answer.headers["Content-Security-Policy"]

    def test_it_is_microsofts_and_names_one_sid(
        self, emulator: Emulator, staff: User, sid: str
    ) -> None:
        """OpenID Connect Front-Channel Logout 1.0, section 2: `iss`, where it is there, is ours."""
        browser, frame = Client(HTTP_HOST="testserver"), Client(HTTP_HOST="testserver")
        sign_in(browser)
        url = f"{self.URL}?sid={self.sid_of(emulator)}"
        ours = f"{conf.MICROSOFT_LOGIN_URL}/{TENANT}/v2.0"
        frame.head(url)
        for more in (
            f"&iss=https://evil.example/{TENANT}/v2.0",
            f"&iss={ours.replace(TENANT, CLIENT_ID)}",
            f"&iss={ours}&iss=x",
            "&iss=",
            "&sid=another",
            "&sid=",
        ):
            answer = frame.get(url + more)
            assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {}), more
            assert browser.get("/admin/").status_code == 200, more
        frame.get(f"{url}&iss={ours}&state=x")
        assert browser.get("/admin/").status_code == 302

    def test_a_post_ends_nothing(self, emulator: Emulator, staff: User, sid: str) -> None:
        browser = Client(HTTP_HOST="testserver")
        sign_in(browser)
        assert browser.post(self.URL, {"sid": self.sid_of(emulator)}).status_code == 200
        assert browser.get("/admin/").status_code == 200

    def test_the_sid_itself_is_nowhere(self, emulator: Emulator, staff: User, sid: str) -> None:
        browser = Client(HTTP_HOST="testserver")
        sign_in(browser)
        assert self.sid_of(emulator) not in json.dumps(dict(browser.session))


# --- one's own sessions --------------------------------------------------------------------------


def test_everyone_sees_and_ends_their_own(emulator: Emulator, transactional_db: None) -> None:
    User.objects.create_user("editor@contoso.example")
    here, there = Client(HTTP_HOST="testserver"), Client(HTTP_HOST="testserver")
    sign_in(here, "editor")
    sign_in(there, "editor")
    page = here.get("/admin/accounts/my-sessions/").content.decode()
    assert page.count("End this session") == 1
    here.post("/admin/accounts/my-sessions/")
    assert (here.get("/admin/").status_code, there.get("/admin/").status_code) == (200, 302)
