"""What every test may ask for: real servers, the emulator, a browser, and the site itself.

Django's settings read the environment once, so it is set here, before Django is set up, with the
addresses of servers that start when the first test needs them.
"""

import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from types import FrameType
from typing import TYPE_CHECKING

import pytest
import redis
from playwright.sync_api import Browser, Page

from tests.servers.environment import site_environment
from tests.servers.fork_server import SELDOM
from tests.servers.migrated import DATABASE, EMPTY_ALL_TABLES, migrated_cluster
from tests.servers.once import run_directory
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.site import Site

if TYPE_CHECKING:
    from tests.emulator.server import Emulator
    from tests.servers.browser import Profiles

StartSite = Callable[..., Site]
OpenPage = Callable[[], Page]

gc.disable()  # until all tests are collected: nothing that is made till then can go
run_directory()  # this process and those of xdist share it
POSTGRES = Postgres(cluster=migrated_cluster)
REDIS = Redis()
EMULATOR_PORT = free_port()
EMULATOR_URL = f"http://localhost:{EMULATOR_PORT}"

ENVIRONMENT = site_environment(
    public_url="http://testserver",
    database_url=POSTGRES.url_of(DATABASE),
    redis_url=REDIS.url,
    login_url=EMULATOR_URL,
)
os.environ.update(
    ENVIRONMENT,
    DJANGO_SETTINGS_MODULE="project.settings",
    # Playwright runs an event loop in the tests' thread, where Django would refuse queries.
    DJANGO_ALLOW_ASYNC_UNSAFE="true",
)

import django  # noqa: E402 -- only now is the environment ready for its settings

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import PBKDF2PasswordHasher  # noqa: E402
from django.db import close_old_connections, connection, transaction  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402
from django.utils import translation  # noqa: E402

from accounts.entra.credentials import renewal  # noqa: E402

# A quarter of a second for each password otherwise; sites still take their own time.
PBKDF2PasswordHasher.iterations = 1
# Else WhiteNoise reads every static file for each test client, a third of what these tests cost.
settings.WHITENOISE_AUTOREFRESH = True

from accounts import registration  # noqa: E402
from accounts.signin import mapping  # noqa: E402
from tests.support import site_keys  # noqa: E402
from tests.support.order import longest_files_first  # noqa: E402
from tests.support.reports import (  # noqa: E402, F401 -- hooks that pytest finds here
    pytest_collectreport,
    pytest_runtest_logreport,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
    pytest_terminal_summary,
)
from tests.support.tiny_server import eventually  # noqa: E402


def pytest_configure() -> None:
    """A test run that is told to end ends its servers, which Python does not do by itself."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to end", 128 + signal.SIGTERM))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        longest_files_first(config, items)


def pytest_collection_finish() -> None:
    """The collector need not look through all tests again and again while they run."""
    gc.freeze()
    gc.set_threshold(*SELDOM)
    gc.enable()


def pytest_xdist_setupnodes() -> None:
    """Each test process has servers of its own, and so must read its settings for itself."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Redis starts in an instant, and much uses the cache without saying so."""
    if session.items and not session.config.option.collectonly and not _under_mutation():
        REDIS.start()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """What renews a proof in the background ends with its test, before its log is closed."""
    eventually(lambda: not any(map(_renews, sys._current_frames().values())), 2)


def _renews(frame: FrameType | None) -> bool:
    """Whether a thread with this frame is in a renewal."""
    while frame and frame.f_code.co_filename != renewal.__file__:
        frame = frame.f_back
    return frame is not None


def pytest_unconfigure() -> None:
    REDIS.stop()


def _under_mutation() -> bool:
    """mutmut forks this process many times over, for tests of pure functions only."""
    return "MUTANT_UNDER_TEST" in os.environ


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with POSTGRES:
        yield POSTGRES


@pytest.fixture(scope="session")
def redis_server() -> Redis:
    return REDIS


@cache
def _redis() -> "redis.Redis":
    return REDIS.client()


@pytest.fixture(autouse=True)
def _empty_redis() -> None:
    """No session, throttle, cached key or remembered app registration outlives a test."""
    if not _under_mutation():
        _redis().flushdb()
        site_keys.forget()
        registration.forget()
        mapping.forget()


@pytest.fixture(autouse=True)
def _default_language() -> Iterator[None]:
    """A page that was asked for in another language leaves that language on in its thread."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, postgres: Postgres) -> None:
    """In place of pytest-django's: the database comes migrated, with its server."""


def _empty_tables(_test: TransactionTestCase) -> None:
    """In place of Django's flush, which makes all permissions and content types anew."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(EMPTY_ALL_TABLES)


def _reloads_connections(_test: TransactionTestCase) -> bool:
    """In place of Django's, which opens one anew for each test: the next use checks it instead."""
    close_old_connections()
    return False


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[attr-defined]
TransactionTestCase._should_reload_connections = _reloads_connections  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def _emulator() -> Iterator["Emulator"]:
    from tests.emulator.server import Emulator

    emulator = Emulator(port=EMULATOR_PORT)
    emulator.start()
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(_emulator: "Emulator") -> "Emulator":
    """The local Microsoft, well-behaved at the start of each test."""
    _emulator.reset()
    return _emulator


@pytest.fixture(scope="session")
def _site(django_db_setup: None, _emulator: "Emulator") -> Iterator[Site]:
    with Site(_shared()) as started:
        yield started


@pytest.fixture
def site(_site: Site, transactional_db: None, emulator: "Emulator") -> Site:
    """The site under gunicorn with two workers, on the test's own database and Redis."""
    return site_keys.follow(_site)


@pytest.fixture
def start_site(transactional_db: None, emulator: "Emulator") -> Iterator[StartSite]:
    """`start_site(workers=1, SESSION_HOURS="1")`: further sites, which end with the test."""
    with ExitStack() as started:

        def start(
            *, workers: int = 2, port: int = 0, prefix: Sequence[str] = (), **env: str
        ) -> Site:
            site = Site(_shared() | env, workers=workers, port=port, prefix=prefix)
            return site_keys.follow(started.enter_context(site))

        yield start


def _shared() -> dict[str, str]:
    """What the tests' process itself uses: a person made by a test exists for the site."""
    return {name: value for name, value in ENVIRONMENT.items() if name != "PUBLIC_URL"}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    from tests.servers.browser import chromium

    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def profiles(browser: Browser) -> "Profiles":
    from tests.servers.browser import Profiles

    return Profiles(browser)


@pytest.fixture
def open_page(profiles: "Profiles") -> Iterator[OpenPage]:
    """`open_page()`: each in a profile of its own, as another person's browser has."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(profiles.page())


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()
