"""What PostgreSQL answers when rights, tables, room or connections are missing."""

from pathlib import Path
from typing import Any

import psycopg
from allauth.socialaccount.models import SocialAccount
from django.db import connection

from accounts.models import User
from tests.faults.fault import GETS_IN, Fault
from tests.faults.stage import Stage
from tests.fixtures import POSTGRES
from tests.servers.pgbouncer import PgBouncer
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.process import unprivileged_user
from tests.servers.tiny_disk import TinyDisk
from tests.support.tiny_server import eventually

UNAVAILABLE = "database_unavailable"
ROLE = "of_the_site"
TABLES = "accounts_user, accounts_signin, socialaccount_socialaccount"


def execute(stage: Stage, statement: str, undo: str = "") -> None:
    """In the tests' own database; `undo` puts it right again."""
    _run(statement)
    if undo:
        stage.stack.callback(_run, undo)


def _run(statement: str) -> None:
    url = POSTGRES.url_of(str(connection.settings_dict["NAME"]))
    with psycopg.connect(url, autocommit=True) as direct:
        direct.execute(statement.encode())


def role(stage: Stage, *statements: str) -> dict[str, str]:
    """A role of the site's own with every right but what the statements take."""
    execute(stage, f"CREATE ROLE {ROLE} LOGIN", f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")
    execute(stage, f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE}")
    execute(stage, f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}")
    for statement in statements:
        execute(stage, statement)
    stage.stack.callback(_cut)
    return {"DATABASE_URL": stage.env["DATABASE_URL"].replace("site@", f"{ROLE}@")}


def _cut() -> None:
    mine = f"FROM pg_stat_activity WHERE usename = '{ROLE}'"
    _run("SELECT pg_terminate_backend(pid, 5000) " + mine)


def broken(sentence: str, set_up: str, code: str, says: str, **how: Any) -> Fault:
    """The sign-in fails with this SQLSTATE, which record and log have, and doctor explains."""
    expected: dict[str, Any] = {
        "page": "unexpected", "record": code, "log": code, "doctor": "database.use", "says": says,
    }  # fmt: skip
    return Fault(sentence, set_up, **{**expected, **how})


# --- rights --------------------------------------------------------------------------------------


def lacks(right: str, table: str, says: str, **how: Any) -> Fault:
    return broken(
        f"The role of DATABASE_URL may not {right} on {table}",
        f"REVOKE {right} ON {table}.",
        "42501",
        says,
        doctor="database.privileges",
        env=lambda stage: role(stage, f"REVOKE {right} ON {table} FROM {ROLE}"),
        **how,
    )


no_select = lacks("SELECT", "accounts_user", "accounts_user: InsufficientPrivilege")
no_update = lacks("UPDATE", "accounts_user", "may not update what a sign-in needs")
no_binding = lacks(
    "INSERT", "socialaccount_socialaccount", "may not insert into what a sign-in needs"
)
no_record = lacks(
    "INSERT",
    "accounts_signin",
    "accounts_signin: InsufficientPrivilege",
    page=GETS_IN,
    record=None,
    log="sign-in record not written",
)
no_schema = broken(
    "The role of DATABASE_URL may not use the schema",
    "REVOKE USAGE ON SCHEMA public, as a hardened template does.",
    "42P01",
    "The role of DATABASE_URL does not see the site's tables",
    doctor="database.schema",
    record=None,
    env=lambda stage: hidden(stage),
)
another_schema = broken(
    "The role of DATABASE_URL looks for its tables in another schema",
    "ALTER ROLE SET search_path: the tables are in public.",
    "42P01",
    "They are in the schema public",
    doctor="database.schema",
    record=None,
    env=lambda stage: role(stage, f"ALTER ROLE {ROLE} SET search_path = staff"),
)


def hidden(stage: Stage) -> dict[str, str]:
    env = role(stage)
    execute(
        stage, "REVOKE USAGE ON SCHEMA public FROM PUBLIC", "GRANT USAGE ON SCHEMA public TO PUBLIC"
    )
    return env


# --- tables --------------------------------------------------------------------------------------


def renamed(stage: Stage, table: str, old: str, new: str) -> None:
    before, after = f"ALTER TABLE {table} RENAME {old} TO {new}", (new, old)
    back = f"ALTER TABLE {table} RENAME {after[0]} TO {after[1]}"
    if old == "":
        before = f"ALTER TABLE {table} RENAME TO {new}"
        back = f"ALTER TABLE {new} RENAME TO {table}"
    execute(stage, before, back)


table_missing = broken(
    "A table is missing although its migration counts as applied",
    "A dump was restored without socialaccount_socialaccount.",
    "42P01",
    "All migrations are recorded as applied",
    before=lambda stage: renamed(stage, "socialaccount_socialaccount", "", "gone"),
)
column_missing = broken(
    "A column is missing although its migration counts as applied",
    "The schema of an older release was restored, with this release's django_migrations.",
    "42703",
    "All migrations are recorded as applied",
    before=lambda stage: renamed(stage, "accounts_user", "name", "called"),
)


def behind(stage: Stage) -> None:
    """Rows that came with their numbers, and a sequence that was not set after them."""
    someone = User.objects.create_user("someone@contoso.example")
    SocialAccount.objects.bulk_create(
        SocialAccount(pk=number, provider="other", uid=str(number), user=someone)
        for number in range(1, 60)
    )
    sequence = "pg_get_serial_sequence('socialaccount_socialaccount', 'id')"
    execute(stage, f"SELECT setval({sequence}, 1, false)", f"SELECT setval({sequence}, 1000)")


sequence_behind = broken(
    "A sequence is behind its table",
    "A dump was restored as data only: new rows get numbers that are taken.",
    "23505",
    "./manage.py sqlsequencereset socialaccount | ./manage.py dbshell",
    doctor="database.sequence",
    before=behind,
)


def locked(stage: Stage) -> dict[str, str]:
    """As VACUUM FULL, a migration or an open transaction in psql hold it."""
    direct = psycopg.connect(POSTGRES.url_of(str(connection.settings_dict["NAME"])))
    stage.stack.callback(direct.close)
    direct.execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")
    return {"DATABASE_URL": f"{stage.env['DATABASE_URL']}?options=-c%20lock_timeout%3D1s"}


table_locked = broken(
    "A table is locked",
    "Somebody's open transaction holds accounts_user in ACCESS EXCLUSIVE MODE.",
    "55P03",
    "Another session holds a lock: look for an open transaction",
    page=UNAVAILABLE,
    record=None,
    env=locked,
)


def full_disk(stage: Stage) -> None:
    """One table is on a disk of its own, which another program has filled."""
    user = unprivileged_user()
    disk = TinyDisk(owner=user.pw_uid if user else 0)
    moved = "ALTER TABLE socialaccount_socialaccount SET TABLESPACE"
    stage.stack.enter_context(disk)
    execute(stage, f"CREATE TABLESPACE tiny LOCATION '{disk.path}'", "DROP TABLESPACE tiny")
    execute(stage, "TRUNCATE socialaccount_socialaccount CASCADE")
    execute(stage, f"{moved} tiny", f"{moved} pg_default")
    disk.fill()


disk_full = broken(
    "PostgreSQL's disk is full",
    "Another program has filled it.",
    "53100",
    "The server's disk is full",
    page=UNAVAILABLE,
    record=None,
    before=full_disk,
)

# --- connections ---------------------------------------------------------------------------------


def refused(sentence: str, set_up: str, log: str, says: str, env: Any) -> Fault:
    """No connection comes about: the server's own words are in the log."""
    return Fault(
        sentence, set_up, env=env, page=UNAVAILABLE, record=None, log=log,
        doctor="database.reachable", says=says,
    )  # fmt: skip


role_limit = refused(
    "The role's connections are all taken",
    "ALTER ROLE CONNECTION LIMIT, as managed servers set it.",
    "too many connections for role",
    "All connections are in use: fewer workers, a pooler",
    lambda stage: role(stage, f"ALTER ROLE {ROLE} CONNECTION LIMIT 0"),
)


def crowded(stage: Stage) -> dict[str, str]:
    """A database that takes no more; roles that may everything are not counted."""
    url = stage.empty_database("faults_crowded")
    execute(stage, "ALTER DATABASE faults_crowded CONNECTION LIMIT 0")
    name = str(connection.settings_dict["NAME"])
    env = role(stage)["DATABASE_URL"]
    assert url.endswith("faults_crowded")
    return {"DATABASE_URL": env.replace(f"/{name}", "/faults_crowded")}


database_limit = refused(
    "The database's connections are all taken",
    "ALTER DATABASE CONNECTION LIMIT.",
    "too many connections for database",
    "All connections are in use: fewer workers, a pooler",
    crowded,
)


def closed(stage: Stage) -> dict[str, str]:
    url = stage.empty_database("faults_closed")
    execute(stage, "ALTER DATABASE faults_closed WITH ALLOW_CONNECTIONS false")
    return {"DATABASE_URL": url}


database_closed = refused(
    "The database accepts no connections",
    "ALTER DATABASE ALLOW_CONNECTIONS false, for a maintenance that nobody ended.",
    "not currently accepting connections",
    "ALTER DATABASE NAME WITH ALLOW_CONNECTIONS true",
    closed,
)


def ruled(stage: Stage, rule: str, password: str = "") -> dict[str, str]:
    """One more line in pg_hba.conf for the role; `password` is what DATABASE_URL has."""
    env = role(stage, f"ALTER ROLE {ROLE} PASSWORD 'as-it-is-by-now'")
    with psycopg.connect(POSTGRES.url) as direct:
        row: Any = direct.execute("SHOW hba_file").fetchone()
    rules = Path(row[0])
    usual = rules.read_text()
    stage.stack.callback(_reload, rules, usual)
    _reload(rules, f"{rule.format(role=ROLE)}\n{usual}")
    return {"DATABASE_URL": env["DATABASE_URL"].replace(f"{ROLE}@", f"{ROLE}:{password}@")}


def _reload(file: Path, rules: str) -> None:
    with psycopg.connect(POSTGRES.url, autocommit=True) as direct:

        def loaded() -> Any:
            return direct.execute("SELECT pg_conf_load_time()").fetchone()

        before = loaded()
        file.write_text(rules)
        direct.execute("SELECT pg_reload_conf()")
        assert eventually(lambda: loaded() != before)


password_changed = refused(
    "The password in DATABASE_URL is the one of before",
    "It was changed on the server.",
    "password authentication failed",
    "User or password in DATABASE_URL is wrong",
    lambda stage: ruled(stage, "host all {role} 127.0.0.1/32 scram-sha-256", "the-one-of-before"),
)
password_ended = refused(
    "The password in DATABASE_URL has expired",
    "ALTER ROLE VALID UNTIL a day that is over.",
    "password authentication failed",
    "or the password has expired (ALTER ROLE it VALID UNTIL 'infinity')",
    lambda stage: _ended(stage),
)


def _ended(stage: Stage) -> dict[str, str]:
    rule = "host all {role} 127.0.0.1/32 scram-sha-256"
    env = ruled(stage, rule, "as-it-is-by-now")
    execute(stage, f"ALTER ROLE {ROLE} VALID UNTIL '2020-01-01'")
    return env


password_missing = refused(
    "DATABASE_URL lacks the password",
    "The server demands one.",
    "no password supplied",
    "The server demands a password, and DATABASE_URL has none",
    lambda stage: ruled(stage, "host all {role} 127.0.0.1/32 scram-sha-256"),
)
not_from_here = refused(
    "The server takes nobody from this address",
    "pg_hba.conf rejects it, as Azure's firewall rules do.",
    "pg_hba.conf rejects connection",
    "The server refuses this role from here",
    lambda stage: ruled(stage, "host all {role} 127.0.0.1/32 reject", "as-it-is-by-now"),
)

# --- PgBouncer -----------------------------------------------------------------------------------


def pooled(stage: Stage, database: str = "", lines: str = "", server: int = 0) -> dict[str, str]:
    pooler = PgBouncer(POSTGRES if not server else _Nowhere(server), lines=lines)
    stage.stack.enter_context(pooler)
    name = database or str(connection.settings_dict["NAME"])
    return {"DATABASE_URL": pooler.url_of(name)}


class _Nowhere(Postgres):
    """Nothing listens there."""

    def __init__(self, port: int) -> None:
        super().__init__(port)


pooler_alone = refused(
    "PgBouncer does not reach its server",
    "Nothing listens where its configuration leads.",
    "connection timeout expired",
    "its own connection to PostgreSQL",
    lambda stage: pooled(stage, server=free_port()),
)
pooler_full = refused(
    "PgBouncer takes no more clients",
    "max_client_conn is 0.",
    "no more connections allowed",
    "a larger max_client_conn",
    lambda stage: pooled(stage, lines="max_client_conn = 0"),
)


# --- a server that is otherwise than the code expects ---------------------------------------------


def of_another_clock(stage: Stage) -> dict[str, str]:
    """A function of the same name, ten minutes ahead, before PostgreSQL's own."""
    env = role(
        stage,
        "CREATE SCHEMA ahead",
        "CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
        " AS $$ SELECT pg_catalog.clock_timestamp() + interval '10 minutes' $$",
        f"GRANT USAGE ON SCHEMA ahead TO {ROLE}",
        f"ALTER ROLE {ROLE} SET search_path = ahead, pg_catalog, public",
    )
    stage.stack.callback(_run, "DROP SCHEMA ahead CASCADE")
    return env


database_clock = Fault(
    "PostgreSQL's clock is ten minutes ahead",
    "A function instead of clock_timestamp() adds them; no sign-in depends on it.",
    env=of_another_clock,
    page=GETS_IN,
    doctor="clock.database",
    says="The database's clock is 600 s ahead of ours",
)


def of_latin_1(stage: Stage) -> dict[str, str]:
    _run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    stage.stack.callback(POSTGRES.drop_database, "latin")
    return {"DATABASE_URL": POSTGRES.url_of("latin")}


encoding = Fault(
    "The database's encoding is not UTF-8",
    "CREATE DATABASE ENCODING 'LATIN1', not migrated yet.",
    env=of_latin_1,
    page="unexpected",
    record=None,
    doctor="database.encoding",
    says="The database's encoding is LATIN1, not UTF-8",
)
_REFUSE = "public.refuse_binding"
trigger = broken(
    "A trigger of the database refuses a row",
    "Somebody's trigger on socialaccount_socialaccount raises an exception.",
    "P0001",
    "A database trigger refuses it",
    before=lambda stage: execute(
        stage,
        f"CREATE FUNCTION {_REFUSE}() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'not by this house'; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON socialaccount_socialaccount"
        f" FOR EACH ROW EXECUTE FUNCTION {_REFUSE}()",
        f"DROP FUNCTION {_REFUSE}() CASCADE",
    ),
)
