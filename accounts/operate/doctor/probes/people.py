"""The people: could anybody sign in, and which staff could not?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Upper

from ....conf import conf
from ....ids import GUID_PATTERN
from ....signin.identities import PROVIDER
from ....users import email_field, has_field, with_flags
from ... import adoption, moved_tenant
from ..finding import Observation, fault, ok

_NAMED: Final = 5  # people named in a finding; the rest are counted


def run() -> Iterator[Observation]:
    """Staff, their emails and their identities."""
    yield from _staff()
    yield from _emails()
    yield from _identities()
    for package, count in adoption.left_behind():
        yield fault("people.not_adopted", package=package, count=count)


def _staff() -> Iterator[Observation]:
    staff = _active_staff()
    count = staff.count()
    if not count:
        code, why = _why_nobody(_people())
        yield fault("people.staff", code=code, why=why)
        return
    yield ok("people.staff", count=count)
    if has_field("is_superuser") and not staff.filter(is_superuser=True).exists():
        yield fault("people.superuser")


def _why_nobody(people: QuerySet[Any]) -> tuple[str, str]:
    """The reason code that they would meet, and what is wrong."""
    if not people.exists():
        return "unknown_user", "There are no users at all."
    if with_flags(people, is_active=True).exists():
        return "user_not_staff", "No active user is staff."
    return "user_inactive", "No user is active."


def _emails() -> Iterator[Observation]:
    email = email_field()
    is_empty = Q(**{email: ""}) | Q(**{f"{email}__isnull": True})
    by_email = _people().exclude(is_empty).values(upper_email=Upper(email))
    doubled = by_email.annotate(times=Count("pk")).filter(times__gt=1)
    if count := doubled.count():
        some = _first_few(row["upper_email"].lower() for row in doubled[: _NAMED + 1])
        yield fault("people.double_email", count=count, some=some)
    if not has_field("is_staff"):
        return  # who of them is staff is unknown
    # Emails are compared untrimmed, and Microsoft never sends a space.
    has_space, has_at = {f"{email}__regex": r"(^\s|\s$)"}, {f"{email}__contains": "@"}
    unmatchable = _active_staff().filter(Q(**has_space) | is_empty | ~Q(**has_at))
    unmatchable = unmatchable.exclude(pk__in=_identities_here().values("user"))
    if count := unmatchable.count():
        emails = unmatchable.values_list(email, flat=True)[: _NAMED + 1]
        yield fault("people.unmatchable_email", count=count, some=_first_few(map(repr, emails)))


def _identities() -> Iterator[Observation]:
    bound = _identities_here()
    allowed = conf.MICROSOFT_ALLOWED_TENANTS
    yield from _without_tenant(bound, several=len(allowed) > 1)
    others = bound.filter(uid__contains=":")
    for tenant in allowed:
        others = others.exclude(uid__startswith=f"{tenant}:")
    if refused := moved_tenant.refused():
        yield fault("people.moved", count=len(refused), tenants=moved_tenant.tenants(refused))
    if allowed and others.exists():
        yield fault("people.other_tenants", count=others.count(), tenants=_tenants(others))


def _tenants(bound: QuerySet[SocialAccount]) -> str:
    """Which tenants, and how many people of each, most first."""
    counted = Counter(uid.partition(":")[0] for uid in bound.values_list("uid", flat=True))
    return _first_few(f"{tid} ({n})" for tid, n in counted.most_common(_NAMED + 1))


def _without_tenant(bound: QuerySet[SocialAccount], *, several: bool) -> Iterator[Observation]:
    """Identities that another package left, of staff who have none with a tenant."""
    with_tenant = bound.filter(uid__contains=":").values("user")
    left = bound.filter(user__in=_active_staff()).exclude(uid__contains=":")
    left = left.exclude(user__in=with_tenant)
    is_object_id = Q(uid__regex=f"^{GUID_PATTERN}$")
    if several and (count := left.filter(is_object_id).count()):
        yield fault("people.without_tenant", count=count)
    if count := left.exclude(is_object_id).count():
        yield fault("people.old_identities", count=count)


def _people() -> QuerySet[Any]:
    return get_user_model()._default_manager.order_by()


def _active_staff() -> QuerySet[Any]:
    return with_flags(_people(), is_active=True, is_staff=True)


def _identities_here() -> QuerySet[SocialAccount]:
    return SocialAccount.objects.filter(provider=PROVIDER)


def _first_few(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:_NAMED]) + (", ..." if len(listed) > _NAMED else "")
