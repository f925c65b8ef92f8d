"""The site proves itself in each way, from a production start; rotation and outages meanwhile."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.hashes import SHA1

from accounts.models import User
from accounts.operate.microsoft_app import Changes
from tests.emulator.discovery import issuer_of
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.proofs import AUDIENCE
from tests.emulator.server import Emulator
from tests.fixtures import StartSite
from tests.servers.identity import IdentityEndpoint
from tests.servers.site import Site
from tests.support.certificates import both, certificate, pem_of, pfx, public_pem
from tests.support.doctoring import doctor
from tests.support.keys import private_key
from tests.support.operators import save_app
from tests.support.visitor import Page, Visitor

pytestmark = pytest.mark.django_db(transaction=True)

PRINCIPAL = "77777777-7777-4777-8777-777777777777"
IDENTITY = "5f0c1d3e-77aa-4c41-9b62-2f1f0e6d5a10"
CLUSTER = "https://oidc.cluster.example/abc/"
SUBJECT = "system:serviceaccount:web:site"
MADE, NEXT = certificate(), certificate("second")
WITHOUT = {"MICROSOFT_CLIENT_SECRET": ""}
AT_ONCE = 5


@pytest.fixture(autouse=True)
def person(transactional_db: None) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)


@pytest.fixture
def endpoint(emulator: Emulator) -> Iterator[IdentityEndpoint]:
    """The identity that the app trusts."""
    with IdentityEndpoint() as started:
        started.identities = {IDENTITY}
        started.mint[AUDIENCE] = lambda: emulator.identity_token(PRINCIPAL)
        emulator.set_federated({"issuer": issuer_of(emulator.url, TENANT), "subject": PRINCIPAL})
        yield started


@pytest.fixture
def by_identity(endpoint: IdentityEndpoint, start_site: StartSite) -> Callable[[], Site]:
    named = {"MICROSOFT_MANAGED_IDENTITY_CLIENT_ID": IDENTITY}
    return lambda: start_site(workers=1, **WITHOUT | named | endpoint.environment)


def cluster_token(number: int = 1, life: int = 3600) -> str:
    now = int(time.time())
    claims = {"iss": CLUSTER, "sub": SUBJECT, "aud": AUDIENCE, "iat": now, "exp": now + life}
    return jwt.encode(claims | {"n": number}, private_key("cluster"), "RS256")


def sign_in(url: str) -> Page:
    return Visitor(url).sign_in()


def proofs(emulator: Emulator) -> list[dict[str, str]]:
    """The token requests that came with an assertion, and none with a secret."""
    seen = [one.fields for one in emulator.requests if one.endpoint == "token"]
    assert not any("client_secret" in one for one in seen)
    return seen


def by_certificate(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    emulator.set_certificates([pem_of(MADE)])
    path = tmp_path / "app.pfx"
    path.write_bytes(pfx(MADE, "first", "word"))
    named = {"MICROSOFT_CLIENT_CERTIFICATE": str(path)}
    return named | {"MICROSOFT_CLIENT_CERTIFICATE_PASSWORD": "word"}


def by_token_file(emulator: Emulator, tmp_path: Path) -> dict[str, str]:
    emulator.trust_issuer(CLUSTER, public_pem("cluster"))
    emulator.set_federated({"issuer": CLUSTER, "subject": SUBJECT})
    path = tmp_path / "token"
    path.write_text(cluster_token())
    return {"MICROSOFT_TOKEN_FILE": str(path)}


def test_staff_sign_in_where_a_certificate_proves_the_app(
    start_site: StartSite, emulator: Emulator, tmp_path: Path
) -> None:
    site = start_site(workers=2, **WITHOUT | by_certificate(emulator, tmp_path))
    for _ in range(3):
        assert sign_in(site.url).status == 302
    sent = [one["client_assertion"] for one in proofs(emulator)]
    assert len(sent) == 3  # one request a sign-in, as with a secret
    assert len(set(sent)) <= 2  # one assertion a worker
    assert not [one for one in sent if one in site.log()]
    # On App Service the setting is renewed, and the processes keep what they were started with.
    renewed = {"MICROSOFT_CLIENT_CERTIFICATE": both(NEXT, "second"), "PUBLIC_URL": site.url}
    [told] = [one for one in doctor(**WITHOUT | renewed)["findings"]
              if one["id"] == "app.certificate_in_use"]  # fmt: skip
    assert MADE.fingerprint(SHA1()).hex().upper() in told["title"]  # noqa: S303 - a name


def test_staff_sign_in_where_a_managed_identity_proves_the_app(
    by_identity: Callable[[], Site], endpoint: IdentityEndpoint, emulator: Emulator
) -> None:
    site = by_identity()
    for _ in range(3):
        assert sign_in(site.url).status == 302
    assert len(proofs(emulator)) == 3
    [asked] = endpoint.asked
    assert (asked["resource"], asked["client_id"]) == (AUDIENCE, IDENTITY)
    assert not [token for token in endpoint.given if token in site.log()]


def test_staff_sign_in_where_a_clusters_file_proves_the_app_and_it_changes(
    start_site: StartSite, emulator: Emulator, tmp_path: Path
) -> None:
    named = by_token_file(emulator, tmp_path)
    site = start_site(workers=1, **WITHOUT | named)
    assert sign_in(site.url).status == 302
    Path(named["MICROSOFT_TOKEN_FILE"]).write_text(cluster_token(2))
    assert sign_in(site.url).status == 302
    first, second = (one["client_assertion"] for one in proofs(emulator))
    assert first != second


def test_an_endpoint_that_fails_after_the_start_costs_no_sign_in(
    by_identity: Callable[[], Site], endpoint: IdentityEndpoint
) -> None:
    site = by_identity()
    assert sign_in(site.url).status == 302
    for away in ("closes", "hangs", "fails"):
        endpoint.away = away
        assert sign_in(site.url).status == 302


@pytest.mark.parametrize("away", ["closes", "hangs", "fails"])
def test_without_any_token_the_page_says_so_in_time_until_there_is_one(
    away: str, by_identity: Callable[[], Site], endpoint: IdentityEndpoint
) -> None:
    endpoint.away = away
    site = by_identity()
    visitor = Visitor(site.url)
    there = visitor.choose(visitor.press_button())
    began = time.monotonic()
    page = visitor.come_back(there)
    assert (page.status, page.reason) == (503, "credential_unavailable")
    assert time.monotonic() - began < 4
    endpoint.away = ""
    if away != "hangs":  # whose request of before is given up after 15 seconds
        assert sign_in(site.url).status == 302


def test_an_identity_that_is_not_attached_and_one_that_is_not_trusted(
    by_identity: Callable[[], Site], endpoint: IdentityEndpoint, emulator: Emulator
) -> None:
    endpoint.identities = set()
    emulator.set_federated({"issuer": issuer_of(emulator.url, TENANT), "subject": IDENTITY})
    site = by_identity()
    assert sign_in(site.url).reason == "credential_unavailable"
    endpoint.identities = {IDENTITY}
    assert sign_in(site.url).reason == "client_credential_refused"
    assert "AADSTS700213" in site.log()


def test_a_certificate_is_replaced_under_load_without_a_refusal(
    start_site: StartSite, emulator: Emulator, tmp_path: Path
) -> None:
    """Register the new one, change the file, take the old one away: as docs/credentials.md."""
    path = tmp_path / "app.pem"
    path.write_text(both(MADE))
    emulator.set_certificates([pem_of(MADE)])
    site = start_site(workers=2, **WITHOUT, MICROSOFT_CLIENT_CERTIFICATE=f"{path}")
    changes: list[Callable[[], object]] = [
        lambda: emulator.set_certificates([pem_of(MADE), pem_of(NEXT)]),
        lambda: path.write_text(both(NEXT, "second") + both(MADE)),
        lambda: None,
    ]
    for change in changes:
        change()
        all_get_in(site)
    site.restart()
    emulator.set_certificates([pem_of(NEXT)])
    all_get_in(site)


def all_get_in(site: Site) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = list(pool.map(sign_in, [site.url] * AT_ONCE))
    assert [page.status for page in pages] == [302] * AT_ONCE


def test_a_secret_is_replaced_under_load_without_a_refusal(
    start_site: StartSite, emulator: Emulator
) -> None:
    """The next one is entered, the first ends at Microsoft, the next is promoted."""
    following = "next-secret~of-this-app.0123456789x"
    emulator.set_secrets([CLIENT_SECRET, following])
    entered = Changes(client_id=CLIENT_ID, secret=CLIENT_SECRET, next_secret=following)
    save_app(entered)
    site = start_site(workers=2, **WITHOUT, MICROSOFT_CLIENT_ID="")
    all_get_in(site)
    emulator.set_secrets([following])
    all_get_in(site)
    save_app(Changes(promote=True))
    all_get_in(site)


def test_a_clusters_token_is_replaced_under_load_without_a_refusal(
    start_site: StartSite, emulator: Emulator, tmp_path: Path
) -> None:
    """As Kubernetes does it: the name leads to another file from one moment to the next."""
    named = by_token_file(emulator, tmp_path)
    path = Path(named["MICROSOFT_TOKEN_FILE"])
    site = start_site(workers=2, **WITHOUT | named)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = [pool.submit(sign_in, site.url) for _ in range(3 * AT_ONCE)]
        for number in count(2):
            if all(page.done() for page in pages):
                break
            (new := tmp_path / "new").write_text(cluster_token(number))
            new.replace(path)
            time.sleep(0.05)
        assert {page.result().status for page in pages} == {302}
    assert len({one["client_assertion"] for one in proofs(emulator)}) > 1


def test_an_identitys_token_is_replaced_under_load_without_a_refusal(
    by_identity: Callable[[], Site], endpoint: IdentityEndpoint, emulator: Emulator
) -> None:
    """Of a token that lives for 12 seconds, the last ten are left to its way to Microsoft."""
    endpoint.mint[AUDIENCE] = lambda: emulator.identity_token(PRINCIPAL, life=12)
    site = by_identity()
    for _ in range(60):
        endpoint.renew()
        all_get_in(site)
        if len(endpoint.given) > 1:
            return
        time.sleep(0.2)
    raise AssertionError("the token was never replaced")


def test_a_wrong_key_stops_the_start_with_what_is_wrong(start_site: StartSite) -> None:
    broken = pem_of(MADE)
    with pytest.raises(Exception, match="without its private key"):
        start_site(workers=1, **WITHOUT, MICROSOFT_CLIENT_CERTIFICATE=broken)
