"""A page at both widths and in both colour schemes: axe finds nothing, and no button is cut off."""

import os
from pathlib import Path

from playwright.sync_api import Page

from tests.support.axe import violations

# Point it at a directory to look at the pages.
PICTURES = os.environ.get("PICTURES", "")
LOOKS = [(width, scheme) for width in (360, 1280) for scheme in ("light", "dark")]
# Buttons and inputs that a reader would have to scroll sideways for; a scrolling table's are not
# excused.
_CUT_OFF = """() => [...document.querySelectorAll('main button, main input[type=submit]')]
    .filter((one) => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.textContent.trim() || one.value)"""


def expect_well_made(page: Page, name: str) -> None:
    """axe finds nothing, at both widths and in both colour schemes, and every button is seen."""
    found = []
    for width, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        # Links change their colour slowly, and axe would catch them between two.
        page.evaluate("Promise.allSettled(document.getAnimations().map((one) => one.finished))")
        if PICTURES:
            picture = Path(PICTURES) / f"{name.replace(' ', '-')}-{width}-{scheme}.png"
            page.screenshot(path=picture, full_page=True)
        if report := violations(page, only_colours=scheme == "dark"):
            found.append(f"{width} {scheme}: {report}")
        if cut := page.evaluate(_CUT_OFF):
            found.append(f"{width} {scheme}: off the screen: {cut}")
    page.emulate_media(color_scheme="light")
    assert not found, "\n".join(found)
