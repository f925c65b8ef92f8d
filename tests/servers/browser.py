"""Debian's Chromium, driven by Playwright, which downloads no browser of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

from tests.servers.debian import HEADLESS, program
from tests.servers.process import NotStarted

# One process renders all pages of a profile: each further one would load and compile every script
# anew. Scripts run too shortly for V8 to gain by optimizing them. The last four keep Chromium from
# asking its maker's servers for anything.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
    "--js-flags=--no-opt --no-maglev",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000
BLANK = "about:blank"


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser process; tests take their pages from its `Profiles`."""
    if (path := program(HEADLESS) or program("chromium")) is None:
        raise NotStarted(f"Chromium is missing: sudo apt-get install {HEADLESS}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Profiles:
    """Profiles of a browser, taken in turn, each emptied of all that sites can store in it.

    A new one takes a process of its own, which loads and compiles every script anew.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: list[BrowserContext] = []

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A page without cookies, which accepts the proxy's self-made certificate."""
        context = self._free.pop() if self._free else self._new()
        yield context.new_page()
        try:
            _empty(context)
        except Error:  # such as from a page that is on its way to another: nobody uses it again
            context.close()
        else:
            self._free.append(context)

    def _new(self) -> BrowserContext:
        context = self._browser.new_context(ignore_https_errors=True)
        context.set_default_timeout(PATIENCE_MS)
        context.new_page()  # which stays, and with it the process
        return context


def _empty(context: BrowserContext) -> None:
    """Close its pages but the first, and forget cookies, drafts and all other stored data."""
    first, *others = context.pages
    for page in others:
        if page.url != BLANK:
            page.goto(BLANK)  # a page may store something when it is left: it has by now
        page.close()
    context.clear_cookies()
    devtools = context.new_cdp_session(first)
    devtools.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
    devtools.detach()
