"""A grown site's tables, people and a row, then the site itself: `serve.py PORT`, in its folder.

One process, so that Django is set up once; POST /-/run has it run Python. There is a file `ready`
when it answers.
"""

import io
import sys
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.core.management import call_command

django.setup()
settings.WHITENOISE_AUTOREFRESH = True  # else every static file is read first
PBKDF2PasswordHasher.iterations = 1  # a quarter of a second for each password otherwise


def tables() -> None:
    labels = [app.label for app in apps.get_app_configs() if app.name.startswith("extension.")]
    if labels:
        call_command("makemigrations", *labels, verbosity=0)
    call_command("migrate", verbosity=0)
    call_command("check", fail_level="WARNING")


def people() -> None:
    user: Any = django.contrib.auth.get_user_model()
    user.objects.create_user("staff@contoso.example", name="Sam Staff", is_superuser=True)
    user.objects.create_user("editor@contoso.example", name="Eda Editor")
    for app in apps.get_app_configs():
        if app.name == "extension.books":
            book: Any = app.get_model("Book")
            book.objects.create(title="Emma", text="<p>By Jane Austen</p>")


def serve(port: int) -> None:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    server = ThreadedWSGIServer(("127.0.0.1", port), WSGIRequestHandler)
    server.daemon_threads = True
    server.set_app(running(get_wsgi_application()))
    Path("ready").touch()
    server.serve_forever()


def running(site: Callable[..., Iterable[bytes]]) -> Any:
    def answer(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/-/run":
            return site(environ, start)
        code = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        with redirect_stdout(io.StringIO()) as out:
            exec(code, {"__name__": "shell"})  # noqa: S102 - as `manage.py shell -c` does
        start("200 OK", [("Content-Type", "text/plain")])
        return [out.getvalue().encode()]

    return answer


if __name__ == "__main__":
    tables()
    people()
    serve(int(sys.argv[1]))
