"""What follows a commit may fail; the change is saved all the same."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import TestCase, override_settings

from accounts.stores import transaction
from tests.servers.ports import free_port

pytestmark = pytest.mark.django_db
NO_TABLE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "never_made"}


def write() -> None:
    with transaction.atomic():  # a savepoint: the test's own transaction goes on
        cache.set("key", "value")


@pytest.mark.parametrize(
    ("backend", "command"),
    [
        (lambda: NO_TABLE, "createcachetable"),
        (
            lambda: {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{free_port()}",
            },
            "doctor",
        ),
    ],
    ids=["no table", "no Redis"],
)
def test_an_outage_is_one_line_of_the_log_however_many_hooks_fail(
    backend: Callable[[], dict[str, str]], command: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        override_settings(CACHES={"default": backend()}),
        TestCase.captureOnCommitCallbacks(execute=True),
    ):
        for _hook in range(3):
            transaction.on_commit(write, robust=True)
    [record] = caplog.records
    assert record.exc_info is None
    assert record.getMessage().endswith(f"./manage.py {command}")


def test_a_fault_of_the_program_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        transaction.on_commit(lambda: int(""), robust=True)
    [record] = caplog.records
    assert record.exc_info
