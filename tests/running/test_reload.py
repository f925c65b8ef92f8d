"""HUP after new code was put in place: the new release serves, whole, and nobody is turned away."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from tests.running.test_gunicorn import environment
from tests.servers.redis import Redis
from tests.servers.release import Release, copy_of_today
from tests.servers.site import Site
from tests.support.tiny_server import eventually

START = "/accounts/microsoft/login/"
CODE, TEMPLATE = "accounts/web/health.py", "accounts/templates/microsoft_admin/start.html"
SECONDS = 30


@pytest.fixture
def release() -> Release:
    return copy_of_today("reloaded")


@pytest.fixture
def site(redis_server: Redis, release: Release) -> Iterator[Site]:
    with Site(environment(redis_server), root=release.root, forked=False) as started:
        yield started


def replace(release: Release, name: str, old: str, new: str) -> None:
    path = release.root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def put_in_place(release: Release) -> None:
    replace(release, CODE, '"ok\\n"', '"new code\\n"')
    replace(release, TEMPLATE, "{% block content %}", "{% block content %}<!-- new page -->")


def code(site: Site) -> str:
    return requests.get(f"{site.url}/healthz", timeout=10).text.strip()


def page_is_new(site: Site) -> bool:
    return "new page" in requests.get(site.url + START, timeout=10).text


def test_the_new_release_serves_and_nobody_is_turned_away(site: Site, release: Release) -> None:
    met: set[int] = set()
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.02):
            met.add(requests.get(f"{site.url}/healthz", timeout=10).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        put_in_place(release)
        assert (code(site), page_is_new(site)) == ("ok", False)
        before, master = site.workers(), site.process.pid
        os.kill(master, signal.SIGHUP)
        assert eventually(lambda: not set(before) & set(site.workers()), seconds=SECONDS)
        assert {(code(site), page_is_new(site)) for _ in range(6)} == {("new code", True)}
        assert (site.process.pid, len(site.workers())) == (master, 2)
    finally:
        done.set()
        asking.join()
    assert met == {200}


def test_a_release_that_does_not_start_is_not_served(site: Site, release: Release) -> None:
    put_in_place(release)
    replace(release, "project/settings.py", "import os", "import os, nothing_of_this_name")
    os.kill(site.process.pid, signal.SIGHUP)
    assert eventually(lambda: "is not served" in site.log(), seconds=SECONDS)
    time.sleep(1)
    assert {(code(site), page_is_new(site)) for _ in range(6)} == {("ok", False)}
    assert "nothing_of_this_name" in site.log()
