"""A federated tenant: Microsoft answers with a redirect to the company's own sign-in host."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect
from typing_extensions import override

from tests.emulator.server import Emulator
from tests.servers.site import Site
from tests.support.visitor import CALLBACK, START

BUTTON = "Sign in with Microsoft"


class Company(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<title>Company sign-in</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def federated(emulator: Emulator) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Company)
    Thread(target=server.serve_forever, daemon=True).start()
    where = f"http://127.0.0.1:{server.server_port}/adfs/ls/?wa=wsignin1.0"
    emulator.answer("authorize", redirect_to=where)
    yield
    server.shutdown()
    server.server_close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def visitor(request: pytest.FixtureRequest, page: Page) -> Page:
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setScriptExecutionDisabled", {"value": not request.param})
    return page


@pytest.mark.parametrize(("path", "button"), [
    ("/admin/", BUTTON),
    (START, BUTTON),
    (CALLBACK, "Try again"),
])  # fmt: skip
def test_the_button_leads_to_the_companys_own_host(
    site: Site, federated: None, visitor: Page, path: str, button: str
) -> None:
    visitor.goto(site.url + path)
    visitor.get_by_role("button", name=button).click()
    expect(visitor).to_have_title("Company sign-in")
