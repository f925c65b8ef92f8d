"""`recipe_site("django-otp")`: a site grown by that section of docs/extend.md."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.fixtures import ENVIRONMENT
from tests.recipes.document import recipes
from tests.recipes.grown import Grown, grown
from tests.servers.migrated import TEMPLATE
from tests.servers.postgres import Postgres

if TYPE_CHECKING:
    from tests.emulator.server import Emulator

# `make versions` runs the tests where only what the site needs is installed.
collect_ignore_glob = [] if find_spec("import_export") else ["test_*.py"]
RecipeSite = Callable[..., AbstractContextManager[Grown]]
FIRST = "Your first app"
_APPENDED = ("extension/settings.py", "extension/urls.py")
_numbers = count(1)


@pytest.fixture
def recipe_site(postgres: Postgres, emulator: "Emulator") -> RecipeSite:
    @contextmanager
    def started(title: str, more: Mapping[str, str] | None = None, **env: str) -> Iterator[Grown]:
        name = f"recipe_{next(_numbers)}"
        url = postgres.create_database(name, TEMPLATE)
        try:
            with grown(
                _files(title, more or {}), {**ENVIRONMENT, "DATABASE_URL": url, **env}
            ) as it:
                yield it
        finally:
            postgres.drop_database(name)

    return started


def _files(title: str, more: Mapping[str, str]) -> dict[str, str]:
    """Settings and URLs add up; of any other file the recipe's is the whole."""
    files = dict(recipes()[FIRST].files)
    for source in (recipes()[title].files if title != FIRST else {}, more):
        for path, text in source.items():
            files[path] = files.get(path, "") + text if path in _APPENDED else text
    return files
