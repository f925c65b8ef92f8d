"""Doctor's look at the database: what it must keep apart, and whether it is there at all."""

from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.db import connection
from django.test import override_settings

from accounts.models import SignIn, User
from accounts.operate.doctor.finding import Finding, finding_of
from accounts.operate.doctor.probes import clock, database, people
from tests.support.doctoring import bad, by_id

pytestmark = pytest.mark.django_db

TENANT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def schema() -> dict[str, Finding]:
    return by_id(database.schema())


def add(email: str, **fields: Any) -> User:
    return User.objects.create_user(email, **fields)


def test_a_migrated_database_has_no_findings() -> None:
    found = [*database.reachable(), *database.schema(), *database.condition()]
    assert bad(found) == set()


@pytest.mark.parametrize("index", ["accounts_one_identity_a_user", "accounts_user_email_unique"])
def test_a_missing_unique_index_is_an_error(index: str) -> None:
    execute(f"DROP INDEX {index}")
    assert schema()[f"database.{index}"].level == "error"


def test_an_index_of_that_name_that_keeps_nothing_apart_is_an_error() -> None:
    execute("DROP INDEX accounts_user_email_unique")
    execute("CREATE INDEX accounts_user_email_unique ON accounts_user (lower(email))")
    assert schema()["database.accounts_user_email_unique"].level == "error"


def test_a_migration_that_is_not_applied_is_an_error() -> None:
    execute("DELETE FROM django_migrations WHERE app = 'accounts' AND name > '0001_z'")
    found = schema()
    assert found["database.migrations"].level == "error"
    assert "accounts.0002_one_identity_a_user" in found["database.migrations"].detail


def test_a_missing_cache_table_is_an_error() -> None:
    entry = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}
    with override_settings(CACHES={"default": entry}):
        assert "createcachetable" in schema()["database.cache_table"].fix


def test_a_read_only_database_is_an_error() -> None:
    execute("SET TRANSACTION READ ONLY")
    found = by_id(database.condition())
    assert found["database.writable"].level == "error"


def test_a_role_that_may_not_write_is_an_error() -> None:
    execute("CREATE ROLE reader")
    execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")
    execute("SET LOCAL ROLE reader")
    found = [finding_of(seen) for seen in database.uses()]
    execute("RESET ROLE")
    assert {finding.id for finding in found} == {"database.privileges"}
    assert found[0].detail.startswith("accounts_signin: ")
    assert "insert into" in found[0].title


@pytest.mark.parametrize(("statement", "code"), [
    ("ALTER TABLE accounts_user RENAME COLUMN name TO called", "42703"),
    ("DROP TABLE accounts_breakglasslink", "42P01"),
    ("SELECT setval(pg_get_serial_sequence('accounts_signin', 'id'), 1, false)", "23505"),
])  # fmt: skip
def test_what_a_sign_in_would_meet_is_an_error(statement: str, code: str) -> None:
    SignIn.objects.create(pk=1, outcome="refused", reference="X")
    execute(statement)
    finding = by_id(database.uses())["database.use"]
    assert code in finding.detail
    assert "./manage.py" in finding.fix


@pytest.mark.parametrize(("last", "found"), [(6, {"database.sequence"}), (7, set())])
def test_a_sequence_whose_next_value_is_taken_is_an_error(last: int, found: set[str]) -> None:
    SocialAccount.objects.create(pk=7, user=add("a@contoso.example"), provider="x", uid="y")
    execute(f"SELECT setval(pg_get_serial_sequence('socialaccount_socialaccount', 'id'), {last})")
    assert bad(database.uses()) == found


def test_what_doctor_writes_is_undone() -> None:
    user = add("a@contoso.example")
    assert bad(database.uses()) == set()
    user.refresh_from_db()
    assert (SignIn.objects.count(), SocialAccount.objects.count(), user.last_login) == (0, 0, None)


def test_its_clock_is_compared() -> None:
    assert bad(clock.of_database()) == set()


@pytest.mark.parametrize(("apart", "level"), [
    (0.5, "ok"), (-9, "ok"), (30, "warning"), (-600, "error"), (600, "error"),
])  # fmt: skip
def test_a_clock_may_be_a_little_off(apart: float, level: str) -> None:
    seen = clock.compare("microsoft", "Microsoft's", 1000 + apart, 1000)
    assert finding_of(seen).level == level
    of_another = finding_of(clock.compare("redis", "Redis's", 1000 + apart, 1000))
    assert of_another.level == ("ok" if level == "ok" else "warning")  # no sign-in needs it


def test_nobody_at_all_is_an_error() -> None:
    assert by_id(people.run())["people.staff"].shows_as == ("unknown_user",)


def test_nobody_who_is_staff_is_an_error() -> None:
    add("a@contoso.example", is_staff=False)
    assert by_id(people.run())["people.staff"].shows_as == ("user_not_staff",)


def test_nobody_who_is_active_is_an_error() -> None:
    add("a@contoso.example", is_active=False)
    assert by_id(people.run())["people.staff"].shows_as == ("user_inactive",)


def test_a_superuser_among_the_staff_is_enough() -> None:
    add("a@contoso.example", is_superuser=True)
    assert bad(people.run()) == set()


def test_no_superuser_is_a_warning() -> None:
    add("a@contoso.example")
    assert bad(people.run()) == {"people.superuser"}


def test_two_users_with_one_email_are_an_error() -> None:
    execute("DROP INDEX accounts_user_email_unique")
    add("a@contoso.example", is_superuser=True)
    add("A@Contoso.Example")
    finding = by_id(people.run())["people.double_email"]
    assert finding.level == "error"
    assert "a@contoso.example" in finding.detail


@pytest.mark.parametrize("email", [" a@contoso.example", "a@contoso.example ", "a"])
def test_an_email_that_microsoft_never_sends_is_a_warning(email: str) -> None:
    add("b@contoso.example", is_superuser=True)
    add(email)
    assert bad(people.run()) == {"people.unmatchable_email"}


def test_identities_of_personal_accounts_are_an_error() -> None:
    user = add("a@contoso.example", is_superuser=True)
    SocialAccount.objects.create(user=user, provider="microsoft", uid="48d31887fad3f5a5")
    finding = by_id(people.run())["people.old_identities"]
    assert finding.shows_as == ("identity_conflict",)


def test_identities_of_a_tenant_that_is_not_allowed_are_a_warning() -> None:
    user = add("a@contoso.example", is_superuser=True)
    SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{OTHER}:{OTHER}")
    assert bad(people.run()) == {"people.other_tenants"}


def test_identities_of_our_tenant_are_well() -> None:
    user = add("a@contoso.example", is_superuser=True)
    SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{TENANT}:{OTHER}")
    assert bad(people.run()) == set()
