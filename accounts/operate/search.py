"""Search people and sign-ins by parts of names and addresses.

Each word must match; on PostgreSQL, trigram indexes serve this (migration search).
"""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db.models import Q, QuerySet

from ..display.references import parse_reference
from ..ids import is_guid
from ..models import SignIn
from ..users import email_field

_AADSTS: Final = re.compile(r"(?:AADSTS)?([0-9]{4,8})")
_NAMES: Final = ("name", "first_name", "last_name")
_MOST_WORDS: Final = 6
_MOST_PEOPLE: Final = 200  # whose sign-ins a search finds


def people(found: QuerySet[Any], text: str) -> QuerySet[Any]:
    """Those with every word in their address or names."""
    words = _words(text)
    return found.filter(_each(words, _of_people())) if words else found


def sign_ins(found: QuerySet[SignIn], text: str) -> QuerySet[SignIn]:
    """By person, address, claimed name, IP, AADSTS number, reference, or object ID."""
    text = text.strip()
    if is_guid(text):
        return found.filter(oid=text.lower())
    if not (words := _words(text)):
        return found
    condition = _each(words, ("email", "claimed_name"))
    keys = people(get_user_model()._default_manager.all(), text).values_list("pk", flat=True)
    if matched := list(keys[:_MOST_PEOPLE]):
        condition |= Q(user__in=matched)
    return found.filter(Q(condition, *_exact(text), _connector=Q.OR))


def _exact(text: str) -> list[Q]:
    """The other values that the text may be, as a whole."""
    exact = []
    if reference := parse_reference(text):
        exact.append(Q(reference=reference))
    if match := _AADSTS.fullmatch(text.upper()):
        exact.append(Q(detail__icontains=f"AADSTS{match[1]}"))
    with suppress(ValueError):
        exact.append(Q(client_ip=str(ip_address(text))))
    return exact


def _of_people() -> tuple[str, ...]:
    """The fields of the user model with an address or a name."""
    model = get_user_model()
    present = {field.name for field in model._meta.concrete_fields}
    wanted = (email_field(), model.USERNAME_FIELD, *_NAMES)
    return tuple(dict.fromkeys(name for name in wanted if name in present))


def _each(words: list[str], fields: tuple[str, ...]) -> Q:
    """Every word in one of the fields."""
    in_fields = [[(f"{field}__icontains", word) for field in fields] for word in words]
    return Q(*(Q(*conditions, _connector=Q.OR) for conditions in in_fields))


def _words(text: str) -> list[str]:
    """PostgreSQL accepts no NUL: a word with one matches nothing."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").split()[:_MOST_WORDS]
