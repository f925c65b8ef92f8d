"""docs/admin.md's table and docs/admin/*.md, made of the tasks: `make documents`."""

from __future__ import annotations

import os
from typing import Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
os.environ.setdefault("DEBUG", "true")
django.setup()

from tests.journeys.tasks import TASKS, Task  # noqa: E402 -- it imports models
from tests.servers.process import ROOT  # noqa: E402

OVERVIEW: Final = ROOT / "docs/admin.md"
PAGES: Final = ROOT / "docs/admin"
BEGIN, END = (
    "<!-- tasks: generated from tests/journeys/tasks.py, tested to be current -->",
    "<!-- /tasks -->",
)


def table() -> str:
    """What docs/admin.md has between its marks."""
    rows = [f"| [{task.title}](admin/{task.slug}.md) | {task.clicks} |" for task in TASKS]
    return "\n".join(["| task | clicks from the front page |", "| --- | --- |", *rows])


def page_of(task: Task) -> str:
    """A task's whole page."""
    steps = "\n".join(f"{number}. {step.say}" for number, step in enumerate(task.steps, 1))
    clicks = f"{task.clicks} click{'' if task.clicks == 1 else 's'}"
    return (
        f"# {task.title}\n\n{task.when}\n\n{steps}\n\n{task.then}\n\n"
        f"![{task.title}]({task.slug}.png)\n\n"
        f"{clicks} from the front page. [All tasks](../admin.md)\n"
    )


def overview(text: str) -> str:
    """The text with its table anew."""
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> None:
    OVERVIEW.write_text(overview(OVERVIEW.read_text()))
    PAGES.mkdir(exist_ok=True)
    for task in TASKS:
        (PAGES / f"{task.slug}.md").write_text(page_of(task))


if __name__ == "__main__":
    main()
