"""axe-core on a page in Chromium: what it says of accessibility."""

import json

from axe_playwright_python.base import AXE_SCRIPT, AxeResults
from playwright.sync_api import Page

# Without preload: axe would ask for stylesheets at addresses that are not there.
_OPTIONS = {"preload": False, "resultTypes": ["violations"]}
# Not by their tag, which would also take in the one that axe leaves out by itself.
_COLOUR_RULES = ["color-contrast", "link-in-text-block"]
_ONLY_COLOURS = {"runOnly": {"type": "rule", "values": _COLOUR_RULES}}
_NO_COLOURS = {"rules": {rule: {"enabled": False} for rule in _COLOUR_RULES}}


def violations(page: Page, *, structure: bool = True, colours: bool = True) -> str:
    """axe's report on the page as it looks now, or "".

    `colours` takes most of the time; `structure` is all the rest.
    """
    if not (structure or colours):
        return ""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    apart = {} if structure and colours else _ONLY_COLOURS if colours else _NO_COLOURS
    found = AxeResults(page.evaluate(f"axe.run({json.dumps(_OPTIONS | apart)})"))
    return str(found.generate_report()) if found.violations_count else ""
