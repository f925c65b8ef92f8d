"""Stages for faults: one for each that must be alone, and two at a time for all others."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from accounts.models import SignIn, User
from tests.conftest import ENVIRONMENT, POSTGRES
from tests.emulator.server import Emulator
from tests.faults.fault import Fault
from tests.faults.stage import Played, Stage, play
from tests.servers.site import Site

PEOPLE = ("staff@contoso.example", "editor@contoso.example", "guest@fabrikam.example")
AT_ONCE = 2

Results = dict[str, Future[Played]]


@contextmanager
def _people(blocker: DjangoDbBlocker) -> Iterator[None]:
    """The same people each time; rows are deleted, far faster than truncating all tables."""
    with blocker.unblock():
        User.objects.bulk_create(
            User(email=email, is_staff=True, is_superuser=email == PEOPLE[0]) for email in PEOPLE
        )
        yield
        connections.close_all()  # a fault may have ended the server meanwhile
        for model in (SignIn, SocialAccount, SocialApp, User):
            model.objects.all().delete()


@contextmanager
def _stage(site: Site, emulator: Emulator) -> Iterator[Stage]:
    own = {name: value for name, value in ENVIRONMENT.items() if name != "PUBLIC_URL"}
    database = POSTGRES.url_of(str(settings.DATABASES["default"]["NAME"]))
    with ExitStack() as stack:
        yield Stage(site, emulator, own | {"DATABASE_URL": database}, stack)


@pytest.fixture
def transactional_db(
    played_together: Results, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """What asks for the database gets these people instead of empty tables."""
    with _people(django_db_blocker):
        yield


@pytest.fixture
def stage(_site: Site, emulator: Emulator, transactional_db: None) -> Iterator[Stage]:
    with _stage(_site, emulator) as stage:
        yield stage


@pytest.fixture(scope="session")
def played_together(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    _site: Site,
    _emulator: Emulator,
) -> Results:
    """All faults of this run that do not disturb each other, by name."""
    wanted = [_fault_of(item) for item in request.session.items]
    faults = [fault for fault in wanted if fault and not fault.alone]
    _emulator.reset()
    with _people(django_db_blocker), ThreadPoolExecutor(AT_ONCE) as pool:
        return {fault.name: pool.submit(_alone, fault, _site, _emulator) for fault in faults}


def _fault_of(item: pytest.Item) -> Fault | None:
    called = getattr(item, "callspec", None)
    fault = called.params.get("fault") if called else None
    return fault if isinstance(fault, Fault) else None


def _alone(fault: Fault, site: Site, emulator: Emulator) -> Played:
    with _stage(site, emulator) as stage:
        return play(fault, stage)
