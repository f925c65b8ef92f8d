"""For a refused sign-in: a link to the page where this editor can let the person in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import users
from ...app import user_permission, user_url
from ...models import SignIn, User
from ...operate import linking
from ...reasons import REASONS
from .. import rights
from ..people.people_list import may_add_people, may_see_people

Touchable = Callable[[Any, User], bool]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link and its text."""

    label: str
    url: str


def attach(rows: Iterable[Any], editor: Any, touchable: Touchable = rights.may_touch) -> None:
    """Set each row's `next_step`, with two queries at most."""
    listed = list(rows)
    known = _known_emails(row.email for row in listed if row.reason == "unknown_user")
    for row in listed:
        added_since = row.reason == "unknown_user" and row.email.upper() in known
        row.next_step = None if added_since else next_step(row, editor, touchable)


def maybe_touchable(editor: Any, person: User) -> bool:
    """Whether it is possible, for lists: no query a person, since the linked page decides."""
    return users.is_superuser(editor) or not users.is_superuser(person)


def next_step(row: SignIn, editor: Any, touchable: Touchable = rights.may_touch) -> NextStep | None:
    """The link for this refusal and editor, or None."""
    if row.reason in REASONS and REASONS[row.reason].group == "configuration":
        return _open_app(editor)
    if row.reason == "identity_conflict":
        return _relink(row, editor)
    if row.reason in _ON_PERSON:
        return _on_person(row, editor, touchable)
    step = _BY_REASON.get(row.reason)
    return step(row, editor) if step else None


def _known_emails(emails: Iterable[str]) -> set[str]:
    wanted = {email.upper() for email in emails}
    if not wanted:
        return set()
    model = get_user_model()
    found = model._default_manager.annotate(upper_email=Upper(users.email_field()))
    found = found.filter(upper_email__in=wanted)
    return set(found.values_list("upper_email", flat=True))


def _step(label: str, url: str, query: str = "") -> NextStep | None:
    """None without a URL: the user admin, which may be the site's own, has no such page."""
    return NextStep(label, f"{url}?{query}" if query else url) if url else None


def _add(row: SignIn, editor: Any) -> NextStep | None:
    if not row.email or not may_add_people(editor):
        return None
    query = urlencode({users.email_field(): row.email})
    return _step(_("Add this person"), user_url("add"), query)


def _on_person(row: SignIn, editor: Any, touchable: Touchable) -> NextStep | None:
    if row.user is None or not editor.has_perm(user_permission("change")):
        return None
    if not touchable(editor, row.user):
        return None
    label, page = _ON_PERSON[row.reason]
    return _step(str(label), user_url(page, row.user.pk) or user_url("change", row.user.pk))


def _relink(row: SignIn, editor: Any) -> NextStep | None:
    """Superusers compare both identities; the text says if they look different."""
    if row.user is None or not users.is_superuser(editor) or not linking.can_relink(row):
        return None
    unlike = set(linking.differences(row.user, None, linking.of_sign_in(row))) - {"no_name"}
    label = _("Compare: looks like someone else") if unlike else _("Compare and link this identity")
    return _step(label, user_url("relink", row.user.pk, row.pk))


def _find_namesakes(row: SignIn, editor: Any) -> NextStep | None:
    if not may_see_people(editor):
        return None
    return _step(_("Find these people"), user_url("changelist"), urlencode({"q": row.email}))


def _open_app(editor: Any) -> NextStep | None:
    if not users.is_superuser(editor):
        return None
    return NextStep(
        _("Open the Microsoft app"), reverse("admin:socialaccount_socialapp_changelist")
    )


_ON_PERSON = {
    "user_inactive": (gettext_lazy("Reactivate"), "reactivate"),
    "user_not_staff": (gettext_lazy("Give staff status"), "change"),
}
_BY_REASON: dict[str, Callable[[SignIn, Any], NextStep | None]] = {
    "unknown_user": _add,
    "ambiguous_email": _find_namesakes,
}
