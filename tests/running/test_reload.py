"""HUP after new code was put in place: the new release serves, whole, and nobody is turned away."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator

import pytest
import requests

from tests.running.test_gunicorn import environment
from tests.servers.process import ROOT
from tests.servers.redis import Redis
from tests.servers.release import Release, copy_of_today
from tests.servers.site import Site
from tests.support.tiny_server import eventually

START = "/accounts/microsoft/login/"
CODE, TEMPLATE = "accounts/web/health.py", "accounts/templates/microsoft_admin/start.html"
SETTINGS = "project/settings.py"
SECONDS = 30


@pytest.fixture(scope="module")
def release() -> Release:
    return copy_of_today("reloaded")


@pytest.fixture(scope="module")
def site(redis_server: Redis, release: Release) -> Iterator[Site]:
    with Site(environment(redis_server), root=release.root, forked=False) as started:
        yield started


def replace(release: Release, name: str, old: str, new: str) -> None:
    """In today's file, whatever was put in its place before."""
    text = (ROOT / name).read_text()
    assert old in text
    (release.root / name).write_text(text.replace(old, new, 1))


def put_in_place(release: Release, name: str) -> None:
    replace(release, CODE, '"ok\\n"', f'"{name}\\n"')
    replace(release, TEMPLATE, "{% block content %}", f"{{% block content %}}<!-- of {name} -->")


def served(site: Site) -> tuple[str, str]:
    """The names of the releases that the code and the page are of; the first page has none."""
    code = requests.get(f"{site.url}/healthz", timeout=10).text.strip()
    page = requests.get(site.url + START, timeout=10).text
    return code, "".join(re.findall("<!-- of (.*?) -->", page))


def test_the_new_release_serves_and_nobody_is_turned_away(site: Site, release: Release) -> None:
    met: set[int] = set()
    done = threading.Event()

    def ask() -> None:
        while not done.wait(0.05):
            met.add(requests.get(f"{site.url}/healthz", timeout=10).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        former = served(site)
        put_in_place(release, "the next")
        assert served(site) == former
        before, master = site.workers(), site.process.pid
        os.kill(master, signal.SIGHUP)
        assert eventually(lambda: not set(before) & set(site.workers()), seconds=SECONDS)
        assert {served(site) for _ in range(6)} == {("the next", "the next")}
        assert (site.process.pid, len(site.workers())) == (master, 2)
    finally:
        done.set()
        asking.join()
    assert met == {200}


def test_a_release_that_does_not_start_is_not_served(site: Site, release: Release) -> None:
    former = served(site)
    put_in_place(release, "a broken one")
    replace(release, SETTINGS, "import os", "import os, nothing_of_this_name")
    try:
        os.kill(site.process.pid, signal.SIGHUP)
        assert eventually(lambda: "is not served" in site.log(), seconds=SECONDS)
        time.sleep(1)
        assert {served(site) for _ in range(6)} == {former}
        assert "nothing_of_this_name" in site.log()
    finally:
        replace(release, SETTINGS, "import os", "import os")
