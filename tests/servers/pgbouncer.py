"""PgBouncer in front of PostgreSQL, as Azure's flexible server has it, or as strict as told."""

from typing import Self

from tests.servers.debian import program
from tests.servers.ports import LOOPBACK, answers, free_port
from tests.servers.postgres import USER, Postgres
from tests.servers.process import NotStarted, Process, scratch

AZURE = "extra_float_digits"  # ignore_startup_parameters as it is there
SILENT = "extra_float_digits,options"  # what many set to be rid of the refusal
CONFIGURATION = """\
[databases]
* = host={host} port={server} user={user}
[pgbouncer]
listen_addr={host}
listen_port={port}
unix_socket_dir=
auth_type=any
pool_mode={mode}
default_pool_size=4
ignore_startup_parameters={ignored}
{lines}
"""


class PgBouncer:
    """`with PgBouncer(postgres) as pooler: pooler.url_of("site")`."""

    def __init__(
        self, server: Postgres, *, mode: str = "transaction", ignored: str = AZURE, lines: str = ""
    ) -> None:
        self.port = free_port()
        self._directory = scratch("pgbouncer")
        self._configuration = CONFIGURATION.format(
            host=LOOPBACK,
            server=server.port,
            user=USER,
            port=self.port,
            mode=mode,
            ignored=ignored,
            lines=lines,
        )
        self._process: Process | None = None

    def url_of(self, database: str) -> str:
        return f"postgres://{USER}@{LOOPBACK}:{self.port}/{database}"

    def __enter__(self) -> Self:
        if (pgbouncer := program("pgbouncer")) is None:
            raise NotStarted("PgBouncer is missing: sudo apt-get install pgbouncer")
        file = self._directory / "pgbouncer.ini"
        file.write_text(self._configuration)
        for path in (self._directory, file):
            path.chmod(0o755)  # it refuses root, and becomes somebody else
        log = self._directory / "log"
        self._process = Process("PgBouncer", [pgbouncer, str(file)], log=log, unprivileged=True)
        self._process.start()
        self._process.wait_until(lambda: answers(self.port), seconds=15)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.stop()
