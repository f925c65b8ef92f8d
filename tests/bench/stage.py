"""What a bench run stands on: PostgreSQL, Redis, Microsoft by TLS, and the two sites."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import certifi

from tests.emulator.remote import RemoteEmulator
from tests.servers.environment import site_environment
from tests.servers.nginx import write_certificate
from tests.servers.ports import answers, free_port
from tests.servers.postgres import Postgres
from tests.servers.process import ROOT, Process, clean_environment, scratch
from tests.servers.redis import Redis
from tests.servers.site import CONFIG, Site

OURS, STOCK, ADFS = "ours", "stock", "adfs"
SETTINGS = {
    OURS: "tests.bench.ours",
    STOCK: "tests.bench.stock.settings",
    ADFS: "tests.bench.adfs.settings",
}
PERSON = """
from django.contrib.auth import get_user_model
User = get_user_model()
person = {User.USERNAME_FIELD: "staff@contoso.example", "email": "staff@contoso.example"}
User.objects.create(**person, is_staff=True)
"""


@dataclass(frozen=True)
class Contestant:
    """A site, with the Redis that is its alone."""

    name: str
    env: dict[str, str]
    redis: Redis

    def site(self, **more: str) -> Site:
        config = "tests/bench/adfs/gunicorn.conf.py" if self.name == ADFS else CONFIG
        return Site(self.env | more, workers=1, forked=False, config=config)


@dataclass(frozen=True)
class Stage:
    microsoft: RemoteEmulator
    contestants: tuple[Contestant, ...]

    @property
    def ours(self) -> Contestant:
        return self.contestants[0]


@contextmanager
def stage(peer: str = STOCK) -> Iterator[Stage]:
    """Ours and a peer."""
    with ExitStack() as stack:
        postgres = stack.enter_context(Postgres())
        microsoft = _microsoft(stack)
        made = [
            _contestant(name, postgres, stack.enter_context(Redis()), microsoft.url)
            for name in (OURS, peer)
        ]
        yield Stage(microsoft, tuple(made))


def _microsoft(stack: ExitStack) -> RemoteEmulator:
    directory, port = scratch("microsoft"), free_port()
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    write_certificate(certificate, key)
    # As in life: the authorities that everyone trusts, and ours among them.
    bundle = directory / "authorities.pem"
    bundle.write_text(certifi.contents() + certificate.read_text())
    os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(bundle)
    command = [sys.executable, "-m", "tests.bench.microsoft", str(port), str(certificate), str(key)]
    process = Process("Microsoft", command, log=directory / "log")
    process.start()
    stack.callback(process.stop)
    process.wait_until(lambda: answers(port))
    return RemoteEmulator(f"https://localhost:{port}")


def _contestant(name: str, postgres: Postgres, redis: Redis, login_url: str) -> Contestant:
    trust = {key: os.environ[key] for key in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")}
    env = site_environment(
        public_url="",
        database_url=postgres.create_database(name),
        redis_url=redis.url,
        login_url=login_url,
    )
    env = {key: value for key, value in env.items() if value} | trust
    env |= {"DJANGO_SETTINGS_MODULE": SETTINGS[name]}
    for command in (["migrate", "--verbosity", "0"], ["shell", "--verbosity", "0", "-c", PERSON]):
        _manage(env, *command)
    return Contestant(name, env, redis)


def _manage(env: dict[str, str], *arguments: str) -> None:
    # PUBLIC_URL is each site's own address; a command needs any.
    environment = clean_environment(**env | {"PUBLIC_URL": "http://localhost:8000"})
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env=environment, check=True)
