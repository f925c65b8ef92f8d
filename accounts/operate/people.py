"""Find, list and add users by email; deactivate (and sign out) and reactivate them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from .. import users
from ..models import User
from ..sessions import service as sessions
from ..signin.policy import same_email
from ..stores import transaction
from ..stores.batches import in_batches
from . import OperatorError, account_status, addresses, linking
from .erasure import LastSuperuser
from .pasted import read_people
from .search import people as search_people

logger = logging.getLogger("django.security.sign_in")

Outcome = Literal["added", "promoted", "exists", "invalid"]
COLUMNS: Final = ("email", "name", "state", "reference", "last_login", "superuser", "identity")
FILTERS: Final[Mapping[str, Callable[[QuerySet[Any]], QuerySet[Any]]]] = {
    "bound": lambda people: people.filter(linking.is_linked()),
    "not_bound": lambda people: people.filter(~linking.is_linked()),
    "superuser": lambda people: users.with_flags(people, is_superuser=True),
}


class NoSuchPerson(OperatorError):
    """No user here has the email."""

    next_step = "See: ./manage.py staff list --search TEXT"

    def __init__(self, email: str) -> None:
        super().__init__(f"No user has the email {email!r}.")


@dataclass(frozen=True, slots=True)
class Added:
    """The result for one email; `user` is None where it is invalid."""

    email: str
    what: Outcome
    user: User | None = None
    note: str = ""
    line: int = 0
    text: str = ""


def find(email: str) -> User:
    """The user of this email, ignoring ASCII case only. Raises NoSuchPerson, OperatorError."""
    found = users.by_email(email) if email.isprintable() else ()
    named = [user for user in found if same_email(users.email_of(user), email)]
    if len(named) > 1:
        text = _("Several users have the email %(email)s: which of them is not clear.")
        raise OperatorError(text % {"email": repr(email)})
    if not named:
        raise NoSuchPerson(email)
    only: User = named[0]
    return only


def listing(*, state: str = "", search: str = "", idle_days: int = 0) -> Iterator[dict[str, Any]]:
    """A row for each person, by email: of one state, with a text in email or name, or idle."""
    found = search_people(users.everyone().order_by(users.email_field()), search)
    found = FILTERS[state](found) if state in FILTERS else found
    found = account_status.idle_for(found, idle_days) if idle_days else found
    for batch in in_batches(found.iterator()):
        statuses = account_status.statuses_of(batch)
        identities = linking.of_users(user.pk for user in batch)
        for user in batch:
            if state in ("", *FILTERS, statuses[user.pk].kind):
                yield _row(user, statuses[user.pk], identities.get(user.pk))


def add(
    email: str,
    *,
    staff: bool = True,
    superuser: bool = False,
    name: str = "",
    promote: bool = True,
    oid: str = "",
    tenant: str = "",
    link_existing: bool = True,
) -> Added:
    """Add a user without a password; an existing one is given the rights with `promote` only.

    An `oid` is bound at once, so that having the address at Entra is not enough; to an existing
    user only with `link_existing`.
    """
    try:
        with transaction.atomic():
            try:
                gains = {"is_staff": staff, "is_superuser": superuser} if promote else {}
                added = _promoted(find(email), gains)
            except NoSuchPerson:
                added = _new(users.build_user(email, name, staff=staff, superuser=superuser))
            if oid and added.user and (added.what == "added" or link_existing):
                added = _bound_ahead(added, added.user, oid, tenant)
            return added
    except linking.WhichTenant:
        note = _("Which tenant is the object ID from? Say it in a column titled tenant.")
        return Added(email, "invalid", note=note)
    except OperatorError as problem:
        return Added(email, "invalid", note=str(problem))


def _bound_ahead(added: Added, user: User, oid: str, tenant: str) -> Added:
    """Raises CannotLink, which undoes the addition."""
    new = linking.bind_ahead(user, linking.tenant_of(tenant), oid)
    note = _("object ID linked") if new else _("object ID was linked already")
    return replace(added, note="; ".join(filter(None, (added.note, note))))


def add_many(
    lines: Iterable[str], *, name: str = "", oid: str = "", tenant: str = "", **options: bool
) -> Iterator[Added]:
    """Add everyone in pasted lines or CSV rows, one by one, with the options of `add`.

    `name`, `oid` and `tenant` are for lines that do not say. An invalid line is reported and does
    not stop the others.
    """
    for entry in read_people(lines):
        added = Added(entry.email, "invalid", note=entry.problem)
        if not entry.problem:
            added = add(
                entry.email,
                name=entry.name or name,
                oid=entry.oid or oid,
                tenant=entry.tenant or tenant,
                **options,
            )
        yield replace(added, line=entry.line, text=entry.text)


def deactivate(user: User, *, leave_a_superuser: bool = False) -> int:
    """Set is_active to False and end their sessions; returns how many.

    Raises sessions.StoreUnavailable when the store did not answer; the sessions have ended even so.
    With `leave_a_superuser`, LastSuperuser: of two who deactivate each other at once, one stays.
    """
    with transaction.atomic():
        if leave_a_superuser and users.is_last_superuser(user, lock=True):
            raise LastSuperuser
        _set_active(user, active=False)
    return sessions.end_all_of(user)


def reactivate(user: User) -> None:
    """Set is_active to True."""
    _set_active(user, active=True)


def _promoted(user: User, gains: Mapping[str, bool]) -> Added:
    gained = [field for field, gain in gains.items() if gain and not getattr(user, field, False)]
    for field in gained:
        setattr(user, field, True)
    if gained:
        user.save(update_fields=gained)
    notes = [] if user.is_active else [_("inactive: reactivate them to let them in")]
    if gained and (identity := linking.of_user(user)):
        who = f"{identity.name} {identity.address}".strip()
        text = _("rights go to %(who)s, %(identity)s: is that them?")
        notes.append(text % {"who": who or _("someone"), "identity": identity.uid})
    note = "; ".join(notes)
    return Added(users.email_of(user), "promoted" if gained else "exists", user, note)


def _new(user: User) -> Added:
    """Raises OperatorError where the address, the user model or the database refuses it."""
    user.set_unusable_password()
    email = users.email_of(user)
    if wrong := addresses.problem_of(email):
        raise OperatorError(wrong)
    try:
        user.full_clean()
        with transaction.atomic():
            user.save(force_insert=True)
    except ValidationError as problem:
        raise OperatorError(_of_fields(problem)) from None
    except IntegrityError as problem:  # added by someone else meanwhile, or another constraint
        if existing := users.by_email(email).first():
            return Added(email, "exists", existing)
        text = _("the database refuses it (%(why)s)")
        raise OperatorError(text % {"why": type(problem.__cause__).__name__}) from None
    return Added(email, "added", user)


def _of_fields(problem: ValidationError) -> str:
    """The messages; of a field that only this user model has, with its name."""
    if not hasattr(problem, "error_dict"):
        return " ".join(problem.messages)
    own_fields = (users.email_field(), "name", NON_FIELD_ERRORS)
    by_field = {name: " ".join(texts) for name, texts in problem.message_dict.items()}
    return " ".join(
        text if name in own_fields else f"{name}: {text}" for name, text in by_field.items()
    )


def _set_active(user: User, *, active: bool) -> None:
    if not users.has_field("is_active"):
        text = "The user model has no is_active: only the site's code turns people off."
        raise OperatorError(text)
    user.is_active = active
    user.save(update_fields=["is_active"])
    logger.warning(
        "person %s", "reactivated" if active else "deactivated", extra={"user_id": user.pk}
    )


def _row(
    user: User, state: account_status.AccountStatus, identity: linking.Identity | None
) -> dict[str, Any]:
    return {
        "email": users.email_of(user),
        "name": users.name_of(user),
        "state": str(state),
        "reference": state.reference,
        "last_login": user.last_login,
        "superuser": users.is_superuser(user),
        "identity": identity.uid if identity else "",
    }
