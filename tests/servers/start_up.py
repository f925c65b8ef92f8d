"""Many start-ups in one process: gunicorn's configuration, then `manage.py doctor`.

Settings that refuse to load leave nothing behind, so that the next environment can be tried in the
same process. Environments come as JSON by standard input; what each was told goes out as JSON.
"""

import io
import json
import os
import runpy
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

from tests.servers.environment import deployed_environment
from tests.servers.forked import run
from tests.servers.process import ROOT


class Told(NamedTuple):
    """How a program ended, and what it wrote."""

    code: int
    out: str
    errors: str


def started(environments: Iterable[Mapping[str, str]]) -> list[tuple[Told, Told]]:
    """What site and doctor say in each."""
    given = json.dumps([dict(env) for env in environments])
    ended = run("-m", __name__, env=deployed_environment(), stdin=given, timeout=90)
    return [(Told(*site), Told(*doctor)) for site, doctor in json.loads(ended.stdout)]


def _try(env: dict[str, str]) -> tuple[Told, Told]:
    os.environ.clear()
    os.environ.update(env)
    return _ended(_gunicorn), _ended(_doctor)


def _gunicorn() -> None:
    runpy.run_path(str(ROOT / "project/gunicorn.conf.py"))


def _doctor() -> None:
    sys.argv = ["manage.py", "doctor", "--json"]
    runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")


def _ended(program: Callable[[], Any]) -> Told:
    """Run it up to its exit, which is told as the interpreter would."""
    code: object = 0
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as errors:
        try:
            program()
        except SystemExit as ended:
            code = ended.code
    if isinstance(code, str):
        return Told(1, out.getvalue(), f"{errors.getvalue()}{code}\n")
    return Told(int(bool(code)), out.getvalue(), errors.getvalue())


if __name__ == "__main__":
    print(json.dumps([_try(env) for env in json.load(sys.stdin)]))
