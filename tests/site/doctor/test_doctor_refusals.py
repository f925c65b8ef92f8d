"""Evidence before guesses: what the record says of the last hour."""

import pytest

from accounts.models import SignIn
from accounts.operate.doctor.probes import refusals
from accounts.operate.doctor.visit.browser import AGENT
from tests.support.doctoring import by_id

pytestmark = pytest.mark.django_db
HERE, MICROSOFT, BROWSER = SignIn.Source.HERE, SignIn.Source.MICROSOFT, SignIn.Source.BROWSER


def record(times: int, reason: str = "", source: str = HERE, detail: str = "") -> None:
    outcome = SignIn.Outcome.REFUSED if reason else SignIn.Outcome.ADMITTED
    SignIn.objects.bulk_create(
        SignIn(outcome=outcome, reason=reason, source=source, detail=detail, reference="X")
        for _ in range(times)
    )


def test_nobody_admitted_is_an_error_whatever_else_is_well() -> None:
    record(14, "client_secret_expired", MICROSOFT, "AADSTS7000222")
    finding = by_id(refusals.run())["refusals.nobody_admitted"]
    assert finding.level == "error"
    assert finding.title == "0 of 14 sign-ins were admitted in the last hour"
    assert "14 times client_secret_expired (AADSTS7000222)" in finding.detail
    assert "New client secret" in finding.fix
    assert finding.shows_as == ("client_secret_expired",)


def test_one_who_was_admitted_is_evidence_too() -> None:
    record(14, "client_secret_expired", MICROSOFT)
    record(1, source=MICROSOFT)
    found = by_id(refusals.run())
    assert found["refusals.nobody_admitted"].level == "ok"
    assert found["refusals.client_secret_expired"].level == "warning"


@pytest.mark.parametrize("reason", ["token_invalid", "misconfigured"])
def test_what_a_browser_claims_raises_no_alarm(reason: str) -> None:
    record(50, reason, BROWSER)
    found = by_id(refusals.run())
    assert {id_: finding.level for id_, finding in found.items()} == {"refusals.claimed": "note"}


@pytest.mark.parametrize("reason", ["unknown_user", "cookie_not_sent", "not_assigned"])
def test_people_who_may_not_come_in_are_no_fault_of_the_site(reason: str) -> None:
    record(50, reason, MICROSOFT)
    found = by_id(refusals.run())
    assert {id_: finding.level for id_, finding in found.items()} == {f"refusals.{reason}": "note"}


def test_doctors_own_visits_are_not_counted() -> None:
    SignIn.objects.create(outcome="refused", reason="unexpected", user_agent=AGENT)
    assert set(by_id(refusals.run())) == {"refusals.none"}
