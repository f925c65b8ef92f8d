"""What the soak stands on: nginx, three instances, PostgreSQL, Redis with Sentinel, Microsoft."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from typing_extensions import override

from tests.emulator.people import Person
from tests.emulator.remote import RemoteEmulator
from tests.servers.environment import site_environment
from tests.servers.nginx import Nginx
from tests.servers.ports import LOOPBACK, answers, free_port
from tests.servers.postgres import Postgres
from tests.servers.process import ROOT, Process, clean_environment, scratch
from tests.servers.redis import Sentinel
from tests.servers.site import Site

INSTANCES, WORKERS = 3, 2
DRAINING_S = 1.0
MAKE_USERS = (
    "from accounts.models import User\n"
    "for n in range({count}): User.objects.create_superuser(f'soak{{n}}@contoso.example')"
)


class Balancer(Nginx):
    """Round robin that gives up no upstream for one killed worker."""

    def reload(self, upstreams: list[int]) -> None:
        """New connections go to these; requests under way end where they are."""
        self.upstreams = upstreams
        (self._directory / "nginx.conf").write_text(self._configuration())
        if self._process:
            os.kill(self._process.pid, signal.SIGHUP)

    @override
    def _configuration(self) -> str:
        text = super()._configuration()
        for port in self.upstreams:
            text = text.replace(
                f"server {LOOPBACK}:{port};", f"server {LOOPBACK}:{port} max_fails=0;"
            )
        return text


@dataclass(slots=True)
class Stage:
    postgres: Postgres
    redis: Sentinel
    microsoft: RemoteEmulator
    balancer: Balancer
    sites: list[Site]
    env: dict[str, str]
    database_url: str
    people: list[str]

    @property
    def url(self) -> str:
        return self.balancer.url

    def replace(self) -> None:
        """As a deploy does: start the new one, send requests there, then end the old one."""
        old, *kept = self.sites
        new = Site(self.env, workers=WORKERS, forked=False).start()
        self.sites = [*kept, new]
        self.balancer.reload([site.port for site in self.sites])
        time.sleep(DRAINING_S)
        old.stop()

    def meet_people(self) -> None:
        """Microsoft knows them; again after each of its resets."""
        for key in self.people:
            email = f"{key}@contoso.example"
            self.microsoft.register_person(Person(key, key, email, email))

    def stop_sites(self) -> None:
        for site in self.sites:
            site.stop()


@contextmanager
def stage(people: int) -> Iterator[Stage]:
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        redis = stack.enter_context(Sentinel())
        microsoft = _microsoft(stack)
        ports = [free_port() for _ in range(INSTANCES)]
        balancer = Balancer(ports, tls=False)
        env = site_environment(
            public_url=balancer.url,
            database_url=postgres.create_database("soak"),
            redis_url=redis.url,
            login_url=microsoft.url,
        ) | {"TRUSTED_PROXY_COUNT": "1"}
        _manage(env, "migrate", "--verbosity", "0")
        _manage(env, "shell", "--verbosity", "0", "-c", MAKE_USERS.format(count=people))
        names = [f"soak{number}" for number in range(people)]
        sites = [Site(env, workers=WORKERS, port=port, forked=False).start() for port in ports]
        built = Stage(postgres, redis, microsoft, balancer, sites, env, env["DATABASE_URL"], names)
        stack.callback(built.stop_sites)
        stack.enter_context(balancer)
        built.meet_people()
        yield built


def _microsoft(stack: ExitStack) -> RemoteEmulator:
    port = free_port()
    command = [sys.executable, "-m", "tests.emulator", "--port", str(port)]
    process = Process("Microsoft", command, log=scratch("microsoft") / "log")
    process.start()
    stack.callback(process.stop)
    process.wait_until(lambda: answers(port))
    return RemoteEmulator(f"http://localhost:{port}")


def _manage(env: dict[str, str], *arguments: str) -> None:
    command = [sys.executable, "manage.py", *arguments]
    subprocess.run(command, cwd=ROOT, env=clean_environment(**env), check=True)
