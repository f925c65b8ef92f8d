"""Any part of a name or an address finds people, their sign-ins and their sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from accounts.models import AuditEntry, SignIn, User
from accounts.operate import audit_log, search
from tests.support.admins import browser_of, person, sign_in, superuser

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.django_db

OID = "00000000-0000-4000-8000-00000000000a"


@pytest.fixture
def ada() -> User:
    return person("ada.lovelace@contoso.example", name="Augusta Ada King")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lovelace", True),
        ("LOVE", True),
        ("contoso", True),
        ("king", True),
        ("ada king", True),
        ("king lovelace", True),
        ("ada byron", False),
        ("a%a", False),
        ("_da", False),
        ("\x00", False),
    ],
)
def test_people(ada: User, text: str, found: bool) -> None:
    assert (ada in search.people(User.objects.all(), text)) == found


@pytest.mark.parametrize(
    "text",
    [
        "lovelace", "augusta", "king ada", "someone", "Mallory", "192.0.2.77", "2001:db8::1",
        "50105", "AADSTS50105", "aadsts50105", "WXYZ-2345", "wxyz2345", OID, OID.upper(),
    ],
)  # fmt: skip
def test_sign_ins(ada: User, text: str) -> None:
    rows = [
        sign_in(user=ada),
        sign_in(email="someone.else@fabrikam.example", reason="unknown_user"),
        sign_in(claimed_name="Mallory Malone", reason="unknown_user"),
        sign_in(client_ip="192.0.2.77", reason="unknown_user"),
        sign_in(client_ip="2001:db8::1", reason="unknown_user"),
        sign_in(detail="AADSTS50105 not assigned", reason="not_assigned"),
        sign_in(reference="WXYZ-2345", reason="unknown_user"),
        sign_in(oid=OID, reason="unknown_user"),
    ]
    sign_in(reason="unknown_user", email="bystander@contoso.example", client_ip="192.0.2.1")
    [found] = search.sign_ins(SignIn.objects.all(), text)
    assert found in rows


def test_an_empty_search_is_everything(ada: User) -> None:
    assert list(search.people(User.objects.all(), "  ")) == [ada]


@pytest.mark.parametrize(
    ("page", "there"),
    [
        ("/admin/accounts/user/?q=lace", "ada.lovelace"),
        ("/admin/accounts/signin/?q=augusta", "ada.lovelace"),
    ],
)
def test_admin_searches_so(ada: User, page: str, there: str) -> None:
    sign_in(user=ada)
    assert there in browser_of(superuser()).get(page).content.decode()


@pytest.fixture
def no_whole_tables() -> Iterator[None]:
    """As a long record's planner would: a whole table is the last thing to read."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = on")
        yield


@pytest.mark.parametrize("text", ["lovelace", "192.0.2.77", "50105", "WXYZ-2345", OID])
def test_an_index_serves_each(ada: User, no_whole_tables: None, text: str) -> None:
    plan = search.sign_ins(SignIn.objects.order_by(), text).explain()
    assert "Seq Scan" not in plan, plan
    plan = search.people(User.objects.order_by(), "lovelace").explain()
    assert "Seq Scan" not in plan, plan
    plan = audit_log.naming(AuditEntry.objects.order_by(), "lovelace").explain()
    assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize(
    ("text", "found"),
    [("LACE@", 1), ("byron", 0), ("{reference}", 1), ("{plain}", 1), ("{pk}", 1), ("ZZZZ-2222", 0)],
)
def test_the_audit(text: str, found: int) -> None:
    ada = person("ada.lovelace@contoso.example", name="Augusta Ada King")
    entry = AuditEntry.objects.get(action="person.added", subject_key=str(ada.pk))
    words = {"reference": entry.reference, "plain": entry.reference.replace("-", "").lower()}
    asked = text.format(pk=ada.pk, **words)
    assert audit_log.naming(AuditEntry.objects.filter(pk=entry.pk), asked).count() == found
