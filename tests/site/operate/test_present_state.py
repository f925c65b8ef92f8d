"""The state tells the present: refusals whose cause is gone are forgotten; and filters by it."""

from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.operate.account_status import status_of
from tests.support.admins import TID, browser_of, person, sign_in, superuser
from tests.support.operators import fail, run, run_json

pytestmark = pytest.mark.django_db

ADA = "ada@contoso.example"
NOW = timezone.now


def refused(reason: str, **fields: Any) -> None:
    sign_in(reason=reason, **{"email": ADA, "at": NOW() - timedelta(hours=1), **fields})


def ada(**fields: Any) -> User:
    return person(ADA, **{"date_joined": NOW() - timedelta(days=300), **fields})


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("unknown_user", "never"),
        ("user_inactive", "never"),
        ("user_not_staff", "never"),
        ("cancelled", "never"),
        ("guest_not_allowed", "refused"),
        ("identity_conflict", "refused"),
        ("role_missing", "refused"),
        ("no_email", "refused"),
    ],
)
def test_a_refusal_counts_while_its_cause_is_there(reason: str, kind: str) -> None:
    user = ada()
    refused(reason, user=user)
    assert status_of(user).kind == kind


def test_someone_added_after_a_refusal_has_not_signed_in_yet() -> None:
    refused("wrong_tenant")
    assert status_of(person(ADA)).kind == "never"


def test_someone_linked_after_a_conflict_is_not_refused() -> None:
    user = ada()
    refused("identity_conflict", user=user)
    SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{TID}:new")
    assert status_of(user).kind == "never"


def test_someone_linked_before_a_conflict_is_refused() -> None:
    user = ada()
    account = SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{TID}:old")
    SocialAccount.objects.filter(pk=account.pk).update(date_joined=NOW() - timedelta(days=9))
    refused("identity_conflict", user=user)
    assert status_of(user).kind == "refused"


@pytest.fixture
def staff() -> None:
    """One of each kind."""
    old = NOW() - timedelta(days=300)
    person("never@contoso.example", date_joined=NOW())
    person("idle@contoso.example", last_login=NOW() - timedelta(days=100), date_joined=old)
    bound = person("lately@contoso.example", last_login=NOW(), date_joined=old)
    SocialAccount.objects.create(user=bound, provider="microsoft", uid=f"{TID}:lately")
    out = person("refused@contoso.example", date_joined=old)
    sign_in(reason="guest_not_allowed", user=out, email=out.email)
    person("Mail@contoso.example", date_joined=old, last_login=NOW() - timedelta(days=2))
    sign_in(reason="guest_not_allowed", email="mail@contoso.example")
    person("off@contoso.example", is_active=False, date_joined=old)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("state=never", {"never"}),
        ("state=refused", {"refused", "Mail"}),
        ("idle=90", {"idle", "refused"}),
        ("idle=180", {"refused"}),
        ("linked=yes", {"lately"}),
        ("linked=no", {"never", "idle", "refused", "Mail", "off", "root"}),
        ("is_superuser__exact=1", {"root"}),
        ("idle=nonsense", {"never", "idle", "lately", "refused", "Mail", "off", "root"}),
        ("state=refused&idle=90", {"refused"}),
    ],
)
@pytest.mark.usefixtures("staff")
def test_the_list_of_people_is_narrowed_by_how_they_stand(query: str, found: set[str]) -> None:
    browser = browser_of(superuser(date_joined=NOW()))
    answer = browser.get(f"/admin/accounts/user/?{query}")
    listed = {user.email.partition("@")[0] for user in answer.context["cl"].result_list}
    assert listed == found


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--state", "never"), {"never"}),
        (("--state", "refused"), {"refused", "Mail"}),
        (("--state", "not_bound", "--search", "off"), {"off"}),
        (("--state", "bound"), {"lately"}),
        (("--idle", "90"), {"idle", "refused"}),
        (("--idle", "90", "--state", "refused"), {"refused"}),
    ],
)
@pytest.mark.usefixtures("staff")
def test_the_command_narrows_likewise(words: tuple[str, ...], found: set[str]) -> None:
    assert {row["email"].partition("@")[0] for row in run_json("staff", "list", *words)} == found


@pytest.mark.parametrize("days", ["0", "-1", "x", "99999999999", "\u0661"])
def test_days_are_days(days: str) -> None:
    assert "number of days" in fail("staff", "list", f"--idle={days}").error


def test_a_list_that_is_taken_away_leaves_an_entry() -> None:
    run("staff", "list", "--csv")
    run("staff", "list", "--json")
    assert AuditEntry.objects.filter(action="export.people").count() == 2
