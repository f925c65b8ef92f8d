"""docs/admin.md and its pages are what the journeys do; every page has its picture."""

import pytest

from tests.journeys.pages import OVERVIEW, PAGES, overview, page_of
from tests.journeys.tasks import TASKS, Task

MOST_BYTES = 1_500_000


def test_the_table_is_current() -> None:
    assert OVERVIEW.read_text() == overview(OVERVIEW.read_text()), "make documents"


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.slug)
def test_a_tasks_page_is_current_and_has_its_picture(task: Task) -> None:
    assert (PAGES / f"{task.slug}.md").read_text() == page_of(task), "make documents"
    assert (PAGES / f"{task.slug}.png").read_bytes().startswith(b"\x89PNG"), "make screenshots"
    assert sum(step.shown for step in task.steps) == 1


def test_no_page_is_left_over_and_the_pictures_are_small() -> None:
    found = {path.stem for path in PAGES.iterdir()}
    assert found == {task.slug for task in TASKS}
    assert sum(path.stat().st_size for path in PAGES.glob("*.png")) < MOST_BYTES
