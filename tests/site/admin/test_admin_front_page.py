"""The front page: what needs attention, told to those whose business it is."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.core.cache import cache
from django.db import connection
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.admin import front_page
from accounts.models import AuditEntry, BreakGlassLink, User
from accounts.protection import secretbox
from tests.fixtures import REDIS
from tests.support.admins import TID, browser_of, person, sign_in, superuser
from tests.support.certificates import both, certificate


@pytest.fixture
def browser(db: None) -> Client:
    root = superuser()
    with audit.context(silent=True):
        SocialAccount.objects.create(user=root, provider="microsoft", uid=f"{TID}:{TID}")
    return browser_of(root)


def notices(browser: Client) -> str:
    return " ".join(notice.text for notice in browser.get("/admin/").context["notices"])


def app(days: int, **more: Any) -> SocialApp:
    """A visible app whose secret ends in so many days."""
    expires = (timezone.localdate() + timedelta(days=days)).isoformat()
    made: SocialApp = SocialApp.objects.create(
        provider="microsoft",
        name="Entra",
        client_id="33333333-3333-4333-8333-333333333333",
        secret=secretbox.encrypt("a-secret"),
        settings={"secret_expires": expires, **more},
    )
    return made


def link(days: int, **fields: object) -> BreakGlassLink:
    made = timezone.now() - timedelta(days=days)
    return BreakGlassLink.objects.create(
        token_hash=str(days),
        user=person("cole@contoso.example"),
        made_at=made,
        expires_at=made,
        **fields,
    )


def test_when_all_is_well_it_is_silent(browser: Client) -> None:
    app(31)
    sign_in(reason="unknown_user")
    assert notices(browser) == ""


@pytest.mark.parametrize(("days", "told"), [
    (30, "expires in 30 days"), (1, "expires in 1 day."), (0, "expires in 0 days"),
    (-1, "has expired"),
])  # fmt: skip
def test_it_warns_from_thirty_days_before_the_secret_ends(
    browser: Client, days: int, told: str
) -> None:
    app(days)
    assert told in notices(browser)


ACCEPTED = {"last_tests": {"next_secret": {"at": "2026-01-01", "reason": ""}}}


def test_a_next_secret_that_lasts_silences_the_warning(browser: Client) -> None:
    later = (timezone.localdate() + timedelta(days=200)).isoformat()
    app(5, **ACCEPTED, next_secret=secretbox.encrypt("next"), next_secret_expires=later)
    assert notices(browser) == ""


def test_a_next_secret_that_ends_soon_does_not(browser: Client) -> None:
    soon = (timezone.localdate() + timedelta(days=6)).isoformat()
    app(5, **ACCEPTED, next_secret=secretbox.encrypt("next"), next_secret_expires=soon)
    assert "expires in 6 days" in notices(browser)


def test_two_visible_apps_are_told(browser: Client) -> None:
    app(100)
    app(100)
    assert "Sign-in is set up twice" in notices(browser)


def test_refusals_by_configuration_of_the_last_day_are_told(browser: Client) -> None:
    sign_in(reason="redirect_uri_mismatch", at=timezone.now() - timedelta(hours=23))
    assert "not registered at Microsoft" in notices(browser)


def test_older_ones_are_not(browser: Client) -> None:
    sign_in(reason="redirect_uri_mismatch", at=timezone.now() - timedelta(hours=25))
    assert notices(browser) == ""


def test_break_glass_links_of_the_last_week_are_told(browser: Client) -> None:
    link(6, used_at=timezone.now())
    told = notices(browser)
    assert "cole@contoso.example" in told
    assert "used" in told


def test_older_links_are_not(browser: Client) -> None:
    link(8)
    assert notices(browser) == ""


def test_a_superuser_bound_by_a_first_sign_in_is_told_in_the_readers_language(
    browser: Client,
) -> None:
    cole = superuser("cole@contoso.example")
    values = {"identity": f"{TID}:2", "email": "cole@contoso.example", "name": ""}
    visitor = audit.Actor(AuditEntry.Actor.VISITOR)
    audit.write("identity.linked", cole, after=values, by=visitor)
    page = browser.get("/admin/", headers={"accept-language": "de"}).context["notices"]
    told = " ".join(notice.text for notice in page)
    assert f"E-Mail-Adresse: cole@contoso.example; Microsoft-Identität: {TID}:2" in told


def test_staff_without_rights_are_told_nothing(db: None) -> None:
    app(-1)
    link(1)
    sign_in(reason="client_unknown")
    assert notices(browser_of(person("staff@contoso.example"))) == ""


def test_readers_of_the_record_are_not_told_of_the_app(db: None) -> None:
    app(-1)
    link(1)
    told = notices(browser_of(person("reader@contoso.example", "accounts.view_signin")))
    assert "Break-glass" in told
    assert "expired" not in told


def test_it_ends_when_someone_gets_in_again(browser: Client) -> None:
    app(100)
    sign_in(reason="client_secret_wrong", at=timezone.now() - timedelta(hours=2))
    sign_in(method="microsoft", at=timezone.now() - timedelta(hours=1))
    assert notices(browser) == ""


def test_a_notice_ends_with_what_it_speaks_of(browser: Client) -> None:
    made = app(-1)
    assert "has expired" in notices(browser)
    made.settings["secret_expires"] = (timezone.localdate() + timedelta(days=300)).isoformat()
    with TestCase.captureOnCommitCallbacks(execute=True):
        made.save()
    assert notices(browser) == ""


def test_the_day_at_a_glance(browser: Client) -> None:
    app(100)
    cole = person("cole@contoso.example")
    sign_in(user=cole, email=cole.email)
    browser_of(cole)
    sign_in(user=person("gone@contoso.example"))
    sign_in(reason="unknown_user")
    page = browser.get("/admin/").content.decode()
    assert "Nothing needs your attention." in page
    assert "2 admitted" in page
    assert "1 refused" in page
    assert f"?at__year={timezone.localdate().year}" in page
    signed_in = page.partition("Who is signed in</a>:")[2].partition("</p>")[0]
    assert "cole@contoso.example" in signed_in
    assert "gone@contoso.example" not in signed_in


def test_what_is_kept_costs_one_command_of_the_cache_and_no_query(browser: Client) -> None:
    user = User.objects.get(email="root@contoso.example")
    front_page.context_for(user)
    redis = REDIS.client()
    redis.config_resetstat()
    with CaptureQueriesContext(connection) as queries:
        front_page.context_for(user)
    assert len(queries) == 0
    asked = {name: stat["calls"] for name, stat in redis.info("commandstats").items()}
    assert {name: n for name, n in asked.items() if "config" not in name} == {"cmdstat_mget": 1}


def test_nothing_that_others_wrote_into_the_cache_is_shown(browser: Client) -> None:
    app(-1)
    forged = {"for_superusers": [], "for_readers": [], "chart": "<script>", "people": ""}
    cache.set("front-page:all:en", forged)
    page = browser.get("/admin/").content.decode()
    assert "has expired" in page
    assert "<script></" not in page


@override_settings(ADMIN_CONTACT="helpdesk@contoso.example")
def test_someone_without_permissions_reads_what_that_means_and_whom_to_ask(db: None) -> None:
    page = browser_of(person("new@contoso.example")).get("/admin/").content.decode()
    assert "your account has no permissions on this site yet" in page
    assert "mailto:helpdesk@contoso.example" in page
    assert "permission to view or edit anything" not in page


def test_nor_does_the_menu_of_another_page_say_it_otherwise(db: None) -> None:
    page = browser_of(person("new@contoso.example")).get(reverse("admin:staff_own_sessions"))
    assert "your account has no permissions on this site" in page.content.decode()


def two_apps() -> Callable[[], object]:
    first, _second = app(100), app(100)
    return lambda: SocialApp.objects.filter(pk=first.pk).update(settings={"hidden": True})


def ended_secret() -> Callable[[], object]:
    made = app(-1)
    return lambda: SocialApp.objects.filter(pk=made.pk).update(settings={})


def unreadable_secret() -> Callable[[], object]:
    made = app(100)
    SocialApp.objects.update(secret="enc1:of-another-key")
    return lambda: SocialApp.objects.filter(pk=made.pk).update(secret=secretbox.encrypt("a-secret"))


def ending_certificate() -> Callable[[], object]:
    soon = secretbox.encrypt(both(certificate(ends=timedelta(days=3))))
    app(100, credential="certificate", certificate=soon)
    later = secretbox.encrypt(both(certificate()))
    kept = {"credential": "certificate", "certificate": later}
    return lambda: SocialApp.objects.update(settings=kept)


def unbound_superuser() -> Callable[[], object]:
    other = superuser("cole@contoso.example")
    return lambda: SocialAccount.objects.create(user=other, provider="microsoft", uid=f"{TID}:2")


def wrong_redirect_uri() -> Callable[[], object]:
    sign_in(reason="redirect_uri_mismatch", at=timezone.now() - timedelta(hours=2))
    return lambda: sign_in(method="microsoft")


def unused_link() -> Callable[[], object]:
    link(1)
    week_ago = timezone.now() - timedelta(days=8)
    return lambda: BreakGlassLink.objects.update(made_at=week_ago)


def used_link() -> Callable[[], object]:
    cole = link(1, used_at=timezone.now()).user
    sign_in(user=cole, method="break_glass", email=cole.email, reference="GLAS-2345")
    week_ago = timezone.now() - timedelta(days=8)
    return lambda: BreakGlassLink.objects.update(made_at=week_ago)


# What begins it, which returns what ends it; and what the page has to which it leads.
NOTICES = [
    (two_apps, "hide or delete all but one"),
    (ended_secret, "Next secret expires on|The app in admin"),
    (unreadable_secret, "The app in admin|Enter the secret again"),
    (ending_certificate, "The app in admin"),
    (unbound_superuser, "cole@contoso.example"),
    (wrong_redirect_uri, "not registered at Microsoft"),
    (unused_link, "cole@contoso.example"),
    (used_link, "GLAS-2345"),
]


@pytest.mark.parametrize(("begin", "shows"), NOTICES, ids=lambda row: getattr(row, "__name__", ""))
def test_a_notice_leads_to_what_it_speaks_of_and_ends_with_it(
    browser: Client, begin: Callable[[], Callable[[], object]], shows: str
) -> None:
    with audit.context(silent=True):
        end = begin()
        [told] = browser.get("/admin/").context["notices"]
        there = browser.get(told.url)
        assert there.status_code == 200
        assert re.search(shows, there.content.decode())
        in_admin = told.text.lower().split("whoever runs the server")[0]
        assert "manage.py" not in in_admin
        end()
        with TestCase.captureOnCommitCallbacks(execute=True):
            audit.write("sign_ins.pruned")  # whatever the audit records ends what is kept
        assert notices(browser) == ""
