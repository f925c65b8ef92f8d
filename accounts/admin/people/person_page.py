"""What a person's page shows below the form: identity, sign-ins, sessions, what can be done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ... import users
from ...app import user_url
from ...conf import conf
from ...models import SignIn, User
from ...operate import linking
from ...operate.account_status import state_of
from .. import sessions
from ..advice import title_of
from .columns import may_see_sign_ins, state_text
from .person_actions import STEPS
from .role_facts import facts_of

if TYPE_CHECKING:
    from django.http import HttpRequest

    from .person_actions import Step

RECENT = 10


def context(request: HttpRequest, object_id: str) -> dict[str, Any]:
    """For change_form.html; empty when there is no such person."""
    person = users.by_key(object_id)
    if person is None:
        return {}
    identity = linking.of_user(person)
    links = may_see_sign_ins(request.user)
    return {
        "identity": identity,
        "role_facts": facts_of(person),
        "state_text": state_text(state_of(person), link=links),
        "sets_passwords": conf.ADMIN_PASSWORD_LOGIN and users.is_superuser(request.user),
        "steps": steps_for(request.user, person),
        "sign_ins": _recent_sign_ins(person) if links else None,
        "open_sessions": sessions.of_person(request, person),
    }


def steps_for(editor: Any, person: User) -> list[tuple[Step, str]]:
    """What this editor may do to the person, as things are, and the page for it."""
    senseless = {
        "deactivate" if not person.is_active else "reactivate",
        "" if linking.of_user(person) else "unlink",
    }
    return [
        (step, user_url(name, person.pk))
        for name, step in STEPS.items()
        if name not in senseless and step.allowed(editor, person)
    ]


def _recent_sign_ins(person: User) -> list[tuple[SignIn, str]]:
    newest = SignIn.objects.filter(user=person).order_by("-at")[:RECENT]
    return [(row, title_of(row.reason) if row.reason else "") for row in newest]
