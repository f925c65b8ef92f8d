"""The service behind the Microsoft app: what it keeps, and what it refuses."""

from __future__ import annotations

import pytest
from allauth.socialaccount.models import SocialApp

from accounts.operate.microsoft_app import Changes, Invalid
from accounts.protection import secretbox
from tests.support.operators import save_app

pytestmark = pytest.mark.django_db

CLIENT_ID = "44444444-4444-4444-8444-444444444444"
SECRET = "abc8Q~first-secret-of-this-app"


def test_both_secrets_are_encrypted_at_rest() -> None:
    save_app(Changes(client_id=CLIENT_ID, secret=SECRET, next_secret=SECRET))
    app = SocialApp.objects.get()
    for kept in (app.secret, app.settings["next_secret"]):
        assert SECRET not in kept
        assert secretbox.decrypt(kept) == SECRET


def test_what_is_to_be_saved_does_not_print_its_secrets() -> None:
    assert SECRET not in repr(Changes(secret=SECRET))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(Invalid) as caught:
        save_app(Changes(client_id="x", tenant="common", domains=("a b",)))
    assert set(caught.value.problems) == {"client_id", "tenant", "domains"}


def test_a_secret_can_be_removed() -> None:
    save_app(Changes(client_id=CLIENT_ID, secret=SECRET, next_secret=SECRET))
    save_app(Changes(secret="", next_secret=""))
    app = SocialApp.objects.get()
    assert app.secret == ""
    assert "next_secret" not in app.settings
