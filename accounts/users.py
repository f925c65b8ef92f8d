"""The site's users, whatever their model: addresses, names, flags, look-ups."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import EmailField, QuerySet


def everyone() -> QuerySet[Any]:
    """All users."""
    return get_user_model()._default_manager.all()


def email_field() -> str:
    """The user model's field with the address by which Microsoft knows a person.

    That is EMAIL_FIELD; if the model lacks it, USERNAME_FIELD if that holds addresses.
    """
    model = get_user_model()
    name, login = model.get_email_field_name(), model.USERNAME_FIELD
    is_address = isinstance(model._meta.get_field(login), EmailField)
    return login if is_address and not has_field(name) else name


def by_email(email: str, lookup: str = "iexact") -> QuerySet[Any]:
    """The users with this address; several where the model allows it."""
    return everyone().filter(**{f"{email_field()}__{lookup}": email})


def by_key(text: str) -> Any | None:
    """The user with the primary key that a form sent as text, if any."""
    try:
        return everyone().filter(pk=get_user_model()._meta.pk.to_python(text)).first()
    except (ValidationError, ValueError):
        return None


def email_of(user: Any) -> str:
    """The user's address."""
    return str(getattr(user, email_field(), "") or "")


def name_of(user: Any) -> str:
    """The user's name; "" if there is none besides the address."""
    full = getattr(user, "get_full_name", None)
    name = str(full() if callable(full) else getattr(user, "name", "") or "")
    return "" if name == email_of(user) else name


def is_staff(user: Any) -> bool:
    """Whether they may use admin; with a model that lacks the field, nobody may."""
    return bool(getattr(user, "is_staff", False))


def is_superuser(user: Any) -> bool:
    """Whether they have all rights; with a model that lacks the field, nobody has."""
    return bool(getattr(user, "is_superuser", False))


def with_flags(people: QuerySet[Any], **flags: bool) -> QuerySet[Any]:
    """The people with these flags. A flag that is no column of the model is ignored.

    Except `is_superuser`: without that column nobody is known to be one.
    """
    if "is_superuser" in flags and not has_field("is_superuser"):
        return people.none()
    return people.filter(**{name: value for name, value in flags.items() if has_field(name)})


def superusers(*, lock: bool = False) -> dict[Any, bool]:
    """The active superusers by primary key, and whether each may use admin; `lock` locks rows."""
    found = with_flags(everyone(), is_active=True, is_superuser=True).order_by("pk")
    return {user.pk: is_staff(user) for user in (found.select_for_update() if lock else found)}


def is_last_superuser(user: Any, *, lock: bool = False) -> bool:
    """Whether this is an active superuser, and no other one may use admin.

    `lock`: in a transaction, so that two superusers cannot remove each other at once.
    """
    others = superusers(lock=lock)
    return others.pop(user.pk, None) is not None and not any(others.values())


def has_field(name: str) -> bool:
    """Whether the user model has this field."""
    try:
        get_user_model()._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True


def build_user(email: str, name: str, *, staff: bool, superuser: bool) -> Any:
    """An unsaved user, whose user name is the address too."""
    model = get_user_model()
    values: dict[str, Any] = {email_field(): email, "is_staff": staff, "is_superuser": superuser}
    first, _space, last = name.partition(" ")
    values |= {"name": name} if has_field("name") else {"first_name": first, "last_name": last}
    existing = {field: value for field, value in values.items() if has_field(field)}
    return model(**{str(model.USERNAME_FIELD): email, **existing})
