"""What Sentry's SDK sends about a failing callback, and a view that crashes: nothing secret."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tests.fixtures import ENVIRONMENT
from tests.recipes.conftest import RecipeSite
from tests.support.visitor import Visitor, query_of

if TYPE_CHECKING:
    from tests.emulator.server import Emulator

CRASH = {
    "extension/urls.py": """
from django.urls import path


def crash(request):
    code = request.GET["code"]
    cookies = dict(request.COOKIES)
    raise RuntimeError(f"cannot use {code} of {request.get_full_path()}")


urlpatterns = [path("crash/", crash)]
"""
}


@contextmanager
def sentry() -> Iterator[tuple[str, list[str]]]:
    """Its ingest, on loopback: a DSN, and the envelopes that came."""
    came: list[str] = []

    class Ingest(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            came.append((gzip.decompress(body) if zipped else body).decode())
            self.send_response(200)
            self.end_headers()

        @override
        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Ingest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://key@127.0.0.1:{server.server_port}/1", came
    finally:
        server.shutdown()
        server.server_close()


def test_nothing_secret_is_sent(recipe_site: RecipeSite, emulator: "Emulator") -> None:
    with sentry() as (dsn, came):
        with recipe_site("Sentry", CRASH, SENTRY_DSN=dsn) as site:
            visitor = Visitor(site.url)
            callback = visitor.choose(visitor.press_button())
            emulator.expire_secret()
            assert visitor.come_back(callback).status == 503
            there = query_of(callback)
            key = {"Authorization": "Bearer abcdefgh"}
            crash = visitor.get("/crash/", params=there, headers=key)
            assert crash.status == 500
            cookies = [cookie.value or "" for cookie in visitor.http.cookies]
        text = "\n".join(came)  # the SDK sends what is left when the process ends
    events = [json.loads(line) for line in text.splitlines() if '"event_id"' in line]
    messages = json.dumps([event.get("exception") or event.get("logentry") for event in events])
    assert "RuntimeError" in messages, "the crash arrives, with its type"
    assert "client_secret_expired" in text, "and so does the reason of the refusal"
    secrets = [there["code"], there["state"], *cookies, "abcdefgh"]
    secrets += [ENVIRONMENT["SECRET_KEY"], ENVIRONMENT["MICROSOFT_CLIENT_SECRET"]]
    assert [secret for secret in secrets if secret and secret in text] == []
