"""The record in admin: found, narrowed, charted, taken away as CSV, and acted upon."""

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.admin import advice, csv_export
from accounts.admin.model_admin import BOUND
from accounts.admin.sign_ins import chart
from accounts.models import SignIn
from accounts.reasons import REASONS
from tests.support.admins import TID, browser_of, person, sign_in, superuser

LIST = "/admin/accounts/signin/"


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(superuser())


def listed(browser: Client, **query: str) -> set[str]:
    """The references of the rows that the list shows."""
    results = browser.get(LIST, query).context["cl"].result_list
    return {row.reference for row in results}


def exported(browser: Client, query: str = "") -> list[dict[str, str]]:
    text = browser.get(f"{LIST}export/{query}").getvalue().decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("asked", ["abcd-2345", " ABCD2345 ", "nna@", "ANNA@Contoso", TID])
def test_a_row_is_found_by_reference_part_of_an_address_or_object_id(
    browser: Client, asked: str
) -> None:
    sign_in(reference="ABCD-2345", email="anna@contoso.example", oid=TID)
    sign_in(reference="WXYZ-9876", email="bert@contoso.example", oid="other")
    assert listed(browser, q=asked) == {"ABCD-2345"}


def test_search_by_reference_is_exact(browser: Client) -> None:
    sign_in(reference="ABCD-2345")
    assert listed(browser, q="ABCD") == set()


def test_filters_narrow_by_outcome_reason_method_and_time(browser: Client) -> None:
    sign_in(reference="IN-1")
    sign_in(reference="NO-1", reason="unknown_user")
    sign_in(reference="BG-1", method="break_glass")
    sign_in(reference="OLD-1", at=datetime(2025, 3, 4, 12, tzinfo=UTC))
    assert listed(browser, outcome__exact="refused") == {"NO-1"}
    assert listed(browser, reason="unknown_user") == {"NO-1"}
    assert listed(browser, method__exact="break_glass") == {"BG-1"}
    assert listed(browser, at__year="2025", at__month="3", at__day="4") == {"OLD-1"}


def test_the_reason_filter_offers_the_reasons_met_by_their_names(browser: Client) -> None:
    sign_in(reason="unknown_user")
    sign_in(reason="wrong_tenant")
    sign_in(reason="code_of_an_older_version")
    specs = browser.get(LIST).context["cl"].filter_specs
    offered = dict(next(s for s in specs if s.title == "reason").lookup_choices)
    assert offered == {
        "unknown_user": advice.title_of("unknown_user"),
        "wrong_tenant": advice.title_of("wrong_tenant"),
        "code_of_an_older_version": "code_of_an_older_version",
    }


def test_dates_drill_down_from_years_to_a_day(browser: Client) -> None:
    sign_in(at=datetime(2025, 12, 30, 12, tzinfo=UTC))
    sign_in(at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    assert _choices(browser) == ["2025", "2026"]
    assert _choices(browser, at__year="2026") == ["January 2026"]
    assert _choices(browser, at__year="2025", at__month="12") == ["December 30", "December 31"]
    assert _choices(browser, at__year="2026", at__month="1", at__day="2") == ["January 2"]


def _choices(browser: Client, **query: str) -> list[str]:
    return [choice["title"] for choice in browser.get(LIST, query).context["cl"].dates["choices"]]


@pytest.mark.parametrize("query", ["?at__year=2026&at__month=13", "?nonsense=1", "?at__year=x"])
def test_a_query_that_makes_no_sense_is_no_error(browser: Client, query: str) -> None:
    assert browser.get(LIST + query).status_code in (200, 302)
    assert browser.get(f"{LIST}export/{query}").status_code in (200, 400)


def test_an_empty_record_is_no_error(browser: Client) -> None:
    assert browser.get(LIST).status_code == 200
    assert exported(browser) == []


def test_the_list_takes_as_many_queries_for_fifty_as_for_five(browser: Client) -> None:
    cole = person("cole@contoso.example")
    counts = []
    for more in (5, 45):
        for number in range(more):
            sign_in(reason="user_inactive", user=cole)
            sign_in(reason="unknown_user", email=f"p{number}@contoso.example")
        with CaptureQueriesContext(connection) as captured:
            browser.get(LIST)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 12


def test_no_query_of_the_list_counts_or_reads_all_rows(browser: Client) -> None:
    sign_in()
    with CaptureQueriesContext(connection) as captured:
        browser.get(LIST)
    asked = [query["sql"] for query in captured if "accounts_signin" in query["sql"]]
    assert not [sql for sql in asked if "COUNT(*)" in sql and "LIMIT" not in sql]
    assert not [sql for sql in asked if "DISTINCT" in sql]


def test_the_pages_end_at_the_bound_and_say_so(browser: Client) -> None:
    row = {"outcome": "admitted", "reference": "ABCD-2345"}
    SignIn.objects.bulk_create(SignIn(**row) for _ in range(BOUND + 1))
    page = browser.get(LIST)
    assert page.context["cl"].result_count == BOUND
    assert "Use a date, a filter or the search" in page.content.decode()


def test_what_a_refusal_means_and_needs_is_said_in_words(browser: Client) -> None:
    row = sign_in(reason="not_assigned")
    page = browser.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "Nested groups do not count." in page
    assert "Assignment required is on" in page


@pytest.mark.parametrize(("reason", "label", "url"), [
    ("unknown_user", "Add this person", "/admin/accounts/user/add/?email=anna@contoso.example"),
    ("identity_conflict", "Compare", "/admin/accounts/user/{pk}/relink/{row}/"),
    ("user_inactive", "Reactivate", "/admin/accounts/user/{pk}/reactivate/"),
    ("user_not_staff", "Give staff status", "/admin/accounts/user/{pk}/change/"),
    ("ambiguous_email", "Find these people", "/admin/accounts/user/?q=anna@contoso.example"),
    ("client_secret_wrong", "Open the Microsoft app", "/admin/socialaccount/socialapp/"),
])  # fmt: skip
def test_a_refusal_links_to_what_mends_it(
    browser: Client, reason: str, label: str, url: str
) -> None:
    cole = person("cole@contoso.example")
    row = sign_in(reason=reason, user=cole, email="anna@contoso.example", tid=TID, oid=TID)
    link = f'href="{url.format(pk=cole.pk, row=row.pk)}">{label}'
    for page in (LIST, f"{LIST}{row.pk}/change/"):
        assert link in unquote(browser.get(page).content.decode())


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_whoever_may_only_read_is_offered_no_step(db: None, reason: str) -> None:
    reader = browser_of(person("reader@contoso.example", "accounts.view_signin"))
    cole = person("cole@contoso.example")
    row = sign_in(reason=reason, user=cole, email=cole.email)
    page = reader.get(f"{LIST}{row.pk}/change/")
    assert page.context["original"].next_step is None


def test_no_step_is_offered_on_someone_stronger(db: None) -> None:
    rights = ("accounts.view_signin", "accounts.change_user")
    row = sign_in(reason="identity_conflict", user=superuser())
    browser = browser_of(person("helper@contoso.example", *rights))
    assert browser.get(f"{LIST}{row.pk}/change/").context["original"].next_step is None


def test_someone_added_since_is_not_offered_to_be_added(browser: Client) -> None:
    person("anna@contoso.example")
    sign_in(reason="unknown_user", email="Anna@contoso.example")
    assert "Add this person" not in browser.get(LIST).content.decode()


def test_text_of_strangers_is_escaped(browser: Client) -> None:
    row = sign_in(reason="unknown_user", email='"><script>alert(1)</script>@x.example')
    for page in (LIST, f"{LIST}{row.pk}/change/"):
        assert "<script>alert" not in browser.get(page).content.decode()


def test_the_export_has_the_rows_that_the_filters_leave(browser: Client) -> None:
    sign_in(reference="IN-1")
    sign_in(reference="NO-1", reason="unknown_user", email="anna@contoso.example")
    rows = exported(browser, "?outcome__exact=refused&q=anna")
    assert [(row["reference"], row["reason"]) for row in rows] == [("NO-1", "unknown_user")]


def test_the_export_has_every_row_once_and_the_newest_first(db: None) -> None:
    moment = timezone.now()
    for number in range(10):  # five at one time, over the edge of a batch
        sign_in(reference=f"R{number}", at=moment - timedelta(seconds=max(0, number - 4)))
    rows = csv_export.newest_first(SignIn.objects.all(), batch=3)
    found = [row.reference for row in rows]
    assert found == [f"R{number}" for number in (4, 3, 2, 1, 0, 5, 6, 7, 8, 9)]


def test_the_export_streams(browser: Client) -> None:
    response = browser.get(f"{LIST}export/")
    assert response.streaming
    assert "attachment" in response.headers["Content-Disposition"]


def test_no_cell_is_a_formula(browser: Client) -> None:
    sign_in(user_agent="x;=HYPERLINK(1)")
    assert exported(browser)[0]["user_agent"] == "x;'=HYPERLINK(1)"


def test_the_chart_counts_each_day_by_outcome(db: None) -> None:
    now = timezone.now()
    for days, reason in ((0, ""), (0, "unknown_user"), (3, ""), (29, ""), (30, "")):
        sign_in(at=now - timedelta(days=days), reason=reason)
    drawn = chart.last_days()
    assert (drawn.admitted, drawn.refused, len(drawn.bars)) == (3, 1, 30)
    assert (drawn.bars[-1].admitted, drawn.bars[-1].refused) == (1, 1)


def test_days_that_are_over_are_counted_once(db: None) -> None:
    sign_in(at=timezone.now() - timedelta(days=2))
    before = chart.last_days()
    with CaptureQueriesContext(connection) as captured:
        assert chart.last_days() == before
    today = timezone.localdate().isoformat()
    assert len(captured) == 1
    assert today in captured[0]["sql"]


def test_the_chart_needs_no_inline_style_or_script(browser: Client) -> None:
    page = browser.get(LIST).content.decode()
    assert "style=" not in page
    assert "<svg" in page
    assert SignIn.objects.count() == 0
