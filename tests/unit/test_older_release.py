"""What the release before has written is read, and compares as equal, wherever modules move."""

import base64
import hashlib

import pytest
from cryptography.fernet import Fernet
from django.core import signing
from django.utils.crypto import salted_hmac
from pytest_django import Settings

from accounts.process import processes
from accounts.protection import sealed, secretbox


def test_what_it_sealed_opens() -> None:
    text = signing.dumps({"a": 1}, salt="accounts.sealed:purpose", compress=True)
    assert sealed.unseal("purpose", text) == {"a": 1}


def test_what_it_encrypted_is_decrypted(settings: Settings) -> None:
    digest = hashlib.sha256(b"accounts.secretbox:" + settings.SECRET_KEY.encode()).digest()
    value = Fernet(base64.urlsafe_b64encode(digest)).encrypt(b"secret").decode()
    assert secretbox.decrypt(f"enc1:{value}") == "secret"


@pytest.mark.parametrize(("hours", "text"), [(8, "8"), (12, "12")])
def test_its_processes_have_the_same_fingerprints(
    hours: int, text: str, settings: Settings
) -> None:
    settings.SESSION_HOURS = hours
    expected = salted_hmac("accounts.processes", f"SESSION_HOURS={text}", algorithm="sha256")
    prints = processes.this_process(0.0).prints
    assert prints["SESSION_HOURS"] == expected.hexdigest()[:16]
