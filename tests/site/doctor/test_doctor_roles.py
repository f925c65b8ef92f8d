"""What doctor says of app roles: none came, a group is gone, nobody has one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import RoleGrant, RoleMapping, User
from accounts.operate import roles
from accounts.operate.doctor.probes import roles as probe
from accounts.operate.roles import Row
from tests.support.admins import sign_in, superuser
from tests.support.doctoring import by_id

if TYPE_CHECKING:
    from accounts.operate.doctor.finding import Finding

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _root(db: None) -> User:
    return superuser()


def look() -> dict[str, Finding]:
    return by_id(probe.run())


def came(state: str, names: list[str], count: int = 3) -> None:
    for number in range(count):
        one = User.objects.create_user(f"p{number}@contoso.example", last_login=timezone.now())
        RoleGrant.objects.create(user=one, state=state, roles=names)
        sign_in(user=one)


def test_with_nothing_mapped_nothing_is_said() -> None:
    came("known", [])
    assert look() == {}


@pytest.mark.parametrize(
    ("state", "names", "count", "told"),
    [
        ("known", ["Staff"], 3, "ok"),
        ("known", [], 3, "warning"),
        ("unknown", [], 3, "warning"),
        ("unknown", [], 2, ""),  # too few to say
    ],
)
def test_the_last_sign_ins_all_came_without_roles(
    state: str, names: list[str], count: int, told: str
) -> None:
    roles.save(Row("Staff", True, False, ()))
    came(state, names, count)
    found = look().get("roles.none_came")
    assert (found.level if found else "") == told


def test_sign_ins_of_before_the_mapping_say_nothing() -> None:
    came("known", [])
    roles.save(Row("Staff", True, False, ()))
    assert look() == {}


def test_a_mapped_group_that_is_gone_is_named() -> None:
    Group.objects.create(name="Kept"), Group.objects.create(name="Editors")
    roles.save(Row("Staff", True, False, ("Editors", "Kept")))
    assert look() == {}
    Group.objects.get(name="Kept").delete()
    found = look()["roles.group_gone"]
    assert "Staff" in found.title
    assert "Kept" in found.title


@pytest.mark.parametrize(
    ("days", "has", "told"), [(100, False, True), (100, True, False), (10, False, False)]
)
def test_a_role_that_nobody_has_had_for_months_is_named(
    days: int, has: bool, told: bool, monkeypatch: Any
) -> None:
    roles.save(Row("Reader", True, False, ()))
    came("known", ["Reader"] if has else ["Other"], count=1)
    later = timezone.now() + timedelta(days=days)
    User.objects.exclude(last_login=None).update(last_login=later - timedelta(days=1))
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert ("roles.unused" in look()) is told


def test_a_mapping_of_before_the_audit_is_looked_at_as_well() -> None:
    RoleMapping.objects.create(value="Old")
    assert "roles.unused" in look()
