"""`make bench ARGS=--million`: admin's lists over a million people, sign-ins and audit entries.

In PostgreSQL; and a thousand sessions in Redis. For each page: milliseconds, SQL statements, and
which tables a plan reads as a whole. Then half of the sign-ins are pruned while others sign in: the
slowest row that was written meanwhile.
"""

import os
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from tests.servers.environment import site_environment
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis

ROWS = 1_000_000
PEOPLE = 2_000  # who sign in
SESSIONS = 1_000  # each is signed in by a client
TIMES = 3
LIST = "/admin/accounts/signin/"
# Copies of one row that the models made: its columns, but for those that must differ.
COPY = "INSERT INTO {table} ({columns}) SELECT {values} FROM {table}, generate_series(1, {rows}) n"
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
    LIST: {
        "the newest": "",
        "page 100": "?p=100",
        "refused only": "?outcome__exact=refused",
        "one reason, rare": "?reason=token_invalid",
        "one method, rare": "?method__exact=break_glass",
        "today": "?at__gte={today}%2000:00%2B00:00",
        "a month, a half year back": "?at__year={year}&at__month={month}",
        "an email's beginning": "?q=person77",
        "a part of an email, rare": "?q=erson77@con",
        "a part that all have": "?q=contoso",
        "two letters": "?q=77",
        "an address of a client": "?q=10.0.0.1",
        "an AADSTS number": "?q=AADSTS50105",
        "a reference": "?q=000F-4240",
        "an oid": "?q={oid}",
        "nothing is found": "?q=nobody@nowhere.example",
    },
    "/admin/accounts/user/": {
        "people": "",
        "people, page 100": "?p=100",
        "people, a part of one": "?q=one77777@con",
        "people, a part of a name": "?q=lace%20777",
        "people, a part that all have": "?q=contoso",
        "people, two letters": "?q=77",
        "people, nothing is found": "?q=nobody@nowhere",
        "people, not signed in": "?state=never",
        "people, refused lately": "?state=refused",
        "people, idle": "?idle=90",
        "people, not linked": "?linked=no",
        "people, superusers": "?is_superuser__exact=1",
    },
    "/admin/accounts/auditentry/": {
        "audit": "",
        "audit, a part of one": "?q=one77777@con",
        "audit, a part that all have": "?q=contoso",
        "audit, a reference": "?q=BCDF-2345",
        "audit, a key": "?q=77777",
        "audit, nothing is found": "?q=nobody@nowhere",
        "audit, one action": "?action=person.deleted",
    },
    "/admin/accounts/sessions/": {
        "sessions": "",
        "sessions, a part of one": "?q=erson77@con",
        "sessions, nothing is found": "?q=nobody@nowhere",
    },
}


def main() -> None:
    with Postgres() as postgres, Redis() as redis:
        _set_up(postgres.create_database("million"), redis.url)
        _fill()
        _fill_sessions()
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
    import logging

    import django
    from django.core.management import call_command

    logging.disable(logging.ERROR)  # copies of an entry are not sealed as it is

    django.setup()
    call_command("migrate", verbosity=0)


def _fill() -> None:
    from django.db import connection

    from accounts.models import User

    User.objects.bulk_create(User(email=f"person{n}@contoso.example") for n in range(PEOPLE))
    with connection.schema_editor(atomic=False) as editor:  # takes its time, as a migration may
        editor.execute(FILL, None)
        _copy_people(editor)
        _copy_audit(editor)
        for table in ("signin", "user", "auditentry", "audittext"):
            editor.execute(f"VACUUM ANALYZE accounts_{table}")


def _copy_people(editor: Any) -> None:
    from accounts.models import User

    User.objects.create(email="one@many.example", name="Ada Lovelace")
    differing = {
        "id": "n + 10000",
        "email": "'one' || n || '@contoso.example'",
        "name": "'Ada Lovelace ' || n",
    }  # fmt: skip
    _copy(editor, User, differing, "email = 'one@many.example'")


def _copy_audit(editor: Any) -> None:
    from accounts import audit
    from accounts.models import AuditEntry, AuditText, User

    person = User.objects.get(email="one@many.example")
    audit.write("identity.linked", person, after={"identity": "x"})
    newest = AuditEntry.objects.latest("at")
    key = "md5('entry' || n)::uuid"
    differing = {
        "id": key, "at": "at - n * interval '31 seconds'", "subject_key": "(n + 10000)::text",
        "reference": "overlay(upper(lpad(to_hex(n), 8, '0')) placing '-' from 5 for 0)",
    }  # fmt: skip
    _copy(editor, AuditEntry, differing, f"id = '{newest.pk}'")
    for part in newest.parts.all():
        differing = {"id": f"n + {10**7 if part.role == 'actor' else 10**8}", "entry_id": key}
        if part.role == "subject":
            differing |= {
                "name": "'one' || n || '@contoso.example'", "person": "(n + 10000)::text",
            }  # fmt: skip
        _copy(editor, AuditText, differing, f"id = {part.pk}")


def _copy(editor: Any, model: Any, differing: dict[str, str], which: str) -> None:
    columns = [field.column for field in model._meta.concrete_fields]
    values = ", ".join(differing.get(column, column) for column in columns)
    named = {"table": model._meta.db_table, "columns": ", ".join(columns), "values": values}
    editor.execute(COPY.format(rows=ROWS, **named) + f" WHERE {which}", None)


def _fill_sessions() -> None:
    from django.contrib.auth import get_user_model

    from tests.support.admins import browser_of

    people = list(get_user_model().objects.filter(email__startswith="person")[:50])
    for number in range(SESSIONS):
        browser_of(people[number % len(people)])


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
    print(f"{'page of a million rows':34}{'ms':>8}{'SQL':>6}  reads a whole table")
    for path, pages in PAGES.items():
        for name, query in pages.items():
            ms, statements = _timed_page(partial(client.get, path + query.format(**words)))
            whole = ", ".join(sorted(set().union(*map(_read_whole, statements)))) or "no"
            print(f"{name:34}{ms:8.0f}{len(statements):6}  {whole}", flush=True)


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


def _read_whole(statement: str) -> set[str]:
    """The long tables that a plan reads as a whole."""
    from django.db import connection

    if not re.match(r"\s*(SELECT|WITH)\b.*accounts_(signin|user|audit)", statement, re.DOTALL):
        return set()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        lines = " ".join(line for (line,) in cursor.fetchall())
    return set(re.findall(r"Seq Scan on accounts_(signin|user|auditentry|audittext)\b", lines))


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
