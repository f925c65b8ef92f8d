"""A page at both widths and in both colour schemes: axe finds nothing, and no button is cut off.

axe looks once in each scheme and once at each width. Which with which, changes from page to page:
what is there at one width only (the menu, the sidebar) is on many pages.
"""

import os
from pathlib import Path
from zlib import crc32

from playwright.sync_api import Page

from tests.support.axe import violations

# Point it at a directory to look at the pages.
PICTURES = os.environ.get("PICTURES", "")
WIDE = 1280
LOOKS = [(360, "light"), (360, "dark"), (WIDE, "dark"), (WIDE, "light")]
# Buttons and inputs that a reader would have to scroll sideways for (a scrolling table's are not
# excused), a page that scrolls sideways itself, and, where there is room, a list that does.
_CUT_OFF = """() => [
    ...[...document.querySelectorAll('main button, main input[type=submit]')]
        .filter((one) => one.offsetParent && one.getBoundingClientRect().right > innerWidth + 1)
        .map((one) => one.textContent.trim() || one.value),
    ...(document.documentElement.scrollWidth > innerWidth + 1 ? ['the page'] : []),
    ...(innerWidth < 1280 ? [] : [...document.querySelectorAll('#result_list th')]
        .filter((one) => one.getBoundingClientRect().right > 1 +
            one.closest('.changelist-form-container').getBoundingClientRect().right)
        .map((one) => 'column ' + one.textContent.trim())),
    ...(innerWidth < 1280 ? [] : [...document.querySelectorAll('.results, .staff-table')]
        .filter((one) => one.scrollWidth > one.clientWidth + 1)
        .map((one) => 'columns of ' + (one.getAttribute('aria-label') || one.className))),
]"""


def expect_well_made(page: Page, name: str) -> None:
    """axe finds nothing, at both widths and in both colour schemes, and nothing is cut off."""
    found = faults_of(page, name)
    assert not found, "\n".join(found)


def faults_of(page: Page, name: str) -> list[str]:
    """What is wrong with how the page looks, at both widths and in both colour schemes."""
    # A click does not wait for the page that it leads to.
    page.wait_for_load_state()
    found = []
    for width, scheme in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        cut = cut_off(page, f"{name}-{width}-{scheme}", width)
        report = _says_axe(page) if _axe_looks(name, width, scheme) else ""
        found += [f"{name} {width} {scheme}: {each}" for each in (report, *cut) if each]
    return found


def _axe_looks(name: str, width: int, scheme: str) -> bool:
    """Once in each scheme, and once at each width."""
    return ((width == WIDE) ^ (scheme == "dark")) == crc32(name.encode()) % 2


def _says_axe(page: Page) -> str:
    # Links change their colour slowly, and axe would catch them between two. Waiting for the end
    # could last for ever: a page that nobody looks at draws no frames.
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")
    return violations(page)


def cut_off(page: Page, name: str, width: int) -> list[str]:
    """What does not fit into this width."""
    page.set_viewport_size({"width": width, "height": 900})
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name.replace(' ', '-')}.png", full_page=True)
    return [f"off the screen: {each}" for each in page.evaluate(_CUT_OFF)]
