"""Redis and PostgreSQL that take nothing but an identity's token for a password."""

from pathlib import Path
from typing import LiteralString

import psycopg
import redis
from psycopg import sql

from tests.servers.ports import LOOPBACK
from tests.servers.postgres import Postgres
from tests.servers.redis import ONCE, Redis
from tests.support.tiny_server import eventually

ROLE = "staff-identity"


class GuardedRedis:
    """Lets in whom Entra vouches for, and the test itself."""

    def __init__(self, server: Redis) -> None:
        self.server, self.url = server, f"{server.url}?auth=entra"
        with server.client() as everyone:
            self._allow(everyone, "test", "test")
        self.client = redis.Redis(
            host=LOOPBACK, port=server.port, username="test", password="test", retry=ONCE
        )
        self.client.acl_setuser("default", enabled=False)

    def trust(self, object_id: str, token: str) -> None:
        self._allow(self.client, object_id, token)

    def users(self) -> dict[str, str]:
        """Who is signed in, by connection; the test's own are left out."""
        listed = self.client.client_list()
        return {each["id"]: each["user"] for each in listed if each["user"] != "test"}

    def knows_only(self, object_id: str) -> bool:
        """Whether each connection is signed in as this identity."""
        return set(self.users().values()) == {object_id}

    @staticmethod
    def _allow(client: redis.Redis, user: str, password: str) -> None:
        client.acl_setuser(
            user,
            enabled=True,
            passwords=[f"+{password}"],
            keys=["*"],
            channels=["*"],
            categories=["+@all"],
        )


class GuardedPostgres:
    """A database through a role whose password is the token of the moment."""

    def __init__(self, server: Postgres, database: str) -> None:
        self._server = server
        self.url = f"postgres://{ROLE}@{LOOPBACK}:{server.port}/{database}?auth=entra"
        self._execute("CREATE ROLE {role} LOGIN IN ROLE site")  # as docs/deploy.md has it
        self._execute("ALTER ROLE {role} SET role = 'site'")
        self._rules = Path(self._ask("SHOW hba_file"))
        self._usual = self._rules.read_text()
        self._set_rules(f'host all "{ROLE}" {LOOPBACK}/32 password\n{self._usual}')

    def trust(self, object_id: str, token: str) -> None:
        self._execute("ALTER ROLE {role} PASSWORD {value}", token)

    def trust_none(self) -> None:
        self._execute("ALTER ROLE {role} PASSWORD NULL")

    def cut(self) -> None:
        """End the role's connections."""
        self._execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = {value}",
            ROLE,
        )

    def lets_in(self, password: str) -> bool:
        url = self.url.partition("?")[0].replace("@", f":{password}@")
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return False
        return True

    def remove(self) -> None:
        self._set_rules(self._usual)
        self.cut()
        self._execute("DROP ROLE {role}")

    def _set_rules(self, rules: str) -> None:
        before = self._ask("SELECT pg_conf_load_time()")
        self._rules.write_text(rules)
        self._execute("SELECT pg_reload_conf()")
        assert eventually(lambda: self._ask("SELECT pg_conf_load_time()") != before)

    def _ask(self, question: LiteralString) -> str:
        with psycopg.connect(self._server.url) as connection:
            row = connection.execute(question).fetchone()
        assert row
        return str(row[0])

    def _execute(self, statement: LiteralString, value: str = "") -> None:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            names = {"role": sql.Identifier(ROLE), "value": sql.Literal(value)}
            connection.execute(sql.SQL(statement).format(**names))
