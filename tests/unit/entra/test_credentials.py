"""Proofs: made ahead of need, kept to their end, renewed at half their life; by each kind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import jwt
import pytest

from accounts.entra.credentials import Credential, managed_identity, sources
from accounts.entra.credentials.certificate import LIFE, CertificateCredential
from accounts.entra.credentials.keys import read_certificates
from accounts.entra.credentials.managed_identity import ManagedIdentity, audience_of
from accounts.entra.credentials.proof import ASSERTION_TYPE, About, Secret, TokenFile
from accounts.entra.credentials.renewal import RETRY_AFTER, Dated, Renewed
from accounts.http.deadline import Deadline
from accounts.reasons import Refused
from tests.servers.environment import deployed_environment
from tests.servers.identity import DAY, IdentityEndpoint
from tests.servers.process import ROOT
from tests.support.certificates import both, certificate
from tests.support.keys import private_key
from tests.support.tiny_server import Exchange, TinyServer, eventually, fails

ABOUT = About("33333333-3333-4333-8333-333333333333", "https://login.example/t/token")
AUDIENCE = "api://AzureADTokenExchange"


def sent(credential: Credential, about: About = ABOUT) -> Mapping[str, str]:
    return credential.fields(about.client_id, about.token_endpoint, Deadline(5))


class Maker:
    """Makes numbered proofs of a life, at a time that the test sets."""

    def __init__(self, life: float = 100.0) -> None:
        self.now, self.life, self.made, self.problem = 1000.0, life, 0, ""
        self.gate = threading.Event()
        self.gate.set()
        self.kept = Renewed(self._make, clock=lambda: self.now)

    def _make(self) -> Dated:
        self.gate.wait(5)
        self.made += 1
        if self.problem:
            raise Refused("credential_unavailable", self.problem)
        return Dated(f"proof {self.made}", self.now, self.now + self.life)

    def made_after(self, count: int) -> bool:
        return eventually(lambda: self.made >= count)


def test_a_proof_is_made_once_and_used_for_half_of_its_life() -> None:
    maker = Maker()
    assert [maker.kept.get() for _ in range(5)] == ["proof 1"] * 5
    maker.now += 49
    assert maker.kept.get() == "proof 1"
    assert maker.made == 1


def test_at_half_its_life_the_old_one_still_serves_while_the_next_is_made() -> None:
    maker = Maker()
    maker.kept.get()
    maker.now += 51
    maker.gate.clear()
    began = time.monotonic()
    assert maker.kept.get() == "proof 1"
    assert time.monotonic() - began < 0.5
    maker.gate.set()
    assert eventually(lambda: maker.kept.get() == "proof 2")
    assert maker.made == 2


def test_while_renewal_fails_the_old_one_serves_to_its_end_and_it_is_tried_again() -> None:
    maker = Maker(life=1000)
    maker.kept.get()
    maker.problem = "the endpoint fails"
    for second in range(501, 989, 10):
        maker.now = 1000.0 + second
        assert maker.kept.get() == "proof 1"
        assert eventually(lambda: (run := maker.kept._renewal._flight) is None or run.done())
    assert 10 <= maker.made <= 1 + 490 / RETRY_AFTER + 1
    maker.now = 2000.0
    assert fails(maker.kept.get).detail == "the endpoint fails"
    maker.problem = ""
    assert maker.kept.get().startswith("proof")


def test_who_comes_when_there_is_none_waits_for_a_moment_only() -> None:
    maker = Maker()
    maker.gate.clear()
    began = time.monotonic()
    refused = fails(lambda: maker.kept.get(0.2))
    assert time.monotonic() - began < 1
    assert (refused.reason.code, refused.detail) == (
        "credential_unavailable",
        "no proof within 0.2 s",
    )
    maker.gate.set()
    assert maker.kept.get() == "proof 1"


def test_many_at_once_make_one() -> None:
    maker, got = Maker(), list[str]()
    maker.gate.clear()
    threads = [threading.Thread(target=lambda: got.append(maker.kept.get())) for _ in range(10)]
    for thread in threads:
        thread.start()
    maker.gate.set()
    for thread in threads:
        thread.join()
    assert (got, maker.made) == (["proof 1"] * 10, 1)


def test_what_is_forgotten_is_made_anew() -> None:
    maker = Maker()
    maker.kept.get()
    maker.kept.forget()
    assert maker.kept.get() == "proof 2"


def test_an_error_that_nobody_foresaw_is_told_by_its_name_only() -> None:
    def broken() -> Dated:
        raise ZeroDivisionError("the secret")

    assert fails(lambda: Renewed(broken).get()).detail == "ZeroDivisionError"


# --- certificate ---------------------------------------------------------------------------------


def made(name: str = "first") -> CertificateCredential:
    [one] = read_certificates(both(certificate(name), name))
    return CertificateCredential(one)


def test_a_certificate_signs_what_entra_asks_for() -> None:
    credential = made()
    proof = sent(credential)
    assert proof["client_assertion_type"] == ASSERTION_TYPE
    token = proof["client_assertion"]
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("PS256", "JWT")
    assert len(jwt.utils.base64url_decode(header["x5t#S256"])) == 32
    public = private_key("first").public_key()
    claims = jwt.decode(token, public, ["PS256"], audience=ABOUT.token_endpoint)
    assert claims["iss"] == claims["sub"] == ABOUT.client_id
    assert claims["exp"] - claims["iat"] == LIFE
    assert claims["nbf"] == claims["iat"]
    assert len(claims["jti"]) == 36


def test_an_assertion_is_one_apps_at_one_endpoint() -> None:
    credential, other = made(), About("other", ABOUT.token_endpoint)
    assert sent(credential) == sent(credential)
    assert sent(credential) != sent(credential, other)


def test_an_assertion_is_made_when_the_sign_in_starts() -> None:
    credential = made()
    credential.prepare(None)
    credential.prepare(ABOUT)
    kept = credential._kept_for(ABOUT)
    assert eventually(lambda: kept._held is not None)


def test_a_file_that_changes_is_followed_and_the_old_certificate_tried_after_the_new(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.pem"
    path.write_text(both(certificate()))
    [old] = sources.certificates(str(path))
    assert sources.certificates(str(path)) == (old,)
    path.write_text(both(certificate("second"), "second"))
    new, still = sources.certificates(str(path))
    assert still is old
    assert new.certificate.subject == "CN=second"
    path.write_text("half of a file")
    assert sources.certificates(str(path)) == (new, old)


def test_a_file_without_a_certificate_is_unavailable(tmp_path: Path) -> None:
    refused = fails(lambda: sources.certificates(str(tmp_path / "none.pem")))
    assert refused.reason.code == "credential_unavailable"
    assert "not there" in refused.detail


# --- token file ----------------------------------------------------------------------------------


def token(ends_in: float = 3600, number: int = 1) -> str:
    claims = {"sub": "system:serviceaccount:web:site", "exp": time.time() + ends_in, "n": number}
    return jwt.encode(claims, private_key("cluster"), "RS256")


def test_a_token_file_is_read_each_time(tmp_path: Path) -> None:
    path = tmp_path / "token"
    credential = TokenFile(str(path))
    for number in (1, 2):
        path.write_text(token(number=number) + "\n")
        assert sent(credential)["client_assertion"] == path.read_text().strip()


def test_the_last_token_serves_while_the_file_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(token())
    credential = TokenFile(str(path))
    before = sent(credential)
    for broken in ("", "half a tok", "\x00"):
        path.write_text(broken)
        assert sent(credential) == before
    path.unlink()
    assert sent(credential) == before
    credential.forget()
    refused = fails(lambda: sent(credential))
    assert (refused.reason.code, refused.detail) == (
        "credential_unavailable",
        "token file: cannot be read (No such file or directory)",
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"words", "holds no token"), (b"\xff\xfe", "holds no token")],
)
def test_a_file_without_a_token_says_so(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(content)
    refused = fails(lambda: TokenFile(str(tmp_path / "token")).token())
    assert refused.detail == f"token file: {said}"


# --- managed identity ----------------------------------------------------------------------------


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[IdentityEndpoint]:
    with IdentityEndpoint() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        started.trusted_by(AUDIENCE, lambda object_id, token: None)
        yield started


IDENTITY = "5f0c1d3e-77aa-4c41-9b62-2f1f0e6d5a10"


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def test_a_managed_identity_is_asked_for_by_its_client_id_and_once(
    endpoint: IdentityEndpoint,
) -> None:
    identity = ManagedIdentity(IDENTITY, AUDIENCE)
    proofs = [sent(identity)["client_assertion"] for _ in range(3)]
    assert proofs == [endpoint.given[0]] * 3
    [asked] = endpoint.asked
    assert (asked["client_id"], asked["resource"]) == (IDENTITY, AUDIENCE)


@pytest.mark.parametrize(("environment", "path", "header"), [
    (
        {"IDENTITY_ENDPOINT": "/msi/token", "IDENTITY_HEADER": "h", "MSI_ENDPOINT": "/msi/token"},
        "/msi/token?api-version=2019-08-01", "X-IDENTITY-HEADER",
    ),
    (  # at 169.254.169.254 otherwise
        {"AZURE_POD_IDENTITY_AUTHORITY_HOST": ""},
        "/metadata/identity/oauth2/token?api-version=2018-02-01", "Metadata",
    ),
], ids=["Container Apps", "a virtual machine"])  # fmt: skip
def test_each_host_is_asked_in_its_own_way(
    environment: Mapping[str, str], path: str, header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Microsoft: "Managed identities in Azure Container Apps", "Azure Instance Metadata"."""
    asked: list[tuple[str, str | None]] = []

    def answer(exchange: Exchange) -> None:
        asked.append((exchange.path, exchange.headers[header]))
        ends = str(int(time.time()) + DAY)
        given = {"access_token": "a-token", "resource": AUDIENCE, "token_type": "Bearer"}
        exchange.json(given | {"expires_on": ends, "expires_in": str(DAY)})

    with TinyServer(answer) as server:
        for name, value in environment.items():
            monkeypatch.setenv(name, value if "HEADER" in name else f"{server.url}{value}")
        assert ManagedIdentity(IDENTITY, AUDIENCE).token() == "a-token"
    [(where, with_header)] = asked
    assert where.startswith(path)
    assert f"client_id={IDENTITY}" in where
    assert with_header


def test_it_is_fetched_before_anyone_needs_it(endpoint: IdentityEndpoint) -> None:
    endpoint.delay = 0.3
    identity = ManagedIdentity(IDENTITY, AUDIENCE)
    identity.prepare(None)
    assert eventually(lambda: bool(endpoint.given))
    endpoint.away = "closes"
    assert identity.token() == endpoint.given[0]


@pytest.mark.parametrize("away", ["closes", "hangs", "fails"])
def test_an_endpoint_that_is_down_for_hours_costs_no_sign_in(
    away: str, endpoint: IdentityEndpoint
) -> None:
    clock = Clock()
    identity = ManagedIdentity(IDENTITY, AUDIENCE, clock=clock)
    before = identity.token()
    endpoint.away = away
    for ahead in (DAY / 2 + 1, DAY / 2 + 600, DAY - 60):
        clock.ahead = ahead
        began = time.monotonic()
        assert identity.token() == before
        assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(
    ("away", "said"),
    [("closes", "no token ("), ("fails", "no token ("), ("hangs", "no proof within 1.5 s")],
)
def test_without_any_token_the_sign_in_is_told_within_a_moment(
    away: str, said: str, endpoint: IdentityEndpoint
) -> None:
    endpoint.away = away
    began = time.monotonic()
    refused = fails(lambda: sent(ManagedIdentity(IDENTITY, AUDIENCE)))
    assert time.monotonic() - began < 2.5
    assert refused.reason.code == "credential_unavailable"
    assert said in refused.detail


def test_half_of_a_tokens_life_brings_the_next(endpoint: IdentityEndpoint) -> None:
    clock = Clock()
    identity = ManagedIdentity(IDENTITY, AUDIENCE, clock=clock)
    identity.token()
    endpoint.renew()
    clock.ahead = DAY / 2 + 10
    assert identity.token() == endpoint.given[0]
    assert eventually(lambda: len(endpoint.given) == 2)
    assert eventually(lambda: identity.token() == endpoint.given[1])


def test_nobody_needs_to_sign_in_for_it_to_stay_fresh(
    endpoint: IdentityEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managed_identity, "CHECK_EVERY", 0.05)
    clock = Clock()
    identity = ManagedIdentity(IDENTITY, AUDIENCE, clock=clock)
    identity.prepare(None)
    assert eventually(lambda: len(endpoint.given) == 1)
    endpoint.renew()
    clock.ahead = DAY / 2 + 10
    assert eventually(lambda: len(endpoint.given) == 2)


@pytest.mark.parametrize(
    ("login_url", "audience"),
    [
        ("https://login.microsoftonline.com", AUDIENCE),
        ("https://login.microsoftonline.us", f"{AUDIENCE}USGov"),
        ("https://login.partner.microsoftonline.cn", f"{AUDIENCE}China"),
        ("http://localhost:8400", AUDIENCE),
    ],
)
def test_each_cloud_has_an_audience_of_its_own(login_url: str, audience: str) -> None:
    assert audience_of(login_url) == audience


LOADED = """
import sys, project.wsgi, accounts.web.callback
ours = [name for name in sys.modules if name.startswith("accounts.entra.credentials.")]
print(sorted(name.rpartition(".")[2] for name in ours))
print([name for name in ("azure", "msal") if name in sys.modules])
"""


def test_sites_with_a_secret_import_nothing_of_the_other_kinds() -> None:
    told = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=ROOT,
        env=deployed_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    ours, azure = told.stdout.splitlines()
    assert ours == "['managed_identity', 'proof', 'renewal', 'sources']"
    assert azure == "[]"
    assert sent(Secret("x")) == {"client_secret": "x"}
