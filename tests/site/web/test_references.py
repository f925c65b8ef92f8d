"""Every reference that a page shows: `sign_ins --reference` finds its row, or says where it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import User
from accounts.web import throttle
from tests.emulator.person import sign_in_as
from tests.support.operators import fail, run_json
from tests.support.visitor import CALLBACK, START

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.emulator.server import Emulator
    from tests.servers.redis import Redis

pytestmark = pytest.mark.django_db(transaction=True)
SHOWN = re.compile(r"<code>([A-Z0-9]{4}-[A-Z0-9]{4})</code>")


@contextmanager
def gone(table: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
        try:
            yield
        finally:
            cursor.execute(f"ALTER TABLE gone RENAME TO {table}")


def browser(**how: Any) -> Client:
    return Client(raise_request_exception=False, **how)


def state_not_ours() -> Any:
    return browser().get(CALLBACK, {"state": "made-up", "code": "x"})


def refused_person() -> Any:
    client = browser()
    return client.get(sign_in_as(client.post(START).headers["Location"], "editor", quick=True))


def form_refused() -> Any:
    return browser(enforce_csrf_checks=True).post(START)


def link_used_up() -> Any:
    return browser().post("/admin/break-glass/", {"token": "none"})


def throttled() -> Any:
    throttle.STARTS.count("127.0.0.1", cost=throttle.STARTS.item.amount)
    return browser().post(START)


def broken_page() -> Any:
    client = browser()
    client.force_login(User.objects.create_superuser("ada@contoso.example"))
    session = client.session
    session["entered_by"] = "microsoft"
    session.save()
    with gone("accounts_signin"):
        return client.get("/admin/accounts/signin/")


def other_host() -> Any:
    return browser().get("/nothing/", headers={"Host": "evil.example"})


def in_a_flood() -> Any:
    """The second of one minute has no row of its own."""
    throttled()
    return browser().post(START)


WITH_A_ROW = [state_not_ours, refused_person, form_refused, link_used_up, throttled]
IN_THE_LOG = [broken_page, other_host, in_a_flood]


def reference_on(page: Any) -> str:
    found = SHOWN.search(page.content.decode())
    assert found, (page.status_code, page.content[:300])
    return found[1]


@pytest.mark.parametrize("way", WITH_A_ROW, ids=lambda way: way.__name__)
def test_it_is_found(way: Callable[[], Any], emulator: Emulator) -> None:
    reference = reference_on(way())
    assert [row["reference"] for row in run_json("sign_ins", "--reference", reference)] == [
        reference
    ]


@pytest.mark.parametrize("way", IN_THE_LOG, ids=lambda way: way.__name__)
def test_it_is_said_to_be_in_the_log_and_is_there(
    way: Callable[[], Any], emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    reference = reference_on(way())
    assert f'search it for "{reference}"' in fail("sign_ins", "--reference", reference).error
    assert reference in [getattr(line, "reference", "") for line in caplog.records]


def test_without_the_session_store_it_is_in_the_log(
    redis_server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    client = browser()
    client.cookies["sessionid"] = "a" * 32
    redis_server.pause()
    try:
        reference = reference_on(client.get("/admin/"))
    finally:
        redis_server.resume()
    logged = [line for line in caplog.records if getattr(line, "reference", "") == reference]
    assert "store: " in str(getattr(logged[-1], "detail", ""))
