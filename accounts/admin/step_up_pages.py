"""Which of admin's pages ask for a fresh sign-in (STEP_UP), by the names of their URLs."""

from __future__ import annotations

from functools import lru_cache
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
    "staff_sessions_end",
    "staff_rights_export",
    "staff_moves",
    f"{_APP}_test",
    f"{_APP}_test_one",
    f"{_APP}_undo",
)


@lru_cache(maxsize=1)
def _forms() -> tuple[str, ...]:
    user = get_user_model()._meta
    return (_APP, f"{user.app_label}_{user.model_name}", f"{label()}_rolemapping", "auth_group")


@lru_cache(maxsize=1)
def _pages() -> frozenset[str]:
    user = _forms()[1]
    return frozenset(
        {
            *_OTHERS,
            f"{label()}_signin_export",
            f"{label()}_auditentry_export",
            *(f"{user}_{page}" for page in _OF_A_USER),
            *(f"{form}_{page}" for form in _forms() for page in _FORM_PAGES),
        }
    )


def asks_for_step_up(request: HttpRequest) -> bool:
    """Whether this page is dangerous, and the session has no fresh sign-in."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    posted = name.removesuffix("_changelist") in _forms() and name.endswith("_changelist")
    dangerous = name in _pages() or (posted and request.method == "POST")
    return dangerous and not step_up.is_satisfied(request)
