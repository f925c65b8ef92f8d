"""What is measured of one site, each in the way its name says."""

import os
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.bench.browser import Browser, Timed
from tests.bench.stage import Contestant
from tests.emulator.remote import RemoteEmulator
from tests.servers.site import Site

TICKS = os.sysconf("SC_CLK_TCK")
AT_MICROSOFT = 0.15  # seconds; a person needs more
ENDPOINTS = ("discovery", "jwks", "token", "graph")


def counts(contestant: Contestant, microsoft: RemoteEmulator, rounds: int) -> dict[str, float]:
    """SQL, Redis commands, requests and connections, for each warm sign-in of a known person."""
    with contestant.site(BENCH_METER="1") as site:
        browser = Browser(site.url)
        for _ in range(3):
            browser.sign_in()
        time.sleep(1.2)
        microsoft.reset_counters()
        redis_before = _redis_commands(contestant)
        timed = [browser.sign_in() for _ in range(rounds)]
        redis_after = _redis_commands(contestant)
        asked, connections = microsoft.counts, microsoft.connections
    page, start, callback = zip(*(t.sql for t in timed), strict=True)
    return {
        "SQL, login page": statistics.median(page),
        "SQL, start": statistics.median(start),
        "SQL, callback": statistics.median(callback),
        "Redis commands, whole sign-in": (redis_after - redis_before) / rounds,
        "requests to Microsoft": sum(asked.get(name, 0) for name in ENDPOINTS) / rounds,
        # Each authorize request of ours opens one, and reading the counters did, too.
        "connections to Microsoft": max(0, connections - rounds - 1) / rounds,
    }


def callbacks(site: Site, microsoft: RemoteEmulator, rounds: int, *, idle: bool) -> list[float]:
    """Milliseconds of each callback; `idle`: Microsoft had closed its connections before."""
    browser, took = Browser(site.url), []
    for _ in range(rounds):
        if idle:
            microsoft.hang_up()
            time.sleep(0.05)
        took.append(browser.sign_in(AT_MICROSOFT if idle else 0.0).callback * 1000)
    return took


def under_load(browsers: Sequence[Browser], site: Site, rounds: int, then: str = "") -> float:
    """CPU milliseconds of the worker for a sign-in, and for the page that comes `then`."""
    for browser in browsers:
        _sign_in(browser, then)
    before = cpu_seconds(site)

    def some(browser: Browser) -> list[Timed]:
        return [_sign_in(browser, then) for _ in range(rounds // len(browsers))]

    with ThreadPoolExecutor(len(browsers)) as pool:
        done = sum(len(timed) for timed in pool.map(some, browsers))
    return (cpu_seconds(site) - before) / done * 1000


def _sign_in(browser: Browser, then: str) -> Timed:
    timed = browser.sign_in()
    if then:
        browser.page_ms(then)
    return timed


def cpu_seconds(site: Site) -> float:
    """User and system time of the workers so far."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2] for pid in site.workers())
    return sum(sum(map(int, line.split()[11:13])) for line in fields) / TICKS


def memory_mb(site: Site) -> float:
    """Proportional set size of one worker: what one more costs."""
    pid = site.workers()[0]
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def first_answer_ms(contestant: Contestant) -> float:
    """From the start of gunicorn to the first login page."""
    began = time.perf_counter()
    with contestant.site() as site:
        Browser(site.url)._timed("GET", "/admin/login/")
        return (time.perf_counter() - began) * 1000


def forget_attempts(contestant: Contestant) -> None:
    """A bench signs in more often than the throttle lets one network do."""
    client = contestant.redis.client()
    if counted := list(client.scan_iter(match="*throttle*")):
        client.delete(*counted)


def _redis_commands(contestant: Contestant) -> int:
    stats = contestant.redis.client().info("commandstats")
    # Connections greet and are checked; that is no command of a sign-in.
    apart = ("info", "client", "hello", "ping", "select", "auth")
    names = {name.removeprefix("cmdstat_").split("|")[0]: name for name in stats}
    return sum(stats[full]["calls"] for name, full in names.items() if name not in apart)
