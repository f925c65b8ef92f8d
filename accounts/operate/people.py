"""People: listed, found and added by email, switched off (which signs them out) and on again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
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
from . import OperatorError, account_status, addresses, linking
from .erasure import LastSuperuser
from .pasted import read_people
from .search import people as search_people

logger = logging.getLogger("django.security.sign_in")

What = Literal["added", "promoted", "exists", "invalid"]
COLUMNS: Final = ("email", "name", "state", "reference", "last_login", "superuser", "identity")
NARROW: Final[Mapping[str, Callable[[QuerySet[Any]], QuerySet[Any]]]] = {
    "bound": lambda people: account_status.bound(people, yes=True),
    "not_bound": lambda people: account_status.bound(people, yes=False),
    "superuser": lambda people: users.with_flags(people, is_superuser=True),
}
_CHUNK: Final = 500


class NoSuchPerson(OperatorError):
    """No user here has the email."""

    next_step = "See: ./manage.py staff list --search TEXT"

    def __init__(self, email: str) -> None:
        super().__init__(f"No user has the email {email!r}.")


class SeveralPeople(OperatorError):
    """The user model lets several people have one email, and they do."""

    def __init__(self, email: str) -> None:
        text = _("Several users have the email %(email)s: which of them is not clear.")
        super().__init__(text % {"email": repr(email)})


@dataclass(frozen=True, slots=True)
class Added:
    """What became of one email: `what`, the user (unless invalid), and a note on it."""

    email: str
    what: What
    user: User | None = None
    note: str = ""
    line: int = 0
    text: str = ""


def find(email: str) -> User:
    """The user of this email, ignoring ASCII case only. Raises NoSuchPerson, SeveralPeople."""
    found = users.by_email(email) if email.isprintable() else ()
    named = [user for user in found if same_email(users.email_of(user), email)]
    if len(named) > 1:
        raise SeveralPeople(email)
    if not named:
        raise NoSuchPerson(email)
    only: User = named[0]
    return only


def listing(*, state: str = "", search: str = "", idle_days: int = 0) -> Iterator[dict[str, Any]]:
    """A row for each person, by email; of one state, or with a text in email or name."""
    found = search_people(users.everyone().order_by(users.email_field()), search)
    found = NARROW[state](found) if state in NARROW else found
    found = account_status.idle_for(found, idle_days) if idle_days else found
    people = found.iterator(chunk_size=_CHUNK)
    while chunk := list(islice(people, _CHUNK)):
        states, identities = (
            account_status.statuses_of(chunk),
            linking.of_users(user.pk for user in chunk),
        )
        for user in chunk:
            if state in ("", *NARROW, states[user.pk].kind):
                yield _row(user, states[user.pk], identities.get(user.pk))


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
    """Add a person without a password; one who is here gains the rights asked for.

    With `promote` off, one who is here is left as they are. An `oid` is bound at once, so that
    whoever has the address at Entra is not enough; to one who is here only with `link_existing`.
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
    """Raises CannotLink: then nobody is added either."""
    new = linking.bind_ahead(user, linking.tenant_of(tenant), oid)
    note = _("object ID linked") if new else _("object ID was linked already")
    return replace(added, note="; ".join(filter(None, (added.note, note))))


def add_many(
    lines: Iterable[str],
    *,
    staff: bool = True,
    superuser: bool = False,
    promote: bool = True,
    oid: str = "",
    tenant: str = "",
    link_existing: bool = True,
) -> list[Added]:
    """Add everyone in pasted lines or CSV rows; a bad line is reported and stops no other."""
    results = []
    for entry in read_people(lines):
        rights = {"staff": staff, "superuser": superuser, "promote": promote}
        if entry.problem:
            results.append(
                Added(entry.email, "invalid", note=entry.problem, line=entry.line, text=entry.text)
            )
            continue
        added = add(
            entry.email,
            name=entry.name,
            oid=entry.oid or oid,
            tenant=entry.tenant or tenant,
            link_existing=link_existing,
            **rights,
        )
        results.append(replace(added, line=entry.line, text=entry.text))
    return results


def deactivate(user: User, *, leave_a_superuser: bool = False) -> int:
    """Switch a person off and end their sessions; returns how many. They can be switched on again.

    Raises sessions.StoreUnavailable when the store did not answer; the sessions have ended even so.
    With `leave_a_superuser`, LastSuperuser: of two who switch each other off at once, one stays.
    """
    with transaction.atomic():
        if leave_a_superuser and users.is_last_superuser(user, lock=True):
            raise LastSuperuser
        _set_active(user, active=False)
    return sessions.end_all_of(user)


def reactivate(user: User) -> None:
    """Let a person in again."""
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
    """Raises OperatorError where the address or the user model refuses it."""
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
    except IntegrityError as problem:  # someone else added them meanwhile, or more is demanded
        if existing := users.by_email(email).first():
            return Added(email, "exists", existing)
        text = _("the database refuses it (%(why)s)")
        raise OperatorError(text % {"why": type(problem.__cause__).__name__}) from None
    return Added(email, "added", user)


def _of_fields(problem: ValidationError) -> str:
    """What is wrong, and with which field, where it is none of ours: a user model may want more."""
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
