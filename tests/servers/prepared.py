"""`python -m tests.servers.prepared SOCKET PYTHON`: programs that start with settings loaded.

A child of the fork server that forks in turn: a site, and doctor and other commands in the same
environment, which would each load settings, apps and URLs anew. It says so when it is ready, and
ends as the fork server does. tests/servers/forked.py asks: `prepared`.
"""

import ctypes
import gc
import importlib
import os
import signal
import sys
from typing import NoReturn

import django
from django.db.migrations.loader import MigrationLoader
from django.urls import get_resolver, reverse

from tests.servers.fork_server import Server, execute

_PR_SET_PDEATHSIG = 1


def main(path: str, executable: str) -> NoReturn:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    get_resolver().check()  # imports all that the URLs lead to
    reverse("admin:index")  # from now on it knows where all of them lead
    importlib.import_module("accounts.management.commands.doctor")
    MigrationLoader(None)  # imports all migrations, which doctor compares with the database's
    gc.freeze()
    server = Server(path)
    print("ready", flush=True)
    command = server.serve().command
    # Whoever kills this process, as the fork server does at its end, kills what came out of it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if command[0] == "manage.py" and os.environ["DJANGO_SETTINGS_MODULE"] == "project.settings":
        # doctor asks a second process, whose settings are the same: they are by the environment.
        sys.executable = executable
    execute(command)


if __name__ == "__main__":
    main(*sys.argv[1:])
