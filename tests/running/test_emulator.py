"""The local Entra ID itself, over a socket: what it answers, refuses, and gets wrong on request."""

import http.client
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from tests.emulator.ids import CALLBACK_PATH, CLIENT_ID, CLIENT_SECRET, OTHER_TENANT, TENANT
from tests.emulator.listen import NotLoopback
from tests.emulator.people import Person
from tests.emulator.person import Stopped, meet, sign_in_as, silently
from tests.emulator.scenarios import SCENARIOS
from tests.emulator.server import Emulator
from tests.emulator.site import (
    CALLBACK,
    authorize_url,
    claims_of,
    discovery,
    document_url,
    get,
    get_json,
    parameters,
    post,
    post_raw,
    redeem,
    sign_in,
    token_form,
    verified,
)
from tests.servers.nginx import write_certificate
from tests.servers.process import ROOT


def test_the_document_names_endpoints_that_cannot_be_assumed(entra: Emulator) -> None:
    found = discovery(entra)
    assert found["issuer"] == f"{entra.url}/{TENANT}/v2.0"
    assert found["token_endpoint"].startswith(f"{entra.url}/{TENANT}/oauth2-")
    assert discovery(entra, "contoso.example")["issuer"] == found["issuer"]
    assert discovery(entra, "organizations")["issuer"] == f"{entra.url}/{{tenantid}}/v2.0"


def test_an_unknown_tenant_is_not_found(entra: Emulator) -> None:
    status, body = get_json(f"{entra.url}/unknown.example/v2.0/.well-known/openid-configuration")
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_tenant", [90002])


def test_a_person_signs_in_with_a_token_that_verifies(entra: Emulator) -> None:
    claims = verified(entra, sign_in(entra, nonce="n-1"))
    assert claims["email"] == "staff@contoso.example"
    assert (claims["tid"], claims["nonce"], claims["ver"]) == (TENANT, "n-1", "2.0")


def test_the_state_comes_back_unchanged(entra: Emulator) -> None:
    callback = sign_in_as(authorize_url(entra, state="a <b>&ü="), quick=True)
    assert parameters(callback)["state"] == "a <b>&ü="


def test_a_guest_is_in_the_tenant_but_vouched_for_elsewhere(entra: Emulator) -> None:
    guest = verified(entra, sign_in(entra, "guest"))
    assert (guest["acct"], guest["tid"]) == (1, TENANT)
    assert guest["idp"] != guest["iss"]


def test_another_tenants_account_comes_by_organizations_only(entra: Emulator) -> None:
    url = authorize_url(entra)
    assert "AADSTS50020" in parameters(sign_in_as(url, "other_tenant"))["error_description"]
    callback = sign_in_as(url.replace(TENANT, "organizations"), "other_tenant")
    token = redeem(entra, callback, tenant="organizations")[1]["id_token"]
    assert claims_of(token)["iss"] == f"{entra.url}/{OTHER_TENANT}/v2.0"


def test_a_person_of_the_tests_own_is_on_the_page_escaped(entra: Emulator) -> None:
    entra.register_person(Person("new", "<b>New</b>", "new@contoso.example", claims={"x": 1}))
    page = get(authorize_url(entra))[2]
    assert "&lt;b&gt;New&lt;/b&gt;" in page
    assert "<b>New</b>" not in page
    assert claims_of(sign_in(entra, "new"))["x"] == 1


@pytest.mark.parametrize(
    ("wrong", "number"),
    [
        ({"client_id": "unknown"}, "AADSTS700016"),
        ({"redirect_uri": "https://attacker.com" + CALLBACK_PATH}, "AADSTS50011"),
        ({"redirect_uri": "http://localhost@attacker.com" + CALLBACK_PATH}, "AADSTS50011"),
        ({"redirect_uri": CALLBACK.rstrip("/"), "prompt": "none"}, "AADSTS50011"),
    ],
)
def test_a_bad_client_or_redirect_uri_stops_on_our_own_page(
    entra: Emulator, wrong: dict[str, str], number: str
) -> None:
    status, location, page = get(authorize_url(entra, **wrong))
    assert (status, location) == (400, "")
    assert number in page


def test_registered_redirect_uris_are_compared_as_a_whole(entra: Emulator) -> None:
    entra.register_redirect_uris(["https://admin.contoso.example/callback/"])
    with pytest.raises(Stopped, match="AADSTS50011"):
        sign_in_as(authorize_url(entra))
    url = authorize_url(entra, redirect_uri="https://admin.contoso.example/callback/")
    assert sign_in_as(url).startswith("https://admin.contoso.example/callback/?code=")


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"prompt": "none"}, "login_required"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_other_faults_go_back_to_the_site(
    entra: Emulator, wrong: dict[str, str], error: str
) -> None:
    assert parameters(silently(authorize_url(entra, **wrong)))["error"] == error


@pytest.mark.parametrize(
    ("wrong", "status", "number"),
    [
        ({"client_secret": "wrong"}, 401, 7000215),
        ({"client_secret": ""}, 401, 7000218),
        ({"client_id": "unknown"}, 400, 700016),
        ({"code": "unknown"}, 400, 9002313),
        ({"redirect_uri": CALLBACK + "?"}, 400, 500112),
        ({"code_verifier": "w" * 43}, 400, 501481),
        ({"grant_type": "password"}, 400, 70003),
    ],
)
def test_the_token_endpoint_refuses_as_entra_does(
    entra: Emulator, wrong: dict[str, str], status: int, number: int
) -> None:
    got, body = redeem(entra, sign_in_as(authorize_url(entra), quick=True), **wrong)
    assert (got, body["error_codes"]) == (status, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert f"Trace ID: {body['trace_id']}" in body["error_description"]


def test_a_code_is_good_once_and_for_ten_minutes(entra: Emulator) -> None:
    callback, late = (sign_in_as(authorize_url(entra), quick=True) for _ in range(2))
    redeem(entra, callback)
    assert redeem(entra, callback)[1]["error_codes"] == [54005]
    entra.set_clock_offset(601)
    assert redeem(entra, late)[1]["error_codes"] == [70008]


def test_client_credentials_prove_a_secret(entra: Emulator) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "scope": "x/.default"}
    assert post(entra, {**form, "client_secret": CLIENT_SECRET})[0] == 200
    entra.set_secrets(["new"], expired=[CLIENT_SECRET])
    assert post(entra, {**form, "client_secret": CLIENT_SECRET})[1]["error_codes"] == [7000222]


@pytest.mark.parametrize("key", [key for key, one in SCENARIOS.items() if one.failure])
def test_an_error_chosen_on_the_page_goes_back_to_the_site(entra: Emulator, key: str) -> None:
    back = parameters(meet(authorize_url(entra), key))
    assert back["state"] == "the-state"
    number = SCENARIOS[key].number
    assert back["error"]
    assert number is None or f"AADSTS{number}" in back["error_description"]


def test_an_error_chosen_for_the_token_endpoint_concerns_one_sign_in(entra: Emulator) -> None:
    callback = meet(authorize_url(entra), "throttled")
    status, _, headers = post_raw(entra, token_form(callback))
    assert (status, headers["Retry-After"]) == (429, "30")
    verified(entra, sign_in(entra))


def test_requests_and_connections_are_counted(entra: Emulator) -> None:
    sign_in(entra)
    assert entra.counts["token"] == entra.counts["authorize"] / 2 == 1
    seen = entra.requests[-1]
    assert (seen.endpoint, seen.fields["client_secret"]) == ("token", CLIENT_SECRET)
    entra.reset_counters()
    assert (entra.connections, entra.requests) == (0, [])


def test_connections_are_kept_alive(entra: Emulator) -> None:
    entra.reset_counters()
    connection = http.client.HTTPConnection("localhost", entra.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/")
        connection.getresponse().read()
    connection.close()
    assert entra.connections == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com"])  # noqa: S104
def test_it_listens_on_loopback_only(host: str) -> None:
    with pytest.raises(NotLoopback, match="whoever reaches it can be anyone"):
        Emulator(host=host)


def test_a_host_that_is_not_loopback_is_not_served(entra: Emulator) -> None:
    with socket.create_connection(("localhost", entra.port), timeout=5) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: rebound.attacker.com\r\n\r\n")
        assert sock.recv(100).startswith(b"HTTP/1.1 421 ")


def test_it_speaks_tls(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    write_certificate(certificate, key)
    trust = ssl.create_default_context(cafile=str(certificate))
    with Emulator(tls=(certificate, key)) as entra:
        found = get(document_url(entra), trust=trust)[2]
    assert json.loads(found)["issuer"].startswith("https://localhost:")


def test_stock_clients_find_entras_paths_and_graph() -> None:
    with Emulator(stock=True) as entra:
        url = authorize_url(entra, scope="User.Read", code_challenge="", code_challenge_method="")
        assert url.startswith(f"{entra.url}/{TENANT}/oauth2/v2.0/authorize?")
        token = redeem(entra, sign_in_as(url, quick=True))[1]["access_token"]
        me = get_json(f"{entra.url}/v1.0/me", {"Authorization": f"Bearer {token}"})[1]
    assert me["mail"] == "staff@contoso.example"


def test_the_command_refuses_an_outside_address_in_one_line() -> None:
    command = [sys.executable, "-m", "tests.emulator", "--host", "0.0.0.0"]  # noqa: S104
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "whoever reaches it can be anyone" in ended.stderr
