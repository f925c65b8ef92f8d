"""`make bench ARGS=--million`: admin's lists and pruning over a million sign-ins, in PostgreSQL.

For each page: milliseconds, SQL statements, and whether a plan reads the whole table. Then half of
the rows are pruned while others sign in: the slowest row that was written meanwhile.
"""

import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tests.servers.environment import site_environment
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

ROWS = 1_000_000
PEOPLE = 2_000
TIMES = 5
LIST = "/admin/accounts/signin/"
FILL = f"""
    INSERT INTO accounts_signin (at, outcome, method, reason, detail, reference, user_id, email,
                                 tid, oid, client_ip, user_agent, host, took_ms, microsoft_ms)
    SELECT now() - (n * interval '31.5 seconds'), outcome, method, reason, '',
           overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0), id, email, tid,
           md5('oid' || id)::uuid::text, '10.0.0.1', 'Mozilla/5.0', 'admin.example', 60, 40
    FROM (SELECT n, n % {PEOPLE} + 1 AS person,
                 CASE WHEN n % 20 = 0 THEN 'refused' ELSE 'admitted' END AS outcome,
                 CASE WHEN n % 50000 = 0 THEN 'break_glass' ELSE 'microsoft' END AS method,
                 CASE WHEN n % 20 > 0 THEN '' WHEN n % 5000 = 0 THEN 'token_invalid'
                      ELSE 'unknown_user' END AS reason,
                 '11111111-1111-4111-8111-111111111111' AS tid
          FROM generate_series(1, {ROWS}) n) AS made
    JOIN (SELECT id, email, row_number() OVER (ORDER BY id) AS person FROM accounts_user) AS people
         USING (person)
"""  # noqa: S608 - numbers of our own
PAGES = {
    "the newest": "",
    "page 100": "?p=100",
    "refused only": "?outcome__exact=refused",
    "one reason, rare": "?reason=token_invalid",
    "one method, rare": "?method__exact=break_glass",
    "today": "?at__gte={today}%2000:00%2B00:00",
    "a month, a half year back": "?at__year={year}&at__month={month}",
    "an email's beginning": "?q=person77",
    "a reference": "?q=000F-4240",
    "an oid": "?q={oid}",
    "nothing is found": "?q=nobody@nowhere.example",
}


def main() -> None:
    with Postgres() as postgres, Redis() as redis:
        _set_up(postgres.create_database("million"), redis.url)
        _fill()
        _show_pages()
        _show_pruning()


def _set_up(database_url: str, redis_url: str) -> None:
    env = site_environment(
        public_url="http://testserver",
        database_url=database_url,
        redis_url=redis_url,
        login_url="http://localhost:1",
    )
    os.environ.update(env, DJANGO_SETTINGS_MODULE="project.settings", LOG_FORMAT="text")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def _fill() -> None:
    from django.db import connection

    from accounts.models import User

    User.objects.bulk_create(User(email=f"person{n}@contoso.example") for n in range(PEOPLE))
    with connection.schema_editor(atomic=False) as editor:  # takes its time, as a migration may
        editor.execute(FILL, None)
        editor.execute("VACUUM ANALYZE accounts_signin")


def _show_pages() -> None:
    from django.test import Client

    from accounts.models import SignIn, User
    from tests.support.admins import let_in

    client = Client()
    let_in(client, User.objects.create_user("admin@contoso.example", is_superuser=True))
    long_ago = SignIn.objects.order_by("at")[ROWS // 2]
    words = {
        "today": time.strftime("%Y-%m-%d"),
        "year": str(long_ago.at.year),
        "month": str(long_ago.at.month),
        "oid": long_ago.oid,
    }
    print(f"{'page of a million sign-ins':34}{'ms':>8}{'SQL':>6}  reads the whole table")
    for name, query in PAGES.items():
        ms, statements = _timed_page(partial(client.get, LIST + query.format(**words)))
        whole = "yes" if any(map(_reads_all, statements)) else "no"
        print(f"{name:34}{ms:8.0f}{len(statements):6}  {whole}")


def _timed_page(get: Callable[[], object]) -> tuple[float, list[str]]:
    """The median in milliseconds once it is warm, and the statements of the last time."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took = []
    get()
    for _ in range(TIMES):
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            get()
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took), [query["sql"] for query in queries]


def _reads_all(statement: str) -> bool:
    from django.db import connection

    if not re.match(r"\s*(SELECT|WITH)\b.*accounts_signin", statement, re.DOTALL):
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        return any("Seq Scan on accounts_signin" in line for (line,) in cursor.fetchall())


def _show_pruning() -> None:
    from accounts.operate import sign_ins

    with _someone_signing_in() as took:
        began = time.perf_counter()
        deleted = sign_ins.prune(182)
        seconds = time.perf_counter() - began
    print(f"\n{deleted} rows pruned in {seconds:.0f} s; meanwhile {len(took)} rows were written,")
    print(f"median {statistics.median(took):.1f} ms, slowest {max(took):.0f} ms")


@contextmanager
def _someone_signing_in() -> Iterator[list[float]]:
    """Writes rows as sign-ins do, all the time; milliseconds of each."""
    from django.db import connection

    from accounts.models import SignIn

    took: list[float] = []
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(0.01):
            began = time.perf_counter()
            SignIn.objects.create(outcome="admitted", reference="BBBB-BBBB")
            took.append((time.perf_counter() - began) * 1000)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    yield took
    ended.set()
    thread.join()
