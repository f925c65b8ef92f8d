"""Each variable that holds a Fault is a test, played on a stage with the same people each time."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import close_old_connections

pytest.register_assert_rewrite("tests.faults.stage", "tests.faults.check")

from accounts.models import User  # noqa: E402
from tests.emulator.server import Emulator  # noqa: E402
from tests.faults.check import check, check_start_up  # noqa: E402
from tests.faults.fault import Fault  # noqa: E402
from tests.faults.stage import Stage  # noqa: E402
from tests.faults.start_up import is_start_up  # noqa: E402
from tests.fixtures import _shared  # noqa: E402
from tests.servers.site import Site  # noqa: E402

PEOPLE = ("staff@contoso.example", "editor@contoso.example", "guest@fabrikam.example")


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> pytest.Function | None:
    """A test for each fault, by the fault's name."""
    if not isinstance(obj, Fault):
        return None

    def test(stage: Stage) -> None:
        check(obj, stage)

    def test_start_up() -> None:
        check_start_up(obj)

    if is_start_up(obj):
        return pytest.Function.from_parent(collector, name=name, callobj=test_start_up)
    return pytest.Function.from_parent(collector, name=name, callobj=test)


@pytest.fixture
def stage(_site: Site, emulator: Emulator, transactional_db: None) -> Iterator[Stage]:
    User.objects.bulk_create(
        User(email=email, is_staff=True, is_superuser=email == PEOPLE[0]) for email in PEOPLE
    )
    with ExitStack() as stack:
        yield Stage(_site, emulator, _shared(), stack)
    close_old_connections()  # a fault may have ended the server meanwhile: the next use finds out
