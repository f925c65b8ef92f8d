"""`make run`: the site with demo people, and a local Microsoft to sign in with, until Ctrl-C.

Standard library only, since only what a server needs is installed. The site listens on loopback
alone: whoever reaches the emulator can be anyone.
"""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

from tests.servers.ports import LOOPBACK, answers, in_use
from tests.servers.process import ROOT, NotStarted, Process
from tests.servers.site import answers as site_answers
from tests.servers.site import gunicorn

WORKERS = 2
PREPARATIONS = (("migrate", "--verbosity", "0"), ("createcachetable",), ("demo",))
WELCOME = """
  {url}/admin/

  Press "Sign in with Microsoft", then choose whom to be: the staff member gets in,
  and each of the others shows what people meet who do not. Ctrl-C stops everything.
"""


def main(arguments: list[str]) -> int:
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, _leave)
    port, emulator_port = _port("PORT", 8000), _port("EMULATOR_PORT", 8400)
    if emulator_port == port:
        return _refuse(f"PORT and EMULATOR_PORT are both {port}: choose another for one of them.")
    for name, number in (("PORT", port), ("EMULATOR_PORT", emulator_port)):
        if in_use(number):
            return _refuse(f"Port {number} is in use: stop what uses it, or set {name} to another.")
    env = _environment(port, emulator_port)
    if any(_manage(env, *command) for command in PREPARATIONS):
        return 1
    return _serve(env, port, emulator_port, reload="--reload" in arguments)


def _serve(env: dict[str, str], port: int, emulator_port: int, *, reload: bool) -> int:
    emulator = Process(
        "The Entra emulator",
        [sys.executable, "-m", "tests.emulator", "--port", str(emulator_port)],
        env=env,
    )
    site = Process("The site", _reloading(port) if reload else gunicorn(port), env=env)
    try:
        emulator.start()
        emulator.wait_until(lambda: answers(emulator_port))
        site.start()
        site.wait_until(lambda: site_answers(port))
        print(WELCOME.format(url=env["PUBLIC_URL"]), flush=True)
        return _watch(emulator, site)
    except NotStarted as problem:
        return _refuse(str(problem).strip().rstrip(":") + ".")
    finally:
        site.stop()
        emulator.stop()


def _watch(*servers: Process) -> int:
    """Wait until one ends by itself, which ends the others too."""
    while True:
        for server in servers:
            if not server.running:
                return _refuse(f"{server.name} ended.")
        time.sleep(0.5)


def _reloading(port: int) -> list[str]:
    return [sys.executable, "manage.py", "runserver", f"{LOOPBACK}:{port}"]


def _environment(port: int, emulator_port: int) -> dict[str, str]:
    """The shell's, so that four Microsoft settings in it sign real staff in, too."""
    chosen = {"DEBUG": "true", "PORT": str(port), "EMULATOR_PORT": str(emulator_port)}
    defaults = {"PUBLIC_URL": f"http://localhost:{port}", "WEB_CONCURRENCY": str(WORKERS)}
    return {**defaults, **os.environ, **chosen}


def _manage(env: dict[str, str], *arguments: str) -> int:
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, check=False).returncode


def _port(name: str, default: int) -> int:
    value = os.environ.get(name) or str(default)
    if not value.isdecimal() or not 0 < int(value) < 65536:
        sys.exit(_refuse(f"{name} must be a port such as {default}, not {value!r}."))
    return int(value)


def _refuse(why: str) -> int:
    print(why, file=sys.stderr, flush=True)
    return 1


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Unwind, so that `finally` ends the servers; a second Ctrl-C must not break that off."""
    for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(how, signal.SIG_IGN)
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
