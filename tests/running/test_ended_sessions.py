"""What ends a person's sessions for good, and what a rotated SECRET_KEY leaves readable."""

import pytest
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.test import Client, override_settings

from accounts import registration
from accounts.models import User
from accounts.operate import people
from accounts.protection import secretbox
from accounts.sessions.entries import name_of
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.admins import let_in
from tests.support.visitor import Visitor

OLD = settings.SECRET_KEY
NEW = "another-secret-key-" * 4


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user("staff@contoso.example", is_superuser=True)


@pytest.fixture
def signed_in(staff: User) -> Client:
    client = Client(headers={"host": "testserver"})
    let_in(client, staff)
    assert client.get("/admin/").status_code == 200
    return client


def test_no_session_outlives_the_version_it_was_made_under(signed_in: Client, staff: User) -> None:
    staff.end_sessions()
    assert signed_in.get("/admin/").status_code == 302


def test_a_session_that_survived_a_deactivation_does_not_revive(
    signed_in: Client, staff: User
) -> None:
    key = signed_in.cookies[settings.SESSION_COOKIE_NAME].value
    people.deactivate(staff)
    people.reactivate(staff)
    signed_in.cookies[settings.SESSION_COOKIE_NAME] = key
    assert signed_in.get("/admin/").status_code == 302


def test_ending_sessions_touches_nobody_elses(signed_in: Client, db: None) -> None:
    User.objects.create_user("other@contoso.example").end_sessions()
    assert signed_in.get("/admin/").status_code == 200


@pytest.mark.parametrize("key", ["9" * 5000, "\u00b2", "-1", "x"])
def test_no_key_of_a_person_is_too_odd(signed_in: Client, key: str) -> None:
    assert signed_in.get(f"/admin/accounts/user/{key}/change/").status_code in (302, 404)


def test_an_app_that_is_saved_after_a_rotation_needs_the_old_key_no_more(db: None) -> None:
    app = SocialApp.objects.create(provider="microsoft", name="a", secret=secretbox.encrypt("one"))
    app.settings["next_secret"] = secretbox.encrypt("two")
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[OLD]):
        app.save()
    with override_settings(SECRET_KEY=NEW, SECRET_KEY_FALLBACKS=[]):
        app.refresh_from_db()
        assert secretbox.decrypt(app.secret) == "one"
        assert secretbox.decrypt(app.settings["next_secret"]) == "two"


def test_a_second_secret_that_nothing_opens_does_not_stop_the_first(db: None) -> None:
    with override_settings(SECRET_KEY=NEW):
        forgotten = secretbox.encrypt("two")
    app = SocialApp(provider="microsoft", name="a", secret=secretbox.encrypt("one"))
    app.settings = {"next_secret": forgotten}
    app.save()
    registration.changed()
    assert registration.in_force().secrets == ("one",)


def test_a_plain_secret_of_an_earlier_version_is_encrypted_when_saved(db: None) -> None:
    app = SocialApp.objects.create(provider="microsoft", name="a", secret="plain")
    assert secretbox.is_encrypted(app.secret)
    assert secretbox.decrypt(app.secret) == "plain"


def test_a_session_of_nobody_lives_only_as_long_as_a_sign_in(
    site: Site, redis_server: Redis
) -> None:
    visitor = Visitor(site.url)
    visitor.press_button()
    redis = redis_server.client()
    name = name_of(visitor.session_cookie())
    lives = [redis.ttl(key) for key in redis.scan_iter(f"*{name}*")]
    assert 0 < max(lives) <= 1200
