"""`./manage.py sign_ins`, as an operator uses it."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from accounts.models import SignIn, User
from accounts.operate import sign_ins
from tests.support.operators import fail, help_of, manage, run, run_json

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = pytest.mark.django_db


def attempt(reason: str = "", *, ago: timedelta = timedelta(), **fields: object) -> SignIn:
    outcome = "refused" if reason else "admitted"
    defaults = {"email": "ada@contoso.example", "reference": "BCDF-2345"}
    return SignIn.objects.create(
        outcome=outcome, reason=reason, at=timezone.now() - ago, **(defaults | fields)
    )


def test_the_table_shows_the_newest_first() -> None:
    attempt("unknown_user", ago=timedelta(hours=1))
    attempt()
    lines = run("sign_ins").splitlines()
    assert [line.split()[3] for line in lines[1:]] == ["admitted", "refused"]


def test_json_has_every_column() -> None:
    user = User.objects.create_user("ada@contoso.example")
    attempt("wrong_tenant", user=user, tid="t", took_ms=7)
    [row] = run_json("sign_ins")
    assert set(row) == set(sign_ins.COLUMNS)
    assert (row["user"], row["tid"], row["took_ms"]) == ("ada@contoso.example", "t", 7)
    assert datetime.fromisoformat(row["at"]).tzinfo is not None


def test_csv_is_safe_to_open_in_a_spreadsheet() -> None:
    attempt("wrong_tenant", user_agent='=HYPERLINK("https://evil.example")', detail='a "b", c')
    [row] = csv.DictReader(StringIO(run("sign_ins", "--csv")))
    assert row["user_agent"].startswith("'=")
    assert row["detail"] == 'a "b", c'


def test_a_terminal_is_not_told_to_do_anything() -> None:
    attempt("wrong_tenant", detail="\x1b[2Jgone\x9b")
    assert "\x1b" not in run("sign_ins")
    assert "\x1b" not in run("sign_ins", "--json")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--since", "2h"], 1),
        (["--since", "3d"], 2),
        (["--since", "2000-01-01"], 3),
        (["--reason", "unknown_user"], 1),
        (["--outcome", "refused"], 2),
        (["--outcome", "refused", "--since", "2h"], 0),
        (["--email", "ADA@contoso.example"], 2),
        (["--reference", "wxyz-6789"], 1),
        (["--limit", "1"], 1),
    ],
)
def test_filters_narrow(words: list[str], found: int) -> None:
    attempt()
    attempt("unknown_user", ago=timedelta(days=2), email="eve@contoso.example")
    attempt("wrong_tenant", ago=timedelta(days=9), reference="WXYZ-6789")
    assert len(run_json("sign_ins", *words)) == found


@pytest.mark.parametrize(
    ("text", "ago"),
    [("30m", timedelta(minutes=30)), ("2H", timedelta(hours=2)), ("2w", timedelta(weeks=2))],
)
def test_since_reads_spans(text: str, ago: timedelta) -> None:
    moment = sign_ins.since_of(text)
    assert moment
    assert abs(moment - (timezone.now() - ago)) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["2030-01-31", "2030-01-31 00:00", "2030-01-31T01:00+01:00"])
def test_since_reads_dates_and_times(text: str) -> None:
    assert sign_ins.since_of(text) == datetime(2030, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "2h"),
        (["--since", "2030-13-01"], "2030-01-31"),
        (["--since", "9999999w"], "2030-01-31"),
        (["--reason", "nonsense"], "unknown_user"),
        (["--outcome", "maybe"], "admitted"),
        (["--days", "3"], "--prune"),
        (["--prune", "--reason", "unknown_user"], "by age alone"),
        (["--prune", "--days", "0"], "from 1"),
        (["--limit", "0"], "from 1"),
    ],
)
def test_wrong_input_deletes_nothing_and_says_what_to_write(words: list[str], said: str) -> None:
    attempt("unknown_user", ago=timedelta(days=999))
    assert said in fail("sign_ins", *words).error
    assert SignIn.objects.exists()


def test_counts_are_by_reason() -> None:
    attempt()
    attempt("unknown_user")
    attempt("unknown_user")
    assert run_json("sign_ins", "--counts") == [
        {"count": 2, "outcome": "refused", "reason": "unknown_user"},
        {"count": 1, "outcome": "admitted", "reason": ""},
    ]


def test_pruning_deletes_what_is_older_than_it_is_kept(settings: Settings) -> None:
    settings.SIGN_IN_LOG_DAYS = 10
    kept = attempt(ago=timedelta(days=9))
    attempt(ago=timedelta(days=11))
    assert run_json("sign_ins", "--prune") == {"deleted": 1}
    assert SignIn.objects.get() == kept


def test_pruning_can_keep_fewer_days() -> None:
    attempt(ago=timedelta(days=3))
    assert "1" in run("sign_ins", "--prune", "--days", "2")
    assert not SignIn.objects.exists()


def test_pruning_goes_in_batches(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _ in range(5):
        attempt(ago=timedelta(days=400))
    with django_assert_num_queries(3 * 2 + 1 + 2):  # three batches, a look that finds none, audit
        assert sign_ins.prune(batch=2) == 5


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of("sign_ins", capsys)
    assert "./manage.py sign_ins --since 2h" in text
    assert "exit codes:" in text


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("words", "code"), [(["--json"], 0), (["--since", "soon"], 1), (["--form", "xml"], 2)]
)
def test_the_exit_code_says_how_it_went(words: list[str], code: int) -> None:
    done = manage("sign_ins", *words)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("typed", ["BCDF-2345", "bcdf-2345", "bcdf2345", " BCDF 2345 "])
def test_a_reference_is_found_however_it_is_read_out(typed: str) -> None:
    SignIn.objects.create(outcome="refused", reason="cancelled", reference="BCDF-2345")
    assert [row["reference"] for row in run_json("sign_ins", "--reference", typed)] == ["BCDF-2345"]


def test_where_a_reference_is_that_no_row_has() -> None:
    error = fail("sign_ins", "--reference", "bcdf2345").error
    assert 'search it for "BCDF-2345"' in error
    assert "without a database" in error
