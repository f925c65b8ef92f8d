"""Which of admin's pages ask for a fresh sign-in (STEP_UP), by the names of their URLs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from django.contrib.auth import get_user_model

from ..app import label
from ..web import step_up

if TYPE_CHECKING:
    from django.http import HttpRequest

# The Microsoft app, people and their rights, identities, role mapping: looked at before they are
# changed, so the form itself asks. Their lists ask when an action is sent.
_FORM_PAGES: Final = ("add", "change", "delete")
_OF_A_USER: Final = (
    "add_several",
    "export",
    "sign_out",
    "unlink",
    "relink",
    "deactivate",
    "reactivate",
)
_APP: Final = "socialaccount_socialapp"
_OTHERS: Final = (
    "auth_user_password_change",
    "staff_help_desk",
    "staff_sessions_end",
    "staff_rights_export",
    "staff_moves",
    f"{_APP}_test",
    f"{_APP}_test_one",
    f"{_APP}_undo",
)
_OF_A_REHEARSAL: Final = frozenset(("link", "csv"))  # all else that is sent there changes nothing


def asks_for_step_up(request: HttpRequest) -> bool:
    """Whether this page is dangerous, and the session has no fresh sign-in."""
    return not step_up.is_satisfied(request) and _is_dangerous(request)


def _is_dangerous(request: HttpRequest) -> bool:
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    pages, lists = _names()
    if name in pages or request.method != "POST":
        return name in pages
    return name in lists or (
        name == "staff_rehearsal" and not _OF_A_REHEARSAL.isdisjoint(request.POST)
    )


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """The pages that ask, and the lists that ask when an action is sent."""
    meta = get_user_model()._meta
    user = f"{meta.app_label}_{meta.model_name}"
    models = (_APP, user, f"{label()}_rolemapping", "auth_group")
    pages = {
        *_OTHERS,
        f"{label()}_signin_export",
        f"{label()}_auditentry_export",
        *(f"{user}_{page}" for page in _OF_A_USER),
        *(f"{model}_{page}" for model in models for page in _FORM_PAGES),
    }
    return frozenset(pages), frozenset(f"{model}_changelist" for model in models)
