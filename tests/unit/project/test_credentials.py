"""How the site proves who it is: which way is meant, which do not go together, what fails."""

from pathlib import Path

import jwt
import pytest

from accounts.configuration.suspicious import what_is_wrong
from accounts.configuration.table import BadEnvironment
from project.variables import Environment
from project.variables import load as load_environment
from tests.support.certificates import both, certificate, pem_of, pfx
from tests.support.keys import private_key
from tests.unit.project.test_env import GOOD, OTHER, TENANT, problems

SECRET = "MICROSOFT_CLIENT_SECRET"
CERTIFICATE = "MICROSOFT_CLIENT_CERTIFICATE"
PASSWORD = f"{CERTIFICATE}_PASSWORD"
IDENTITY = "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID"
TOKEN_FILE = "MICROSOFT_TOKEN_FILE"
MADE = certificate()
HOST = {"IDENTITY_ENDPOINT": "http://127.0.0.1/msi/token", "AZURE_CLIENT_ID": OTHER.upper()}


def load(**changes: str) -> Environment:
    """Without a secret."""
    return load_environment({**GOOD, SECRET: "", **changes})


def told(**changes: str) -> list[str]:
    return problems(**{SECRET: "", **changes})


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.write_text(jwt.encode({"sub": "x"}, private_key("cluster"), "RS256"))
    return str(path)


def test_a_certificate_is_taken_as_text_and_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "app.pfx"
    path.write_bytes(pfx(MADE, "first", "word"))
    assert both(MADE).strip() == load(**{CERTIFICATE: both(MADE)}).MICROSOFT_CLIENT_CERTIFICATE
    assert load(**{CERTIFICATE: str(path), PASSWORD: "word"}).MICROSOFT_CLIENT_ID


def test_certificate_and_passphrase_may_stand_in_files(tmp_path: Path) -> None:
    (tmp_path / "pem").write_text(both(MADE, password="word"))
    (tmp_path / "word").write_text("word\n")
    found = load(
        **{f"{CERTIFICATE}_FILE": f"{tmp_path}/pem", f"{PASSWORD}_FILE": f"{tmp_path}/word"}
    )
    assert found.MICROSOFT_CLIENT_CERTIFICATE_PASSWORD == "word"


def test_what_openssl_writes_before_a_certificate_and_its_lines_are_no_comments() -> None:
    bag = "Bag Attributes\n    friendlyName: staff site\nsubject=CN = staff\n"
    assert load(**{CERTIFICATE: bag + both(MADE)}).MICROSOFT_CLIENT_CERTIFICATE
    assert not what_is_wrong("-----BEGIN CERTIFICATE-----\n//8A\n-----END CERTIFICATE-----")


@pytest.mark.parametrize(
    ("source", "password", "said"),
    [
        (both(MADE, password="word"), "", f"its passphrase is not set ({PASSWORD})"),
        (both(MADE, password="word"), "another", f"does not open ({PASSWORD})"),
        (pem_of(MADE), "", "without its private key"),
    ],
)
def test_what_cannot_sign_stops_the_start(source: str, password: str, said: str) -> None:
    [problem] = told(**{CERTIFICATE: source, PASSWORD: password})
    assert problem.startswith(f"{CERTIFICATE} holds ")
    assert said in problem
    assert "PRIVATE" not in problem


def test_a_token_file_must_hold_a_token(token_file: str) -> None:
    assert token_file == load(**{TOKEN_FILE: token_file}).MICROSOFT_TOKEN_FILE
    Path(token_file).write_text("words")
    [problem] = told(**{TOKEN_FILE: token_file})
    assert "names a file that holds no token" in problem


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SECRET, CERTIFICATE),
        (SECRET, IDENTITY),
        (SECRET, TOKEN_FILE),
        (CERTIFICATE, IDENTITY),
        (CERTIFICATE, TOKEN_FILE),
        (IDENTITY, TOKEN_FILE),
    ],
)
def test_two_kinds_at_once_are_told_by_both_names(first: str, second: str, token_file: str) -> None:
    values = {
        SECRET: "a-secret-of-the-usual-length-abc",
        CERTIFICATE: both(MADE),
        IDENTITY: OTHER,
        TOKEN_FILE: token_file,
    }
    [problem] = told(**{name: values[name] for name in (first, second)})
    assert problem.startswith(f"{second} is set, and {first} too: all but one of them must go")


def test_an_app_without_any_of_them_is_told_all_ways() -> None:
    [problem] = told()
    for name in (SECRET, CERTIFICATE, IDENTITY, TOKEN_FILE):
        assert name in problem
    [problem] = told(AZURE_FEDERATED_TOKEN_FILE="/var/run/secrets/azure/tokens/t")
    assert "this cluster's is /var/run/secrets/azure/tokens/t" in problem


def test_the_hosts_identity_is_taken_where_it_can_be_no_other() -> None:
    assert OTHER == load(**HOST).MICROSOFT_MANAGED_IDENTITY_CLIENT_ID
    assert load(**{CERTIFICATE: both(MADE)}, **HOST).MICROSOFT_MANAGED_IDENTITY_CLIENT_ID == ""
    assert load_environment(GOOD | HOST).MICROSOFT_MANAGED_IDENTITY_CLIENT_ID == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"IDENTITY_ENDPOINT": ""},
        {"AZURE_CLIENT_ID": "a-name"},
        {"AZURE_CLIENT_ID": GOOD["MICROSOFT_CLIENT_ID"]},
        {"AZURE_FEDERATED_TOKEN_FILE": "/var/run/token"},
        {"AZURE_CLIENT_SECRET": "x"},
        {"AZURE_CLIENT_CERTIFICATE_PATH": "/x"},
    ],
)
def test_a_name_that_could_be_another_is_not_guessed_at(changes: dict[str, str]) -> None:
    [problem] = told(**HOST | changes)
    assert problem.startswith(f"{SECRET} is required together with MICROSOFT_CLIENT_ID")


def test_an_identity_needs_its_package() -> None:
    with pytest.raises(BadEnvironment, match=r"pip install -r requirements/azure.txt"):
        load_environment({**GOOD, SECRET: "", IDENTITY: OTHER}, lambda name: None)


def test_development_proves_itself_at_the_emulator_in_any_way() -> None:
    app = {"MICROSOFT_CLIENT_ID": OTHER, "MICROSOFT_TENANT_ID": TENANT}
    given = {CERTIFICATE: both(MADE), **app}
    assert load_environment({"DEBUG": "true", **given}).MICROSOFT_CLIENT_SECRET == ""
