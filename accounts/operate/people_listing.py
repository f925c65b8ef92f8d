"""Everyone here with how they stand, a few hundred at a time, for lists of any length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from django.db.models import QuerySet

from .. import users
from ..models import User
from .account_status import State, bound, idle_for, states_of
from .linking import Identity, of_users
from .search import people as find_people

COLUMNS: Final = ("email", "name", "state", "reference", "last_login", "superuser", "identity")
NARROW: Final[Mapping[str, Callable[[QuerySet[Any]], QuerySet[Any]]]] = {
    "bound": lambda people: bound(people, yes=True),
    "not_bound": lambda people: bound(people, yes=False),
    "superuser": lambda people: users.where(people, is_superuser=True),
}
_CHUNK: Final = 500


def listing(*, state: str = "", search: str = "", idle_days: int = 0) -> Iterator[dict[str, Any]]:
    """A row for each person, by email; of one state, or with a text in email or name."""
    found = find_people(users.everyone().order_by(users.email_field()), search)
    found = NARROW[state](found) if state in NARROW else found
    found = idle_for(found, idle_days) if idle_days else found
    people = found.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(people, _CHUNK)):
        states, identities = states_of(chunk), of_users(user.pk for user in chunk)
        for user in chunk:
            if state in ("", *NARROW, states[user.pk].kind):
                yield _row(user, states[user.pk], identities.get(user.pk))


def _row(user: User, state: State, identity: Identity | None) -> dict[str, Any]:
    return {
        "email": users.email_of(user),
        "name": users.name_of(user),
        "state": str(state),
        "reference": state.reference,
        "last_login": user.last_login,
        "superuser": users.is_superuser(user),
        "identity": identity.uid if identity else "",
    }
