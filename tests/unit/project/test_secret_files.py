"""Secrets in files: NAME_FILE instead of NAME, and what is said of a file that does not do."""

import os
from pathlib import Path

import pytest

from project.variables import VARIABLES
from tests.unit.project.test_env import GOOD, load, problems

SECRETS = {name for name, variable in VARIABLES.items() if variable.secret}


def in_file(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


# Of these only what fits together is taken: tests/unit/project/test_credentials.py.
OF_CERTIFICATE = {"MICROSOFT_CLIENT_CERTIFICATE", "MICROSOFT_CLIENT_CERTIFICATE_PASSWORD"}


@pytest.mark.parametrize("name", sorted(SECRETS - OF_CERTIFICATE))
def test_a_secret_may_stand_in_a_file(name: str, tmp_path: Path) -> None:
    of_its_form = {"MICROSOFT_PROXY_URL": VARIABLES["MICROSOFT_PROXY_URL"].example}
    value = GOOD.get(name) or of_its_form.get(name, GOOD["SECRET_KEY"])
    given = {name: "", f"{name}_FILE": in_file(tmp_path / "secret", f"{value}\r\n".encode())}
    assert getattr(load(**given), name) == VARIABLES[name].read(value)


def test_the_secrets_are_these() -> None:
    assert {
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "DATABASE_URL",
        "REDIS_URL",
        "MICROSOFT_CLIENT_SECRET",
    } <= SECRETS


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    [problem] = problems(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "pipe"))
    assert "is a pipe" in problem


def test_a_secret_in_both_places_is_told() -> None:
    [problem] = problems(SECRET_KEY_FILE="/run/secrets/key")
    assert problem.startswith("SECRET_KEY is set, and SECRET_KEY_FILE too: one of them must go.")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b"", "file that is empty"),
        (b"\n\n", "file that is empty"),
        (b"\xff\xfe\x00k", "file that is not UTF-8 text"),
        (b"hunter2 hunter2", "has a space inside"),
    ],
)
def test_a_file_that_does_not_do_is_told_by_its_path(
    content: bytes | None, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    [problem] = problems(MICROSOFT_CLIENT_SECRET="", MICROSOFT_CLIENT_SECRET_FILE=str(path))
    assert problem.startswith("MICROSOFT_CLIENT_SECRET ")
    assert why in problem
    assert str(path) in problem
    assert "hunter2" not in problem


def test_a_directory_and_a_path_that_is_none_are_told(tmp_path: Path) -> None:
    for path in (str(tmp_path), "a\0b"):
        [problem] = problems(SECRET_KEY="", SECRET_KEY_FILE=path)
        assert problem.startswith("SECRET_KEY cannot be read:")
