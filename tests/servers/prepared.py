"""`python -m tests.servers.prepared SOCKET PYTHON`: the site's programs, with its apps loaded.

A child of the fork server that forks in turn, for sites and commands, which would each load apps
and URLs anew. Settings are read by each program for itself: it is taken if those that apps and
URLs read when they were loaded are the same for it. It says so when it is ready, and ends as the
fork server does. tests/servers/forked.py asks.
"""

import ctypes
import gc
import importlib
import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn
from unittest.mock import patch

import django
from django.conf import ENVIRONMENT_VARIABLE, LazySettings, Settings, settings
from django.core.checks import Tags, run_checks
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.urls import get_resolver, reverse
from django.utils.module_loading import import_string

from project.reload import load_templates
from tests.servers.fork_server import Program, Server, enter, execute
from tests.servers.process import ROOT

_SITES = "project.settings"
_EACH_TIME = {"LOGGING", "LOGGING_CONFIG"}  # django.setup() takes them anew in each program
_OTHER_SETTINGS = ("--settings", "--pythonpath", "collectstatic")  # than the environment's
_OTHERWISE = "SSL_CERT_"  # what is loaded is another with these
_PR_SET_PDEATHSIG = 1


def _load() -> dict[str, Any]:
    """Load all that a site loads; the settings that were read meanwhile."""
    read: set[str] = set()
    get = LazySettings.__getattr__

    def noting(self: LazySettings, name: str) -> Any:
        read.add(name)
        return get(self, name)

    with patch.object(LazySettings, "__getattr__", noting):
        django.setup()
        get_resolver().check()  # imports all that the URLs lead to
        reverse("admin:index")  # from now on it knows where all of them lead
        for module in ("accounts.management.commands.doctor", "accounts.web.adapter"):
            importlib.import_module(module)
        load_templates()
        MigrationLoader(None)  # imports them all: doctor compares them with the database's
        _look_ahead()
    return {name: _seen(name) for name in read - _EACH_TIME if name.isupper()}


def _look_ahead() -> None:
    """Do what each site and doctor would do again, with the same outcome."""
    from accounts.checks.site import callback_is_served
    from accounts.http.tls import trusted_context
    from accounts.process.processes import release

    trusted_context("")  # reads the system's authorities
    release()  # hashes all files
    list(callback_is_served())  # reads the catalogues of two languages, and their URLs
    run_checks(tags=[Tags.models, Tags.commands])  # look at all models, and import migrate
    for middleware in settings.MIDDLEWARE:
        import_string(middleware)


def _seen(name: str) -> Any:
    """What loading makes of a setting."""
    value: Any = getattr(settings, name, None)
    if name == "DATABASES":
        return {alias: database["ENGINE"] for alias, database in value.items()}
    if name == "SOCIALACCOUNT_PROVIDERS":
        return {provider: of.get("provider_class") for provider, of in value.items()}
    return value


def _takes(loaded: Mapping[str, Any], program: Program) -> bool:
    """Read the program's settings; whether they suit what is loaded."""
    if program.cwd != str(ROOT) or any(name.startswith(_OTHERWISE) for name in program.env):
        return False
    if any(word.startswith(_OTHER_SETTINGS) for word in program.command):
        return False
    enter(program)
    module = program.env.get(ENVIRONMENT_VARIABLE, _SITES)
    for name in (_SITES, module):
        sys.modules.pop(name, None)
        package, _, own_name = name.rpartition(".")
        if package in sys.modules:  # `from project import settings` looks there first
            vars(sys.modules[package]).pop(own_name, None)
    try:
        settings._wrapped = Settings(module)
    except (Exception, SystemExit):
        return False  # the program will say so itself
    del connections["default"], connections.settings
    connections._settings = None  # type: ignore[attr-defined]
    return all(_seen(name) == value for name, value in loaded.items())


def main(path: str, executable: str) -> NoReturn:
    os.environ.setdefault(ENVIRONMENT_VARIABLE, _SITES)
    gc.disable()  # nothing that is loaded can go
    loaded = _load()
    gc.collect()
    gc.freeze()
    gc.enable()
    server = Server(path, partial(_takes, loaded))
    print("ready", flush=True)
    program = server.serve()
    # Whoever kills this process, as the fork server does at its end, kills what came out of it.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.executable = executable
    execute(program.command)


if __name__ == "__main__":
    main(*sys.argv[1:])
