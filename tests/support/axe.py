"""axe-core on a page in Chromium: what it says of accessibility."""

import json

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

# Without preload: axe would ask for stylesheets at addresses that are not there.
_OPTIONS = {"preload": False, "resultTypes": ["violations"]}
# Not by their tag, which would also take in the one that axe leaves out by itself.
_COLOUR_RULES = ["color-contrast", "link-in-text-block"]
_ONLY_COLOURS = {"runOnly": {"type": "rule", "values": _COLOUR_RULES}}


def violations(page: Page, *, only_colours: bool = False) -> str:
    """axe's report on the page as it looks now, or "". `only_colours`: the rest was looked at."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = _OPTIONS | (_ONLY_COLOURS if only_colours else {})
    found = AxeResults(page.evaluate(f"axe.run({json.dumps(options)})"))
    return str(found.generate_report()) if found.violations_count else ""
