"""A grown site's tables, people and a row, then the site itself: `serve.py PORT`, in its folder.

One process, so that Django is set up once. It says READY when it answers.
"""

import sys
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

django.setup()
settings.WHITENOISE_AUTOREFRESH = True  # else every static file is read first


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
    server.set_app(get_wsgi_application())
    Path("ready").touch()
    server.serve_forever()


if __name__ == "__main__":
    tables()
    people()
    serve(int(sys.argv[1]))
