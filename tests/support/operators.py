"""Commands as an operator uses them: in this process, or as a program of their own."""

import json
import subprocess
from dataclasses import dataclass
from io import StringIO
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.operate import microsoft_app
from accounts.operate.microsoft_app import Changes
from tests.fixtures import ENVIRONMENT
from tests.servers import forked
from tests.servers.process import clean_environment


def run(*words: str) -> str:
    """What the command writes to standard output."""
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    return out.getvalue()


def run_json(*words: str) -> Any:
    """What the command says with --json."""
    return json.loads(run(*words, "--json"))


@dataclass(frozen=True)
class Failed:
    """A command that ended with an error, and what it had written before."""

    error: str
    out: str
    code: int


def fail(*words: str) -> Failed:
    """Run a command that must end with CommandError."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*words, stdout=out, stderr=StringIO())
    return Failed(str(caught.value), out.getvalue(), caught.value.returncode)


def manage(*words: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    """`./manage.py WORDS` in a process of its own, on the tests' database (transactional_db)."""
    env = clean_environment(**ENVIRONMENT | env)
    return forked.run("manage.py", *words, env=env, stdin=stdin)


def save_app(changes: Changes) -> SocialApp:
    """The Microsoft app in admin with these changes, untested."""
    app = microsoft_app.changed(microsoft_app.the_app(), changes)
    app.save()
    return app


def open_browser(**environ: Any) -> Client:
    """A client that names its host, as browsers do."""
    return Client(HTTP_HOST="testserver", **environ)


def help_of(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What `COMMAND --help` prints."""
    with pytest.raises(SystemExit) as ended:
        call_command(command, "--help")
    assert ended.value.code == 0
    return capsys.readouterr().out
