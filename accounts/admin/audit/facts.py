"""What an audit entry says of before and after, in words: for people, where files have its keys."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import moments
from ...visible import visible
from .. import permissions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d(T|\s|$)")
_NAMES: Final = {
    "at": gettext_lazy("time"),
    "certificate": gettext_lazy("certificate"),
    "client_id": gettext_lazy("client ID"),
    "credential": gettext_lazy("proves itself by"),
    "deleted": gettext_lazy("rows deleted"),
    "domains": gettext_lazy("allowed email domains"),
    "email": gettext_lazy("email address"),
    "groups": gettext_lazy("groups"),
    "hidden": gettext_lazy("hidden"),
    "identity": gettext_lazy("Microsoft identity"),
    "is_active": gettext_lazy("active"),
    "is_staff": gettext_lazy("staff status"),
    "is_superuser": gettext_lazy("superuser status"),
    "kept_days": gettext_lazy("days kept"),
    "key": gettext_lazy("key"),
    "kind": gettext_lazy("kind"),
    "last_tests": gettext_lazy("latest test"),
    "managed_identity": gettext_lazy("managed identity"),
    "name": gettext_lazy("name"),
    "next_certificate": gettext_lazy("next certificate"),
    "next_secret": gettext_lazy("next secret"),
    "next_secret_expires": gettext_lazy("next secret expires on"),
    "of": gettext_lazy("page"),
    "people": gettext_lazy("people"),
    "permissions": gettext_lazy("permissions"),
    "preferred_username": gettext_lazy("sign-in name"),
    "previous_secrets": gettext_lazy("state before the last change"),
    "problems": gettext_lazy("findings"),
    "provider": gettext_lazy("provider"),
    "q": gettext_lazy("search"),
    "reason": gettext_lazy("reason"),
    "secret": gettext_lazy("secret"),
    "secret_expires": gettext_lazy("secret expires on"),
    "sessions": gettext_lazy("sessions"),
    "staff": gettext_lazy("staff status"),
    "superuser": gettext_lazy("superuser status"),
    "tenant": gettext_lazy("tenant"),
}
_VALUES: Final = {
    "none": gettext_lazy("none"),
    "set": gettext_lazy("set"),
    "set anew": gettext_lazy("set anew"),
    "secret": gettext_lazy("secret"),
    "certificate": gettext_lazy("certificate"),
    "managed_identity": gettext_lazy("managed identity"),
    "microsoft": gettext_lazy("Microsoft"),
    "token_file": gettext_lazy("token file"),
    "rehearsal": gettext_lazy("Go-live rehearsal"),
}
_UNSAID: Final[tuple[Any, ...]] = ("", None, [], {})


def in_words(facts: Mapping[str, Any] | None) -> str:
    """ "Superuser status: yes; Name: Ada"; what is empty is left out."""
    told = sorted((_name(name), value) for name, value in (facts or {}).items())
    return "; ".join(f"{name}: {_value(value)}" for name, value in told if value not in _UNSAID)


def _name(name: str) -> str:
    """Ours, or as the user model calls its field; a name of another version stands for itself."""
    short = name.removeprefix("settings.")
    if short in _NAMES:
        return capfirst(str(_NAMES[short]))
    try:
        field: Any = get_user_model()._meta.get_field(short)
    except FieldDoesNotExist:
        return short
    return capfirst(str(field.verbose_name))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        are_permissions = value and all("." in str(one) for one in value)
        names = [str(one) for one in value]
        return ", ".join(map(visible, permissions.named(names) if are_permissions else names))
    if isinstance(value, dict):
        return ", ".join(_parts(value))
    text = str(value)
    if text in _VALUES:
        return str(_VALUES[text])
    return visible(_moment(text) or text)


def _parts(value: Mapping[str, Any]) -> Iterator[str]:
    for name, part in sorted(value.items()):
        if part not in _UNSAID:
            yield f"{_name(name)} ({_value(part)})"


def _moment(text: str) -> str:
    """A date, or a moment, as every other on the page; "" for what is none."""
    if not _ISO.match(text):
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    is_date = len(text) == len("2026-11-26")
    return date_format(found, "SHORT_DATE_FORMAT") if is_date else moments.text_of(found)
