"""Doctor says what to enter in Entra for each kind of credential, and whether it will last."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from pytest_django import Settings

from accounts import registration
from accounts.operate.doctor.probes import app, microsoft
from tests.emulator.ids import CLIENT_ID
from tests.emulator.proofs import AUDIENCE
from tests.support.certificates import DAY, both, certificate, pem_of, public_pem
from tests.support.doctoring import bad, by_id
from tests.support.keys import private_key

if TYPE_CHECKING:
    from accounts.operate.doctor.finding import Finding
    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db

CLUSTER = "https://oidc.cluster.example/abc/"
SUBJECT = "system:serviceaccount:web:site"
MADE, NEXT = certificate(), certificate("second")


def look() -> dict[str, Finding]:
    return by_id(app.run())


def online() -> dict[str, Finding]:
    return by_id(microsoft.run())


def by_certificate(settings: Settings, source: str) -> None:
    settings.MICROSOFT_CLIENT_CERTIFICATE = source


def by_file(settings: Settings, path: Path, **changes: Any) -> None:
    now = int(time.time())
    claims = {"iss": CLUSTER, "sub": SUBJECT, "aud": AUDIENCE, "exp": now + 3600} | changes
    path.write_text(jwt.encode(claims, private_key("cluster"), "RS256"))
    settings.MICROSOFT_TOKEN_FILE = str(path)


def test_a_certificate_is_told_as_entra_lists_it(settings: Settings) -> None:
    by_certificate(settings, both(MADE))
    found = look()
    assert bad(found.values()) == set()
    [one] = registration.read_afresh().credentials
    assert one.label.rpartition(" ")[2] in found["app.certificate"].title
    assert "another 90 days" in found["app.certificate_expires_soon"].title


def test_a_certificate_that_ends_soon_is_warned_of(settings: Settings) -> None:
    by_certificate(settings, both(certificate(ends=10 * DAY)))
    found = look()["app.certificate_expires_soon"]
    assert (found.level, "in 10 days" in found.title) == ("warning", True)


def test_processes_that_have_another_certificate_are_told(settings: Settings) -> None:
    by_certificate(settings, both(NEXT, "second"))
    registration.changed()
    registration.in_force()
    [used] = registration.certificates_in_use()
    by_certificate(settings, both(MADE))
    found = look()["app.certificate_in_use"]
    assert used in found.title
    assert "Restart all instances" in found.fix


def test_a_federated_credential_is_told_letter_for_letter(
    settings: Settings, tmp_path: Path
) -> None:
    by_file(settings, tmp_path / "token")
    found = look()
    assert bad(found.values()) == set()
    wanted = f"issuer {CLUSTER}, subject {SUBJECT}, audience {AUDIENCE}"
    assert wanted in found["app.federated"].title


def test_a_stale_token_file_is_told(settings: Settings, tmp_path: Path) -> None:
    by_file(settings, tmp_path / "token", exp=int(time.time()) - 600)
    assert "10 minutes ago" in look()["app.token_stale"].title


def test_an_identity_without_a_token_is_told(settings: Settings) -> None:
    settings.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID = CLIENT_ID
    found = look()["app.federated"]
    assert (found.level, found.shows_as) == ("error", ("credential_unavailable",))


def test_online_says_whether_microsoft_accepts_it(
    settings: Settings, emulator: Emulator, tmp_path: Path
) -> None:
    by_file(settings, tmp_path / "token")
    emulator.trust_issuer(CLUSTER, public_pem("cluster"))
    emulator.set_federated({"issuer": CLUSTER, "subject": SUBJECT})
    assert online()["online.credential"].level == "ok"
    emulator.set_federated({"issuer": CLUSTER, "subject": SUBJECT.upper()})
    found = online()["online.credential"]
    assert found.level == "error"
    assert "differs in upper and lower case" in found.fix


def test_online_tries_the_next_certificate_as_well(settings: Settings, emulator: Emulator) -> None:
    by_certificate(settings, both(MADE) + both(NEXT, "second"))
    emulator.set_certificates([pem_of(NEXT)])
    assert "the next one is used" in online()["online.credential_second"].title
    emulator.set_certificates([pem_of(MADE)])
    found = online()
    assert found["online.credential"].level == "ok"
    assert found["online.credential_next"].level == "warning"
    emulator.set_certificates([])
    assert online()["online.credential"].shows_as == ("client_credential_refused",)
