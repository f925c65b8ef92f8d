"""The fork server: what comes out of it is a process like any other."""

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.servers import forked
from tests.servers.environment import deployed_environment
from tests.servers.fork_server import Server
from tests.servers.forked import ForkedProcess
from tests.servers.process import ROOT, Process, clean_environment, state
from tests.support.tiny_server import eventually

ABOUT = """
import json, os, sys, threading
print(json.dumps({
    "argv": sys.argv, "cwd": os.getcwd(), "environment": dict(os.environ), "path": sys.path[:2],
    "threads": threading.active_count(), "session": os.getsid(0) == os.getpid(),
    "modules": sorted({name.partition(".")[0] for name in sys.modules}),
    "files": sorted(os.listdir("/proc/self/fd")),
}))
"""


def test_it_has_its_own_environment_directory_and_session(tmp_path: Path) -> None:
    env = clean_environment(ONE="1", PYTHONPATH="/extra")
    ended = forked.run("-c", ABOUT, "word", env=env, cwd=tmp_path)
    about = json.loads(ended.stdout)
    assert about["environment"] == env
    assert (about["cwd"], about["argv"]) == (str(tmp_path), ["-c", "word"])
    assert (about["path"], about["session"]) == ([str(tmp_path), "/extra"], True)


def test_it_inherits_no_thread_and_no_open_file() -> None:
    about = json.loads(forked.run("-c", ABOUT, env=clean_environment()).stdout)
    assert about["threads"] == 1
    assert about["files"] == ["0", "1", "2", "3"]  # the last is the listing's own
    assert {"django", "allauth", "gunicorn", "redis", "psycopg"} <= set(about["modules"])


def test_another_directory_has_nothing_of_this_project(tmp_path: Path) -> None:
    about = json.loads(forked.run("-c", ABOUT, env=clean_environment(), cwd=tmp_path).stdout)
    assert not {"accounts", "project"}.intersection(about["modules"])
    code = "import accounts, gunicorn.config as g; print(accounts.__file__, g.Config().chdir)"
    (tmp_path / "accounts.py").touch()
    ended = forked.run("-c", code, env=clean_environment(), cwd=tmp_path)
    assert ended.stdout == f"{tmp_path / 'accounts.py'} {tmp_path}\n"


def test_settings_are_not_read_before_the_fork() -> None:
    code = "from django.conf import settings; print(settings.configured)"
    assert forked.run("-c", code, env=clean_environment()).stdout == "False\n"


def test_the_sites_programs_have_apps_loaded_and_read_their_own_settings() -> None:
    env = deployed_environment()
    assert [_hours(env | {"SESSION_HOURS": hours}) for hours in ("7", "9")] == ["True 7", "True 9"]
    assert _hours(env) == "True 8"


def test_settings_that_load_apps_in_another_way_have_them_loaded_anew() -> None:
    """DEBUG is read when apps are loaded."""
    code = "from django.conf import settings; print(settings.DEBUG)"
    for env, debug in ((deployed_environment(), False), (clean_environment(DEBUG="true"), True)):
        ended = forked.run("manage.py", "shell", "--no-imports", "-c", code, env=env)
        assert ended.stdout == f"{debug}\n"
    assert _hours(deployed_environment()) == "True 8"


def test_a_database_is_the_programs_own() -> None:
    env = deployed_environment() | {"DATABASE_URL": "postgres://someone@127.0.0.1:1/other"}
    code = "from django.db import connection as c; print(c.settings_dict['NAME'])"
    ended = forked.run("manage.py", "shell", "--no-imports", "-c", code, env=env)
    assert ended.stdout == "other\n"


def test_options_that_name_other_settings_are_heeded() -> None:
    words = ("manage.py", "check", "--settings=no.such.settings")
    assert "no.such" not in _hours(deployed_environment())
    assert "No module named 'no'" in forked.run(*words, env=deployed_environment()).stderr


def test_what_such_a_program_starts_has_them_loaded_too() -> None:
    inner = "from django.apps import apps; print(apps.ready)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    command = ("manage.py", "shell", "--no-imports", "-c", code)
    assert forked.run(*command, env=deployed_environment()).stdout == "True\n"


def test_where_settings_do_not_load_each_program_says_so_itself() -> None:
    env = deployed_environment() | {"SESSION_HOURS": "many"}
    ended = forked.run("manage.py", "check", env=env)
    assert (ended.returncode, "SESSION_HOURS" in ended.stderr) == (1, True)


def test_no_two_have_the_same_random_numbers() -> None:
    code = "import random, ssl, uuid; print(random.random(), ssl.RAND_bytes(8).hex(), uuid.uuid4())"
    said = {forked.run("-c", code, env=clean_environment()).stdout for _ in range(3)}
    assert len(said) == 3
    assert len({word for line in said for word in line.split()}) == 9


def test_input_output_errors_and_status_are_passed_on() -> None:
    code = "import sys; print(input()); print('oh', file=sys.stderr); sys.exit(7)"
    ended = forked.run("-c", code, env=clean_environment(), stdin="hello")
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "hello\n", "oh\n")


def test_an_error_that_nobody_caught_is_printed_and_fails() -> None:
    ended = forked.run("-c", "raise ValueError('unheard')", env=clean_environment())
    assert ended.returncode == 1
    assert ended.stderr.endswith("ValueError: unheard\n")


def test_work_left_for_the_end_is_done() -> None:
    code = "import atexit; atexit.register(print, 'at the end')"
    assert forked.run("-c", code, env=clean_environment()).stdout == "at the end\n"


def test_threads_come_to_their_end_and_a_reason_to_end_is_told() -> None:
    code = (
        "import sys, threading, time;"
        " threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start();"
        " sys.exit('for a reason')"
    )
    ended = forked.run("-c", code, env=clean_environment())
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "done\n", "for a reason\n")


def test_who_is_gone_when_the_program_has_ended_does_not_end_the_server(tmp_path: Path) -> None:
    server = Server(str(tmp_path / "socket"), lambda _program: True)
    asker, gone = socket.socketpair()
    key = selectors.SelectorKey(asker, asker.fileno(), selectors.EVENT_READ, 1 << 22)
    for each in (asker, gone, server._listener, server._woken, server._waker):
        each.close()
    server._attend(key)


def test_one_that_takes_too_long_is_ended() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        forked.run("-c", "import time; time.sleep(60)", env=clean_environment(), timeout=0.2)


def test_what_it_starts_in_turn_comes_from_the_fork_server_too() -> None:
    inner = "import os, sys; print(len(sys.modules) > 500, input(), os.environ['ONE']); sys.exit(5)"
    code = (
        "import subprocess, sys; done = subprocess.run([sys.executable, '-c', sys.argv[1]],"
        " input='hello', capture_output=True, text=True); print(done.stdout, done.returncode)"
    )
    ended = forked.run("-c", code, inner, env=clean_environment(ONE="1"))
    assert ended.stdout == "True hello 1\n 5\n"


def test_a_signal_reaches_it_and_is_told(tmp_path: Path) -> None:
    process = ForkedProcess("sleeper", _python("import time; time.sleep(60)"), log=tmp_path / "log")
    process.start()
    pid = process.pid
    process.stop(signal.SIGTERM)
    assert not process.running
    assert eventually(lambda: state(pid) == "Z")


def test_all_end_when_the_server_loses_its_starter(tmp_path: Path) -> None:
    code = (
        "import pathlib, sys, time; from tests.servers.forked import ForkedProcess;"
        " p = ForkedProcess('x', [sys.executable, '-c', 'import time; time.sleep(60)'],"
        " log=pathlib.Path(sys.argv[1])); p.start(); print(p.pid, flush=True); time.sleep(60)"
    )
    starter = Process(
        "starter",
        [*_python(code), str(tmp_path / "inner")],
        log=tmp_path / "log",
        env=dict(os.environ),
    )
    starter.start()
    starter.wait_until(lambda: starter.log_text().strip().isdecimal(), seconds=30)
    inner = int(starter.log_text())
    os.kill(starter.pid, signal.SIGKILL)
    assert eventually(lambda: state(inner) == "Z")
    starter.stop()


def test_what_is_meant_for_the_start_of_the_interpreter_really_starts_one() -> None:
    code = "import sys; print('django' in sys.modules, sys.flags.dev_mode)"
    ended = forked.run("-c", code, env=clean_environment(PYTHONDEVMODE="1"), cwd=ROOT)
    assert ended.stdout == "False True\n"


def _hours(env: Mapping[str, str]) -> str:
    """Whether apps were loaded before, and SESSION_HOURS."""
    code = (
        "import sys; from django.conf import settings;"
        " print('tests.servers.fork_server' in sys.modules, settings.SESSION_HOURS)"
    )
    ended = forked.run("manage.py", "shell", "--no-imports", "-c", code, env=env)
    return ended.stdout.strip()


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]
