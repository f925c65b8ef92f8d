"""Each variable that holds a Fault is a test, played on a stage with the same people each time."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

pytest.register_assert_rewrite("tests.faults.stage", "tests.faults.check")

from accounts.models import SignIn, User  # noqa: E402
from tests.conftest import ENVIRONMENT, POSTGRES  # noqa: E402
from tests.emulator.server import Emulator  # noqa: E402
from tests.faults.check import check, check_start_up  # noqa: E402
from tests.faults.fault import Fault  # noqa: E402
from tests.faults.stage import Stage  # noqa: E402
from tests.faults.start_up import is_start_up  # noqa: E402
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
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """What asks for the database gets these people instead of empty tables."""
    with django_db_blocker.unblock():
        User.objects.bulk_create(
            User(email=email, is_staff=True, is_superuser=email == PEOPLE[0]) for email in PEOPLE
        )
        yield
        connections.close_all()  # a fault may have ended the server meanwhile
        for model in (SignIn, SocialAccount, SocialApp, User):
            model.objects.all().delete()


@pytest.fixture
def stage(_site: Site, emulator: Emulator, transactional_db: None) -> Iterator[Stage]:
    own = {name: value for name, value in ENVIRONMENT.items() if name != "PUBLIC_URL"}
    database = POSTGRES.url_of(str(settings.DATABASES["default"]["NAME"]))
    with ExitStack() as stack:
        yield Stage(_site, emulator, own | {"DATABASE_URL": database}, stack)
