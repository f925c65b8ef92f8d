"""axe-core on a page in Chromium: what it says of accessibility."""

import json

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

# Without preload: axe would ask for stylesheets at addresses that are not there.
_OPTIONS = {"preload": False, "resultTypes": ["violations"]}
_RUN = f"axe.run({json.dumps(_OPTIONS)}).then(({{violations}}) => ({{violations}}))"


def violations(page: Page) -> str:
    """axe's report on the page as it looks now, or ""."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = AxeResults(page.evaluate(_RUN))
    return str(found.generate_report()) if found.violations_count else ""
