"""A host's server, in its folder: `serve.py PORT`. Django is set up once.

POST /-/manage has a command of manage.py run, or Python. `serve.py prepare PORT` makes tables and
people first; people are there before all tables of allauth are. `serve.py prepare collectstatic`
does without the server.
"""

import contextlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")

import django

django.setup()

from django.apps import apps  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.staticfiles.handlers import StaticFilesHandler  # noqa: E402
from django.core.management import execute_from_command_line  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402


def manage(*words: str) -> None:
    execute_from_command_line(["manage.py", *words])


def prepare() -> None:
    own = [app.label for app in apps.get_app_configs() if Path(app.path).parent == Path.cwd()]
    model: Any = get_user_model()
    addresses = model._default_manager.order_by("pk").values_list(model.get_email_field_name())
    if own:
        manage("makemigrations", *own, "--verbosity", "0")
    manage("migrate", "microsoft_admin", "--verbosity", "0", "--skip-checks")
    if not addresses:
        run(Path("people.py").read_text())
    before = list(addresses.all())
    manage("migrate", "--verbosity", "0", "--skip-checks")
    assert list(addresses.all()) == before, "nobody's address is rewritten"
    manage("makemigrations", "--check", "--dry-run", "--verbosity", "0", "--skip-checks")


def run(code: str) -> None:
    exec(code, {"__name__": "shell"})  # noqa: S102 - as `manage.py shell -c` does


def serve(port: int) -> None:
    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.daemon_threads = True
    site = commanded(get_wsgi_application())
    # Django's handler of static files knows no path that a site is served under.
    server.set_app(site if settings.FORCE_SCRIPT_NAME else StaticFilesHandler(site))
    Path("ready").touch()
    server.serve_forever()


def commanded(site: Callable[..., Iterable[bytes]]) -> Any:
    below = (settings.FORCE_SCRIPT_NAME or "").rstrip("/")  # which a web server would take off

    def answer(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ["PATH_INFO"].removeprefix(below)
        if environ["PATH_INFO"] != "/-/manage":
            return site(environ, start)
        told = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(outcome(json.loads(told))).encode()]

    return answer


def outcome(told: list[str]) -> list[Any]:
    """Exit status, output and errors of a command; `shell` reads nothing but code here."""
    out, errors = io.StringIO(), io.StringIO()
    status: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            run(told[-1]) if told[0] == "shell" else manage(*told)
        except SystemExit as ended:
            status = ended.code or 0
        except Exception:
            status = 1
            traceback.print_exc()
    return [status, out.getvalue(), errors.getvalue()]


if __name__ == "__main__":
    for word in sys.argv[1:]:
        match word:
            case "prepare":
                prepare()
            case "collectstatic":
                manage(word, "--noinput", "--verbosity", "0")
            case port:
                serve(int(port))
