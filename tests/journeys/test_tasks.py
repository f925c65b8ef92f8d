"""Each task of docs/admin.md goes as its page says, and ends on a page without a fault for axe.

`make screenshots` runs the same, and takes the pictures of those pages on the way.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize

from accounts.models import User
from tests.journeys.admin_browser import enter, watched
from tests.journeys.looks import expect_well_made
from tests.journeys.tasks import SEEN, TASKS, Task
from tests.servers.site import Site
from tests.support.admins import browser_of, superuser

SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
SIZE: ViewportSize = {"width": 1120, "height": 640}


@pytest.fixture
def root(transactional_db: None) -> User:
    return superuser("root@contoso.example", name="Robin Root")


@pytest.fixture
def admin(site: Site, page: Page, root: User) -> Iterator[Page]:
    page.set_viewport_size(SIZE)
    enter(page, site, root)
    with watched(page):
        yield page


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.slug)
def test_a_task_goes_as_its_page_says(admin: Page, site: Site, root: User, task: Task) -> None:
    task.setup()
    browser_of(root, **SEEN)
    admin.goto(f"{site.url}/admin/")
    for step in task.steps:
        step.do(admin)
        if step.shown:
            take(admin, task.slug)
            expect_well_made(admin, task.slug)
            admin.set_viewport_size(SIZE)
    task.proof(admin)


def take(page: Page, slug: str) -> None:
    if SCREENSHOTS:
        page.evaluate("window.scrollTo(0, 0)")
        page.screenshot(path=Path(SCREENSHOTS) / f"{slug}.png")
