"""Debian's Chromium, driven by Playwright, which downloads no browser of its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers.debian import HEADLESS, program
from tests.servers.process import NotStarted

# The last four keep it from asking its maker's servers for anything.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 15_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser process; tests take a fresh context each, as from a new profile."""
    if (path := program(HEADLESS) or program("chromium")) is None:
        raise NotStarted(f"Chromium is missing: sudo apt-get install {HEADLESS}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def fresh_page(browser: Browser) -> Iterator[Page]:
    """A page without cookies, which accepts the proxy's self-made certificate."""
    context = browser.new_context(ignore_https_errors=True)
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context.new_page()
    finally:
        context.close()
