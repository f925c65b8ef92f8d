"""What Entra says of a client's proof, and which reason each of its answers becomes here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography import x509
from typing_extensions import override

from accounts.entra.credentials.certificate import CertificateCredential
from accounts.entra.credentials.keys import Certificate, read_certificates
from accounts.entra.credentials.proof import Credential, Secret, assertion
from accounts.entra.errors import reason_for
from accounts.entra.exchange import Client, ask_as, exchange_code
from accounts.http.client import HttpClient
from accounts.http.deadline import Deadline
from tests.emulator.discovery import issuer_of
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.proofs import AUDIENCE
from tests.support.certificates import both, certificate, pem_of, public_pem
from tests.support.keys import private_key
from tests.support.tiny_server import fails

if TYPE_CHECKING:
    from accounts.entra.credentials.proof import Kind
    from tests.emulator.server import Emulator

MADE, OTHER = certificate(), certificate("second")
CLUSTER = "https://oidc.cluster.example/abc/"
SUBJECT = "system:serviceaccount:web:site"
PRINCIPAL = "77777777-7777-4777-8777-777777777777"
HTTP = HttpClient()
REQUEST_ID = "55555555-5555-4555-8555-555555555555"


class Given(Credential):
    """A credential that sends what the test gives it."""

    def __init__(self, token: str, kind: Kind = "token_file") -> None:
        self.kind = kind
        self.label, self.forgotten = "token file", False
        self._token = token

    @override
    def fields(self, client_id: str, token_endpoint: str, deadline: Deadline) -> Mapping[str, str]:
        return assertion(self._token)

    @override
    def forget(self) -> None:
        self.forgotten = True


def client(emulator: Emulator, *credentials: Credential) -> Client:
    return Client(HTTP, endpoint_of(emulator), CLIENT_ID, credentials)


def endpoint_of(emulator: Emulator) -> str:
    return emulator.world.url(emulator.url, TENANT, "token")


def prove(emulator: Emulator, *credentials: Credential) -> str:
    """An id_token for a real code."""
    return exchange_code(
        client(emulator, *credentials),
        code=emulator.code("https://site.example/", challenge=None),
        redirect_uri="https://site.example/",
        verifier="",
        deadline=Deadline(10),
        request_id=REQUEST_ID,
    )


def ours(name: str = "first", made: Any = None) -> CertificateCredential:
    return CertificateCredential(_read(name, made or MADE))


@cache
def _read(name: str, made: x509.Certificate) -> Certificate:
    """Read once, since the check of an RSA key takes longer than what is tested with it."""
    [one] = read_certificates(both(made, name))
    return one


def test_a_registered_certificate_is_accepted(emulator: Emulator) -> None:
    emulator.set_certificates([pem_of(MADE)])
    assert prove(emulator, ours()).count(".") == 2
    sent = emulator.requests[-1].fields
    assert "client_secret" not in sent
    assert sent["scope"] == "openid profile email"


def test_a_certificate_that_is_not_registered_is_refused_by_its_thumbprint(
    emulator: Emulator,
) -> None:
    emulator.set_certificates([pem_of(OTHER)])
    credential = ours()
    refused = fails(lambda: prove(emulator, credential))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", 700027)
    thumbprint = credential.certificate.portal_thumbprint
    assert refused.detail.startswith(f"certificate {thumbprint}: AADSTS700027")


def test_of_two_certificates_the_second_takes_over(emulator: Emulator) -> None:
    emulator.set_certificates([pem_of(OTHER)])
    assert prove(emulator, ours(), ours("second", OTHER))
    assert emulator.counts["token"] == 2


def test_an_expired_certificate_is_refused(emulator: Emulator) -> None:
    emulator.set_certificates([pem_of(MADE)])
    emulator.set_clock_offset(0)
    credential = ours()
    assert prove(emulator, credential)
    until = credential.certificate.not_after.timestamp()
    credential = CertificateCredential(credential.certificate, clock=lambda: until + 60)
    emulator.set_clock_offset(until + 60 - time.time())
    refused = fails(lambda: prove(emulator, credential))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", 700027)


def test_a_clock_that_is_wrong_makes_the_next_assertion_anew(emulator: Emulator) -> None:
    emulator.set_certificates([pem_of(MADE)])
    credential = ours()
    first = credential.fields(CLIENT_ID, endpoint_of(emulator), Deadline(5))
    emulator.set_clock_offset(3600)
    refused = fails(lambda: prove(emulator, credential))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", 700024)
    assert credential.fields(CLIENT_ID, endpoint_of(emulator), Deadline(5)) != first


def signed(key: str = "first", header: Any = None, alg: str = "PS256", **changes: Any) -> Given:
    """An assertion of the first certificate, with something wrong."""
    now = int(time.time())
    claims = {"iss": CLIENT_ID, "sub": CLIENT_ID, "jti": "1", "nbf": now, "exp": now + 600}
    named = {"x5t#S256": jwt.utils.base64url_encode(ours().certificate.sha256).decode()}
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return Given(
        jwt.encode(claims, private_key(key), alg, headers=named | (header or {})), "certificate"
    )


WRONG: dict[str, tuple[Callable[[str], Given], int]] = {
    "another key": (lambda aud: signed("second", aud=aud), 700027),
    "another thumbprint": (lambda aud: signed(header={"x5t#S256": "AAAA"}, aud=aud), 700027),
    "another audience": (lambda aud: signed(aud="https://login.example/"), 700023),
    "another subject": (lambda aud: signed(aud=aud, sub="someone"), 700021),
    "no jti": (lambda aud: signed(aud=aud, jti=None), 50027),
    "another algorithm": (lambda aud: signed(aud=aud, alg="RS256"), 50027),
    "over": (lambda aud: signed(aud=aud, nbf=1, exp=600), 700024),
    "for later": (lambda aud: signed(aud=aud, nbf=int(time.time()) + 900), 700024),
    "no token": (lambda aud: Given("words", "certificate"), 50027),
}


@pytest.mark.parametrize("what", WRONG)
def test_entra_looks_at_all_of_an_assertion(what: str, emulator: Emulator) -> None:
    emulator.set_certificates([pem_of(MADE)])
    make, number = WRONG[what]
    refused = fails(lambda: prove(emulator, make(endpoint_of(emulator))))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", number)


def cluster_token(key: str = "cluster", **changes: Any) -> Given:
    now = int(time.time())
    claims = {"iss": CLUSTER, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "exp": now + 3600}
    return Given(jwt.encode({**claims, **changes}, private_key(key), "RS256"))


ROW = {"issuer": CLUSTER, "subject": SUBJECT}
FEDERATED: dict[str, tuple[dict[str, str] | None, dict[str, Any], int]] = {
    "none is entered": (None, {}, 70021),
    "another issuer": (ROW | {"issuer": f"{CLUSTER}x"}, {}, 700211),
    "a slash less": (ROW | {"issuer": CLUSTER.rstrip("/")}, {}, 700211),
    "another audience": (ROW | {"audience": f"{AUDIENCE}China"}, {}, 700212),
    "another subject": (ROW | {"subject": "system:serviceaccount:web:other"}, {}, 700213),
    "another case": (ROW | {"subject": SUBJECT.replace("web", "Web")}, {}, 7002138),
    "over": (ROW, {"exp": 1}, 700024),
    "signed by a stranger": (ROW, {"key": "stranger"}, 50013),
}


@pytest.mark.parametrize("what", FEDERATED)
def test_a_federated_credential_fits_letter_for_letter(what: str, emulator: Emulator) -> None:
    row, changes, number = FEDERATED[what]
    emulator.trust_issuer(CLUSTER, public_pem("cluster"))
    emulator.set_federated(*([row] if row else []))
    refused = fails(lambda: prove(emulator, cluster_token(**changes)))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", number)
    assert refused.detail.startswith("token file: AADSTS")


def test_a_clusters_token_is_accepted(emulator: Emulator) -> None:
    emulator.trust_issuer(CLUSTER, public_pem("cluster"))
    emulator.set_federated(ROW)
    assert prove(emulator, cluster_token())


def test_a_managed_identitys_token_is_accepted_and_an_id_token_is_not(emulator: Emulator) -> None:
    emulator.set_federated({"issuer": issuer_of(emulator.url, TENANT), "subject": PRINCIPAL})
    assert prove(emulator, Given(emulator.identity_token(PRINCIPAL)["access_token"]))
    refused = fails(lambda: prove(emulator, Given(emulator.id_token())))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", 700222)


NUMBERS = (
    *(700027, 700024, 700030, 700021, 700022, 700023, 700026, 500133, 50012, 50013, 50027, 50048),
    *(700211, 700212, 700213, 7002131, 7002137, 7002138, 70021, 7000226, 700222, 700229),
)


@pytest.mark.parametrize("number", NUMBERS)
def test_every_number_of_an_assertion_has_its_reason(number: int) -> None:
    assert reason_for([number], "invalid_client") == ("client_credential_refused", number)


@pytest.mark.parametrize(
    ("number", "of_secret"),
    [
        (7000215, "client_secret_wrong"),
        (7000218, "client_secret_wrong"),
        (7000222, "client_secret_expired"),
    ],
)
def test_what_entra_says_of_secrets_is_not_said_where_another_kind_was_sent(
    number: int, of_secret: str, emulator: Emulator
) -> None:
    body = {"error": "invalid_client", "error_codes": [number]}
    emulator.answer_token(status=401, body=body)
    assert fails(lambda: prove(emulator, Secret(CLIENT_SECRET))).reason.code == of_secret
    refused = fails(lambda: prove(emulator, cluster_token()))
    assert (refused.reason.code, refused.aadsts) == ("client_credential_refused", number)


def test_the_probe_without_a_person_asks_for_the_apps_own_scope(emulator: Emulator) -> None:
    emulator.set_certificates([pem_of(MADE)])
    fields = {"grant_type": "client_credentials", "client_id": CLIENT_ID}
    asked = {**fields, "scope": f"{CLIENT_ID}/.default"}
    assert ask_as(ours(), client(emulator), asked, Deadline(5), REQUEST_ID).status == 200
    wrong = {**fields, "scope": CLIENT_ID}
    refused = fails(lambda: ask_as(ours(), client(emulator), wrong, Deadline(5), REQUEST_ID))
    assert (refused.reason.code, refused.aadsts) == ("misconfigured", 1002012)
