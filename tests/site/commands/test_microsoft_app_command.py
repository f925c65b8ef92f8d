"""`./manage.py microsoft_app`, as an operator uses it; and the checks of what is entered."""

from __future__ import annotations

import io
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.management import CommandError
from django.utils import timezone, translation
from pytest_django import Settings
from typing_extensions import override

from accounts import registration
from accounts.operate.microsoft_app import Changes
from accounts.protection import secretbox
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.support.certificates import certificate, pem_of, pfx
from tests.support.operators import Failed, fail, help_of, manage, run, run_json, save_app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db

SECRET = "abc8Q~first-secret-of-this-app"
NEXT = "xyz8Q~second-secret-of-this-app"
OTHER_ID = "44444444-4444-4444-8444-444444444444"
LATER = (timezone.now() + timedelta(days=100)).date()


@pytest.fixture
def app() -> SocialApp:
    return save_app(Changes(client_id=OTHER_ID, secret=SECRET, secret_expires=LATER))


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def set_it(*words: str) -> Any:
    """What is entered is looked at here; whether Microsoft takes it, further down."""
    return run_json("microsoft_app", "set", "--untested", *words)


def refused(*words: str) -> Failed:
    failed = fail("microsoft_app", "set", *words)
    assert failed.out == ""
    return failed


def test_commands_are_english_wherever_the_site_is() -> None:
    with translation.override("de"):
        missing, unknown = refused("--managed-identity"), fail("staff", "show", "no one")
    assert "Enter the identity's client ID" in missing.error
    assert unknown.error.isascii(), unknown.error


def test_set_creates_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, f"{SECRET}\n")
    shown = set_it("--client-id", OTHER_ID, "--tenant", TENANT, "--secret-stdin")
    assert shown["in_force"] == "admin"
    app = SocialApp.objects.get()
    assert (app.client_id, app.settings["tenant"]) == (OTHER_ID, TENANT)
    assert secretbox.decrypt(app.secret) == SECRET


def test_a_new_app_takes_the_rest_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MICROSOFT_CLIENT_SECRET", SECRET)
    set_it("--secret-env")
    app = SocialApp.objects.get()
    assert app.client_id == CLIENT_ID
    assert secretbox.decrypt(app.secret) == SECRET


def test_the_environments_secret_may_stand_in_a_file(
    monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setenv("MICROSOFT_CLIENT_SECRET_FILE", "/run/secrets/client-secret")
    settings.MICROSOFT_CLIENT_SECRET = SECRET  # as it was read from there
    monkeypatch.delenv("MICROSOFT_CLIENT_SECRET", raising=False)
    set_it("--secret-env")
    assert secretbox.decrypt(SocialApp.objects.get().secret) == SECRET


def test_the_environments_secret_is_not_copied_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the wrong one, and admin's app then wins over the environment's."""
    monkeypatch.setenv("MICROSOFT_CLIENT_SECRET", SECRET)
    typed(monkeypatch, "")
    assert "--secret-env (copies MICROSOFT_CLIENT_SECRET)" in refused().error
    assert not SocialApp.objects.exists()


def test_a_second_secret_comes_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    set_it("--secret-env")
    typed(monkeypatch, f"{SECRET}-of-next-year\n")
    set_it("--next-secret-stdin")
    app = SocialApp.objects.get()
    assert secretbox.decrypt(app.settings["next_secret"]) == f"{SECRET}-of-next-year"


def test_a_new_app_without_a_secret_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MICROSOFT_CLIENT_SECRET")
    typed(monkeypatch, "")
    assert "--secret-stdin" in refused("--client-id", OTHER_ID).error
    assert not SocialApp.objects.exists()


def test_what_is_not_named_stays(app: SocialApp) -> None:
    set_it("--domains", "Contoso.example, fabrikam.example", "--name", "Ours")
    app.refresh_from_db()
    assert app.settings["domains"] == ["contoso.example", "fabrikam.example"]
    assert (app.name, secretbox.decrypt(app.secret)) == ("Ours", SECRET)
    assert app.settings["secret_expires"] == LATER.isoformat()


def test_a_new_secret_has_no_old_expiry(app: SocialApp, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, NEXT)
    assert set_it("--secret-stdin")["secret_expires"] == ""


def test_a_second_secret_is_tried_and_promoted(
    app: SocialApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, NEXT)
    shown = set_it("--next", "--secret-stdin", "--secret-expires", LATER.isoformat())
    assert (shown["next_secret"], shown["next_secret_expires"]) == ("set, encrypted", str(LATER))
    registration.changed()
    assert registration.in_force().secrets == (SECRET, NEXT)
    shown = set_it("--promote-next")
    assert (shown["next_secret"], shown["secret_expires"]) == ("not set", LATER.isoformat())
    app.refresh_from_db()
    assert secretbox.decrypt(app.secret) == NEXT


def test_there_must_be_a_second_secret_to_promote(app: SocialApp) -> None:
    assert "no next one to promote" in refused("--promote-next").error


def test_a_secret_among_the_arguments_is_refused_and_not_repeated(app: SocialApp) -> None:
    for words in (["--secret", NEXT], [f"--secret={NEXT}"], ["--secret"]):
        error = refused(*words).error
        assert "history" in error
        assert NEXT not in error


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--client-id", "my-app"], "Overview"),
        (["--tenant", "common"], "strangers"),
        (["--tenant", "consumers"], "strangers"),
        (["--tenant", "organizations"], "MICROSOFT_ALLOWED_TENANTS"),
        (["--tenant", "not a tenant"], "verified domain"),
        (["--tenant", OTHER_ID], "MICROSOFT_ALLOWED_TENANTS"),
        (["--domains", "contoso"], "contoso.com"),
        (["--name", "x" * 41], "40"),
        (["--secret-expires", "2020-01-01"], "has passed"),
        (["--secret-expires", "soon"], "2030-01-31"),
        (["--secret-env", "--secret-prompt"], "not allowed with"),
    ],
)
def test_wrong_input_saves_nothing_and_says_what_to_enter(
    app: SocialApp, words: list[str], said: str
) -> None:
    assert said in refused(*words).error
    kept = SocialApp.objects.get()
    assert (kept.client_id, kept.settings) == (app.client_id, app.settings)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (OTHER_ID, "column Value"),
        ("abc*************", "masked"),
        ("tiny-one", "too short"),
        ("x" * 80, "longer than 79"),
        ("two words of a secret", "space"),
        ("@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/x)", "a reference"),
        ("your-client-secret-here", "a placeholder"),
        (f'"{SECRET}"', "in quotes"),
        ("YWJjOFF+MDEyMzQ1Njc4OS1hYmNkZWZnaGlqa2xtbm9wcXJzdH4K", "encoded"),
        ("", "No secret came"),
    ],
)
def test_what_is_no_secret_is_refused_and_not_repeated(
    app: SocialApp, monkeypatch: pytest.MonkeyPatch, secret: str, said: str
) -> None:
    typed(monkeypatch, f"{secret}\n")
    error = refused("--secret-stdin").error
    assert said in error
    assert not secret or secret not in error


def test_show_tells_everything_but_the_secret(app: SocialApp) -> None:
    text = run("microsoft_app", "show") + run("microsoft_app", "show", "--json")
    assert "http://testserver/accounts/microsoft/login/callback/" in text
    assert "set, encrypted" in text
    assert OTHER_ID in text
    assert SECRET not in text
    assert app.secret not in text


def test_show_counts_the_days_of_the_secret(app: SocialApp) -> None:
    assert run_json("microsoft_app", "show")["secret_days_left"] in (99, 100, 101)


def test_show_says_when_the_environment_is_in_force() -> None:
    shown = run_json("microsoft_app", "show")
    assert (shown["in_force"], shown["client_id"]) == ("environment", CLIENT_ID)
    assert shown["secret"] == "set, in the environment"
    assert CLIENT_SECRET not in str(shown)


def test_show_fails_with_the_fix_when_there_are_two(app: SocialApp) -> None:
    SocialApp.objects.create(provider="microsoft", name="Second", client_id=CLIENT_ID)
    failed = fail("microsoft_app", "show")
    assert "several_apps" in failed.error
    assert "Second" in failed.out
    assert "More than one" in refused("--name", "x").error


def test_a_hidden_app_does_not_count(app: SocialApp) -> None:
    hidden = {"hidden": True}
    SocialApp.objects.create(provider="microsoft", name="Old", client_id="x", settings=hidden)
    assert run_json("microsoft_app", "show")["problem"] == ""


def test_show_fails_when_there_is_none(settings: Settings) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {"microsoft": {"APPS": []}}
    assert "not_configured" in fail("microsoft_app", "show").error


def test_show_says_when_the_secret_cannot_be_read(app: SocialApp, settings: Settings) -> None:
    settings.SECRET_KEY = "another-key-" * 6
    failed = fail("microsoft_app", "show")
    assert "SECRET_KEY_FALLBACKS" in failed.error
    assert "unreadable" in failed.out


def test_test_asks_microsoft(emulator: Emulator) -> None:
    found = run_json("microsoft_app", "test")
    assert found
    assert {finding["level"] for finding in found} <= {"ok", "warning"}


def test_test_fails_when_sign_in_would(app: SocialApp, emulator: Emulator) -> None:
    failed = fail("microsoft_app", "test")
    assert "sign-in would fail" in failed.error
    assert "error" in failed.out


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("microsoft_app", capsys)
    assert "./manage.py microsoft_app show" in text
    assert "exit codes:" in text


@pytest.mark.django_db(transaction=True)
def test_the_program_reads_the_secret_from_a_pipe() -> None:
    words = ("microsoft_app", "set", "--client-id", OTHER_ID, "--secret-stdin", "--untested")
    done = manage(*words, stdin=f"{SECRET}\r\n")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert secretbox.decrypt(SocialApp.objects.get().secret) == SECRET


@pytest.mark.django_db(transaction=True)
def test_it_is_saved_while_redis_is_away() -> None:
    words = ("microsoft_app", "set", "--client-id", OTHER_ID, "--secret-env", "--untested")
    done = manage(*words, REDIS_URL="redis://127.0.0.1:1/0")
    assert done.returncode == 0, done.stderr
    assert SocialApp.objects.get().client_id == OTHER_ID


@pytest.mark.django_db(transaction=True)
def test_the_program_refuses_a_secret_among_its_arguments() -> None:
    done = manage("microsoft_app", "set", "--secret", SECRET)
    assert done.returncode == 2
    assert SECRET not in done.stderr


# --- Microsoft is asked before anything is saved -------------------------------------------------


def test_set_tests_first_and_keeps_what_microsoft_said(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, f"{CLIENT_SECRET}\n")
    shown = run_json("microsoft_app", "set", "--client-id", CLIENT_ID, "--secret-stdin")
    [one] = shown["credentials"]
    assert (one["slot"], one["in_use"], one["refused"], one["tested"] != "") == (
        "secret", True, "", True,
    )  # fmt: skip


@pytest.mark.parametrize("more", [[], ["--force"], ["--untested"]])
def test_what_microsoft_refuses_is_saved_by_force_only(
    more: list[str], emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, f"{NEXT}\n")
    words = ["--client-id", CLIENT_ID, "--secret-stdin", *more]
    if more:
        run("microsoft_app", "set", *words)
        assert SocialApp.objects.exists()
        return
    error = refused(*words).error
    assert "Nobody can sign in with Microsoft until this is corrected" in error
    assert "--force" in error
    assert NEXT not in error
    assert not SocialApp.objects.exists()


def test_microsoft_out_of_reach_is_said(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.MICROSOFT_LOGIN_URL = "http://localhost:9"
    typed(monkeypatch, f"{SECRET}\n")
    error = refused("--client-id", CLIENT_ID, "--secret-stdin").error
    assert "Microsoft could not be asked" in error
    assert "--untested" in error


def test_a_next_secret_that_is_refused_is_not_promoted_and_a_good_one_may_be_undone(
    emulator: Emulator,
) -> None:
    save_app(Changes(client_id=CLIENT_ID, secret=CLIENT_SECRET, next_secret=NEXT))
    assert "Nobody can sign in" in refused("--promote-next").error
    emulator.set_secrets([CLIENT_SECRET, NEXT])
    run("microsoft_app", "set", "--promote-next")
    assert registration.read_afresh().secrets == (NEXT,)
    run("microsoft_app", "set", "--undo")
    assert registration.read_afresh().secrets == (CLIENT_SECRET, NEXT)


def test_a_certificate_comes_from_a_file_and_is_kept_itself(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate()
    emulator.set_certificates([pem_of(made)])
    path = tmp_path / "staff.pfx"
    path.write_bytes(pfx(made, "first", "word"))
    words = ["--client-id", CLIENT_ID, "--certificate", str(path)]
    assert "--passphrase-env" in refused(*words).error
    monkeypatch.setenv("MICROSOFT_CLIENT_CERTIFICATE_PASSWORD", "word")
    text = run("microsoft_app", "set", *words, "--passphrase-env")
    path.unlink()
    registration.forget()
    [one] = registration.read_afresh().credentials
    assert one.label in text
    assert f"Thumbprint of the certificate: {one.label.rpartition(' ')[2]}" in text
    assert "PRIVATE KEY" not in text
    assert "enc1:" not in text


@pytest.mark.parametrize(("words", "said"), [
    (["--certificate", "/nowhere.pem"], "/nowhere.pem: No such file"),
    (["--managed-identity", "site"], "named by a GUID"),
    (["--managed-identity"], "Enter the identity's client ID"),
    (["--token-file"], "MICROSOFT_TOKEN_FILE is not set"),
    (["--token-file", "--secret-stdin"], "not allowed with argument"),
    (["--certificate", "x", "--managed-identity", OTHER_ID], "not allowed with argument"),
    (["--undo"], "nothing to undo"),
])  # fmt: skip
def test_other_kinds_say_what_is_missing(app: SocialApp, words: list[str], said: str) -> None:
    assert said in refused(*words).error


class Terminal(io.StringIO):
    """Someone sits there, and types this."""

    @override
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("answer", "is_saved"), [("y\n", True), ("\n", False), ("no\n", False)])
def test_at_a_terminal_it_asks(
    answer: str, is_saved: bool, app: SocialApp, emulator: Emulator, monkeypatch: Any
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    with nullcontext() if is_saved else pytest.raises(CommandError, match="Nothing was saved"):
        run("microsoft_app", "set", "--client-id", CLIENT_ID)
    assert (SocialApp.objects.get().client_id == CLIENT_ID) == is_saved
