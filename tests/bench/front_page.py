"""What our front page costs beside Django's own, as a superuser meets it in the same site."""

import statistics
import subprocess
import sys

from tests.bench.browser import Browser
from tests.bench.measure import cpu_seconds
from tests.bench.stage import Contestant, stage
from tests.servers.process import ROOT, clean_environment
from tests.servers.site import Site

OURS, DJANGOS = "/admin/", "/admin/djangos-own/"
BLOCKS, PAGES = 20, 30
# Something to tell: people who are in, a month of sign-ins, a secret that ends, a link.
FILL = """
from datetime import timedelta
from django.utils import timezone
from accounts.models import BreakGlassLink, SignIn, User
root = User.objects.get()
root.is_superuser = True
root.save()
now = timezone.now()
people = [User.objects.create_user(f"p{n}@contoso.example") for n in range(40)]
SignIn.objects.bulk_create(
    SignIn(at=now - timedelta(days=n % 30, minutes=n), outcome="admitted" if n % 9 else "refused",
           reason="" if n % 9 else "unknown_user", user=people[n % 40], reference="ABCD-2345")
    for n in range(3000)
)
BreakGlassLink.objects.create(token_hash="x", user=people[0], expires_at=now)
"""


def main() -> None:
    with stage() as built:
        _fill(built.ours)
        with built.ours.site(BENCH_URLS="1", BENCH_METER="1") as site:
            sql = _sql(Browser(site.url))
        with built.ours.site(BENCH_URLS="1") as site:
            browser = Browser(site.url)
            took, cpu, commands = _measured(browser, site, built.ours)
    medians = {path: statistics.median(values) for path, values in took.items()}
    p95 = {path: statistics.quantiles(values, n=20)[-1] for path, values in took.items()}
    print(f"{'front page of a superuser':30}{'ours':>10}{'Django':>10}{'more':>8}")
    rows = {
        "worker CPU ms": cpu,
        "median ms": medians,
        "p95 ms": p95,
        "Redis commands": commands,
        "SQL": sql,
    }
    for row, values in rows.items():
        more = values[OURS] - values[DJANGOS]
        print(f"{row:30}{values[OURS]:10.2f}{values[DJANGOS]:10.2f}{more:8.2f}")


def _fill(ours: Contestant) -> None:
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", FILL]
    environment = clean_environment(**ours.env | {"PUBLIC_URL": "http://localhost:8000"})
    subprocess.run(command, cwd=ROOT, env=environment, check=True, stderr=subprocess.DEVNULL)


def _sql(browser: Browser) -> dict[str, float]:
    browser.sign_in()
    for path in (OURS, DJANGOS):
        browser.page_ms(path)
    return {path: browser.page_sql(path) for path in (OURS, DJANGOS)}


def _measured(
    browser: Browser, site: Site, ours: Contestant
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, float]]:
    browser.sign_in()
    took: dict[str, list[float]] = {OURS: [], DJANGOS: []}
    cpu = dict.fromkeys(took, 0.0)
    commands: dict[str, float] = {}
    redis = ours.redis.client()
    for path in took:
        browser.page_ms(path)
    for _ in range(BLOCKS):  # in turns, so that both meet the same weather
        for path, values in took.items():
            before = redis.info("stats")["total_commands_processed"]
            busy = cpu_seconds(site)
            values += [browser.page_ms(path) for _ in range(PAGES)]
            cpu[path] += cpu_seconds(site) - busy
            after = redis.info("stats")["total_commands_processed"]
            commands[path] = (after - before) / PAGES
    return took, {path: spent * 1000 / BLOCKS / PAGES for path, spent in cpu.items()}, commands
