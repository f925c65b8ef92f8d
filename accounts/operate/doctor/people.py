"""The people: could anybody get in, and who could not although they should?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Upper

from accounts.operate.doctor.finding import Finding, error, ok, warning
from accounts.signin.identities import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAMED: Final = 5  # people named in a finding; the rest are counted


def look() -> Iterator[Finding]:
    """Staff, their emails, their identities."""
    yield from _staff()
    yield from _emails()
    yield from _identities()


def _staff() -> Iterator[Finding]:
    people = _people()
    staff = people.filter(is_active=True, **_staff_only())
    found = staff.count()
    if not found:
        yield _nobody(people)
        return
    yield ok("people.staff", f"{found} active staff may sign in")
    if _has("is_superuser") and not staff.filter(is_superuser=True).exists():
        yield warning(
            "people.superuser",
            "No active superuser is among them",
            "Nobody could give rights to anybody in admin.",
            fix="./manage.py staff add EMAIL --superuser",
        )


def _nobody(people: QuerySet[Any]) -> Finding:
    if not people.exists():
        code, why = "unknown_user", "There are no users at all."
    elif people.filter(is_active=True).exists():
        code, why = "user_not_staff", "Nobody who is active is staff."
    else:
        code, why = "user_inactive", "Nobody is active."
    fix = "./manage.py staff add EMAIL --superuser"
    return error("people.staff", "Nobody could sign in", why, shows_as=(code,), fix=fix)


def _emails() -> Iterator[Finding]:
    email = _email_field()
    people = _people().exclude(**{email: ""})
    doubled = people.values(key=Upper(email)).annotate(n=Count("pk")).filter(n__gt=1)
    if doubled.exists():
        yield error(
            "people.double_email",
            f"{doubled.count()} email addresses belong to more than one user, ignoring case",
            _some(row["key"].lower() for row in doubled[: _NAMED + 1]),
            shows_as=("ambiguous_email",),
            fix="Leave each address on one user: search for it under Users in admin.",
        )
    yield from _unmatchable(email)


def _unmatchable(email: str) -> Iterator[Finding]:
    """No trimming when emails are compared: Microsoft never sends a space."""
    regex = {f"{email}__regex": r"(^\s|\s$)"}
    without = Q(**{email: ""}) | Q(**{f"{email}__isnull": True}) | ~Q(**{f"{email}__contains": "@"})
    active = _people().filter(is_active=True, **_staff_only())
    lost = active.filter(Q(**regex) | without).exclude(pk__in=_bound_users())
    if not lost.exists():
        return
    yield warning(
        "people.unmatchable_email",
        f"{lost.count()} staff have an email that Microsoft can never send",
        _some(repr(name) for name in lost.values_list(email, flat=True)[: _NAMED + 1])
        + ": it is empty, has no @, or begins or ends with a space.",
        shows_as=("unknown_user",),
        fix="Correct the address under Users in admin.",
    )


def _identities() -> Iterator[Finding]:
    bound = SocialAccount.objects.filter(provider=PROVIDER)
    old = bound.exclude(uid__regex=r"^[0-9a-f-]{36}:[0-9a-f-]{36}$")
    if old.exists():
        yield error(
            "people.old_identities",
            f"{old.count()} Microsoft identities are not in the form tid:oid",
            "They come from allauth's stock provider, which keeps no tenant: those people's"
            " sign-ins look like somebody else's.",
            shows_as=("identity_conflict",),
            fix="./manage.py staff unlink EMAIL --reason 'stock allauth', for each; they are"
            " bound anew when they next sign in.",
        )
    yield from _of_other_tenants(bound)


def _of_other_tenants(bound: QuerySet[SocialAccount]) -> Iterator[Finding]:
    allowed = settings.MICROSOFT_ALLOWED_TENANTS
    ours = Q(pk__in=[])
    for tenant in allowed:
        ours |= Q(uid__startswith=f"{tenant}:")
    others = bound.filter(uid__contains=":").exclude(ours)
    if allowed and others.exists():
        yield warning(
            "people.other_tenants",
            f"{others.count()} people are bound to a tenant that is not allowed",
            "They were let in when it was.",
            shows_as=("wrong_tenant", "identity_conflict"),
            fix="Add the tenant to MICROSOFT_ALLOWED_TENANTS, or ./manage.py staff unlink EMAIL.",
        )


def _people() -> QuerySet[Any]:
    return get_user_model()._default_manager.order_by()


def _bound_users() -> QuerySet[Any]:
    return SocialAccount.objects.filter(provider=PROVIDER).values("user")


def _email_field() -> str:
    return str(get_user_model().get_email_field_name())


def _staff_only() -> dict[str, bool]:
    return {"is_staff": True} if _has("is_staff") else {}


def _has(field: str) -> bool:
    try:
        get_user_model()._meta.get_field(field)
    except FieldDoesNotExist:
        return False
    return True


def _some(names: Any) -> str:
    listed = list(names)
    return ", ".join(listed[:_NAMED]) + (", ..." if len(listed) > _NAMED else "")
