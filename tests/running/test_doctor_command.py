"""`./manage.py doctor` as an operator runs it: exit codes, progress, both forms of the answer."""

import json
import re
import socket
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from accounts.models import User
from accounts.operate.doctor.finding import Finding
from accounts.operate.doctor.report import as_json
from accounts.operate.doctor.run import Report
from accounts.reasons import REASONS
from tests.emulator.server import Emulator
from tests.fixtures import ENVIRONMENT, StartSite
from tests.servers.nginx import Nginx
from tests.servers.ports import free_port
from tests.servers.process import ROOT, clean_environment
from tests.servers.redis import Redis
from tests.support.doctoring import doctor, found
from tests.support.operators import help_of, manage

pytestmark = pytest.mark.django_db(transaction=True)

NOWHERE = {"DATABASE_URL": "postgres://site:hidden-word@127.0.0.1:1/site"}
SECRETS = [ENVIRONMENT["SECRET_KEY"], ENVIRONMENT["MICROSOFT_CLIENT_SECRET"], "hidden-word"]


@pytest.fixture
def staff(transactional_db: None) -> None:
    User.objects.create_user("staff@contoso.example", is_superuser=True)


def timed(*words: str, **env: str) -> tuple[dict[str, Any], float]:
    """The document, and doctor's own seconds: Python's start is not its fault."""
    document = doctor(*words, **env)
    return document, document["took_ms"] / 1000


def test_a_healthy_site_behind_a_proxy_is_said_to_be_well(
    staff: None, start_site: StartSite, emulator: Emulator
) -> None:
    port = free_port()
    with Redis(keep=True) as redis:
        env = {
            "PUBLIC_URL": f"https://localhost:{port}",
            "TRUSTED_PROXY_COUNT": "1",
            "REDIS_URL": redis.url,
        }
        with Nginx([start_site(**env).port], port=port) as proxy:
            words = ("--online", "--url", "--ca-file", str(proxy.certificate))
            document, seconds = timed(*words, **env)
    assert found(document) == {}
    assert document["exit"] == 0
    assert seconds < 15


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "redis://10.255.255.1:6379/0"])
def test_a_redis_that_is_away_is_said_within_seconds(staff: None, url: str) -> None:
    document, seconds = timed(REDIS_URL=url, PRIVATE_NETWORK="true")
    assert found(document) == {"redis.reachable": "error"}
    assert document["exit"] == 1
    assert seconds < 12


def test_a_database_that_is_away_is_said_within_seconds() -> None:
    document, seconds = timed(**NOWHERE)
    assert found(document)["database.reachable"] == "error"
    assert "people" in {each["check"] for each in document["skipped"]}
    assert seconds < 12


def test_a_database_that_hangs_is_said_within_seconds() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgres://site@127.0.0.1:{silent.getsockname()[1]}/site"
        document, seconds = timed(DATABASE_URL=url)
    assert found(document)["database.reachable"] == "error"
    assert seconds < 15


def test_microsoft_and_the_site_away_as_well_is_still_an_answer(emulator: Emulator) -> None:
    emulator.down()
    url = f"http://localhost:{free_port()}"
    away = {"REDIS_URL": "redis://127.0.0.1:1/0", "PUBLIC_URL": url}
    document = doctor("--online", "--url", **NOWHERE, **away)
    wrong = {"database.reachable", "redis.reachable", "public.reachable"}
    assert {id_ for id_, level in found(document).items() if level == "error"} == wrong


def test_people_read_progress_and_what_to_do(staff: None) -> None:
    ended = manage("doctor", REDIS_URL="redis://127.0.0.1:1/0")
    assert re.search(r"^redis +error$", ended.stderr, re.M)
    assert re.search(r"^sessions +skipped, needs redis.reachable$", ended.stderr, re.M)
    assert "ERROR redis.reachable: Redis cannot be used" in ended.stdout
    assert "What to do:    Start Redis" in ended.stdout
    assert ended.stdout.rstrip().splitlines()[-1].startswith("Sign-in is broken: 1 error")


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_no_secret_is_printed(form: tuple[str, ...]) -> None:
    away = {"REDIS_URL": "redis://:hidden-word@127.0.0.1:1/0"}
    ended = manage("doctor", "--online", *form, **NOWHERE, **away)
    for secret in SECRETS:
        assert secret not in ended.stdout + ended.stderr


def test_what_staff_see_is_a_reason_or_a_phrase(staff: None) -> None:
    document = doctor("--url", PUBLIC_URL=f"http://localhost:{free_port()}")
    shown = [item for finding in document["findings"] for item in finding["shows_as"]]
    assert shown
    assert all(item in REASONS or " " in item for item in shown)


def test_help_has_an_example_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("doctor", capsys)
    assert "./manage.py doctor --online --url" in text
    assert "exit codes" in text


def test_json_goes_to_standard_output_alone(staff: None) -> None:
    ended = manage("doctor", "--json")
    assert json.loads(ended.stdout)["version"] == 1


@pytest.mark.parametrize("env", [{"SESSION_HOURS": "soon"}, {"DJANGO_SETTINGS_MODULE": "nowhere"}])
def test_a_bad_environment_is_a_document_too(env: dict[str, str]) -> None:
    ended = manage("doctor", "--json", **env)
    document = json.loads(ended.stdout)
    assert ended.returncode == 1
    assert (document["ok"], document["errors"]) == (False, 1)
    assert document["findings"][0]["id"] == "environment.bad"
    assert next(iter(env.values())) in document["findings"][0]["detail"]
    assert set(document) == set(as_json(Report()))
    assert set(document["findings"][0]) == {field.name for field in fields(Finding)}
    assert "Traceback" not in ended.stderr


def test_a_reader_who_has_read_enough_gets_no_traceback() -> None:
    env = clean_environment(**ENVIRONMENT)
    line = f"{sys.executable} manage.py doctor --explain all | head -1"
    ended = subprocess.run(
        ["/bin/sh", "-c", line], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert (ended.stdout, ended.stderr) == ("# What doctor says\n", "")
