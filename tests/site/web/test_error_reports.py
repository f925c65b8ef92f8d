"""Django's report of an unforeseen error, with every frame's variables: nothing secret is in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.signals import got_request_exception
from django.test import Client

from accounts.entra.credentials import Secret
from accounts.entra.credentials.certificate import CertificateCredential
from accounts.entra.credentials.keys import read_certificates
from accounts.entra.credentials.proof import TokenFile
from accounts.entra.exchange import Client as AppClient
from accounts.entra.exchange import exchange_code
from accounts.http.client import get_client
from accounts.http.deadline import Deadline
from accounts.web.error_reports import Reporter
from tests.emulator.ids import CLIENT_ID, TENANT
from tests.support.admins import browser_of, superuser
from tests.support.certificates import both, certificate, key_pem, pfx
from tests.support.keys import private_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from django.http import HttpRequest
    from pytest_django import Settings

SECRET = "a-client-secret~that-nobody-may-see"
KEY = {line for line in key_pem(private_key("first")).splitlines() if len(line) > 40}
CODE, VERIFIER = "a-code-that-nobody-may-see", "a-verifier-that-nobody-may-see"


def report(request: HttpRequest | None = None) -> str:
    """As it would be sent to ADMINS, in both its forms."""
    kind, error, trace = sys.exc_info()
    assert trace
    # Without this test's own frame, which has all of it.
    reporter = Reporter(request, kind, error, trace if request else trace.tb_next)
    return reporter.get_traceback_html() + reporter.get_traceback_text()


def assertion_of(credential: Any) -> str:
    return str(credential.fields(CLIENT_ID, ENDPOINT, Deadline(2))["client_assertion"])


ENDPOINT: Any = 5  # no address at all: what asks breaks in the middle of asking


def by_certificate(folder: Path) -> tuple[Any, set[str]]:
    credential = CertificateCredential(read_certificates(both(certificate()))[0])
    return credential, {assertion_of(credential), *KEY}


def by_token_file(folder: Path) -> tuple[Any, set[str]]:
    token = assertion_of(CertificateCredential(read_certificates(both(certificate()))[0]))
    (path := folder / "token").write_text(token)
    return TokenFile(str(path)), {token}


@pytest.mark.parametrize(
    "make", [lambda folder: (Secret(SECRET), {SECRET}), by_certificate, by_token_file]
)
def test_a_crash_while_a_code_is_swapped_shows_no_proof(
    make: Callable[[Path], tuple[Any, set[str]]], tmp_path: Path
) -> None:
    credential, secret = make(tmp_path)
    client = AppClient(get_client(), ENDPOINT, CLIENT_ID, [credential])
    more = {"redirect_uri": "https://x.example/", "verifier": VERIFIER, "request_id": "1"}
    try:
        exchange_code(client, code=CODE, deadline=Deadline(2), **more)
    except Exception:
        told = report()
    assert "exchange_code" in told
    assert [value for value in {*secret, CODE, VERIFIER} if value in told] == []


@pytest.fixture
def reports() -> Iterator[list[str]]:
    """Of each request that ended in an error."""
    found: list[str] = []

    def keep(request: HttpRequest, **kwargs: Any) -> None:
        found.append(report(request))

    got_request_exception.connect(keep)
    yield found
    got_request_exception.disconnect(keep)


@pytest.mark.django_db
@pytest.mark.parametrize("by", ["certificate_text", "certificate_file", "new_secret"])
def test_a_crash_while_the_app_is_saved_shows_nothing_that_was_typed(
    by: str, reports: list[str], settings: Settings
) -> None:
    browser: Client = browser_of(superuser())
    browser.raise_request_exception = False
    typed: dict[str, Any] = {
        "certificate_text": both(certificate()),
        "certificate_file": SimpleUploadedFile("x.pfx", pfx(certificate(), "first", SECRET)),
        "new_secret": SECRET,
    }
    fields = {"name": "Staff", "client_id": CLIENT_ID, "tenant": TENANT, by: typed[by]}
    more = {"certificate_passphrase": SECRET} if by == "certificate_file" else {}
    # A mistake that only what checks the form runs into.
    settings.MICROSOFT_ALLOWED_TENANTS, settings.MICROSOFT_TENANT_ID = frozenset(), 5
    browser.post("/admin/socialaccount/socialapp/add/", fields | more)
    [told] = reports[-1:]
    assert "_within_bound" in told
    assert [value for value in {SECRET, *KEY} if value in told] == []
