"""PostgreSQL with the site's tables in a database of its own: migrated once for a test run."""

import subprocess
from pathlib import Path

from tests.servers import forked
from tests.servers.environment import deployed_environment
from tests.servers.once import once
from tests.servers.postgres import Postgres
from tests.servers.process import NotStarted

DATABASE = "site"
TEMPLATE = "site_template"  # the same, which nobody is connected to: to be copied
# What migrations put there stays when tests empty the tables.
_OF_MIGRATIONS = ("django_migrations", "django_content_type", "auth_permission")
# Without looking at who refers to whom: all go. Only tables with rows are written to.
EMPTY_ALL_TABLES = f"""
SET LOCAL session_replication_role = replica;
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'public' AND tablename NOT IN {_OF_MIGRATIONS}
    LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
END $$
"""  # noqa: S608


def migrated_cluster() -> Path:
    return once("postgres-migrated", _migrate)


def _migrate(directory: Path) -> None:
    with Postgres() as server:
        env = deployed_environment() | {"DATABASE_URL": server.create_database(DATABASE)}
        ended = forked.run("manage.py", "migrate", "--verbosity", "0", env=env)
        if ended.returncode:
            raise NotStarted(f"migrate failed:\n{ended.stdout}{ended.stderr}")
        server.create_database(TEMPLATE, DATABASE)
        server.stop()
        subprocess.run(["cp", "-a", str(server.data), str(directory)], check=True)
