"""The site's people, whatever its user model: their addresses, and finding them by one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import EmailField, QuerySet


def everyone() -> QuerySet[Any]:
    """All users."""
    return get_user_model()._default_manager.all()


def email_field() -> str:
    """What the user model calls the address that Microsoft knows a person by.

    Where it does not say (EMAIL_FIELD), and people sign in by address, that is the one.
    """
    model = get_user_model()
    name, login = model.get_email_field_name(), model.USERNAME_FIELD
    is_address = isinstance(model._meta.get_field(login), EmailField)
    return login if is_address and not has_field(name) else name


def by_email(email: str, lookup: str = "iexact") -> QuerySet[Any]:
    """Those whose address is this one; several, where the model lets it be."""
    return everyone().filter(**{f"{email_field()}__{lookup}": email})


def by_key(text: str) -> Any | None:
    """The user of a primary key as a form has it, whatever its kind; None where there is none."""
    try:
        return everyone().filter(pk=get_user_model()._meta.pk.to_python(text)).first()
    except (ValidationError, ValueError):
        return None


def email_of(user: Any) -> str:
    """The user's address."""
    return str(getattr(user, email_field(), "") or "")


def name_of(user: Any) -> str:
    """What the person is called; "" where nothing says so."""
    full = getattr(user, "get_full_name", None)
    name = str(full() if callable(full) else getattr(user, "name", "") or "")
    return "" if name == email_of(user) else name


def is_staff(user: Any) -> bool:
    """Whether they may use admin; a model without such a field has nobody there."""
    return bool(getattr(user, "is_staff", False))


def is_superuser(user: Any) -> bool:
    """Whether they may do everything."""
    return bool(getattr(user, "is_superuser", False))


def where(people: QuerySet[Any], **flags: bool) -> QuerySet[Any]:
    """Those of whom this is so, as far as columns say: a flag may be a property of the model.

    Without a column for `is_superuser`, nobody is known to be one.
    """
    if "is_superuser" in flags and not has_field("is_superuser"):
        return people.none()
    return people.filter(**{name: value for name, value in flags.items() if has_field(name)})


def superusers(*, lock: bool = False) -> dict[Any, bool]:
    """The active superusers by primary key, and whether each may use admin; `lock` their rows."""
    able = where(everyone(), is_active=True, is_superuser=True).order_by("pk")
    return {one.pk: is_staff(one) for one in (able.select_for_update() if lock else able)}


def is_last_superuser(user: Any, *, lock: bool = False) -> bool:
    """Whether this active superuser is the only one: no other of them may use admin.

    `lock`: in a transaction, so that two of them cannot lose it to each other at once.
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


def new(email: str, name: str, *, staff: bool, superuser: bool) -> Any:
    """A user, not saved, with the address also where the model wants a user name."""
    model = get_user_model()
    told: dict[str, Any] = {email_field(): email, "is_staff": staff, "is_superuser": superuser}
    first, _space, last = name.partition(" ")
    told |= {"name": name} if has_field("name") else {"first_name": first, "last_name": last}
    named = {field: value for field, value in told.items() if has_field(field)}
    return model(**{str(model.USERNAME_FIELD): email, **named})
