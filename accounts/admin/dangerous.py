"""Which of admin's pages ask for a fresh sign-in (STEP_UP), by the names of their URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..web import step_up

if TYPE_CHECKING:
    from django.http import HttpRequest

# The Microsoft app, people and their rights, identities, role mapping: looked at before they are
# changed, so the form itself asks. Their lists ask when an action is sent.
_FORMS: Final = ("socialaccount_socialapp", "accounts_user", "accounts_rolemapping", "auth_group")
_FORM_PAGES: Final = ("add", "change", "delete")
_PAGES: Final = frozenset(
    {
        "accounts_sessions_end",
        "accounts_rights_export",
        "accounts_signin_export",
        "accounts_audit_export",
        "accounts_user_add_several",
        "accounts_user_export",
        "accounts_user_sign_out",
        "accounts_user_unlink",
        "accounts_user_relink",
        "accounts_user_deactivate",
        "accounts_user_reactivate",
        "socialaccount_socialapp_test",
        "socialaccount_socialapp_test_one",
        "socialaccount_socialapp_undo",
        *(f"{form}_{page}" for form in _FORMS for page in _FORM_PAGES),
    }
)
_LISTS: Final = frozenset(f"{form}_changelist" for form in _FORMS)


def asks_for_step_up(request: HttpRequest) -> bool:
    """Whether this page is dangerous, and the session has no fresh sign-in."""
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    dangerous = name in _PAGES or (name in _LISTS and request.method == "POST")
    return dangerous and not step_up.is_satisfied(request)
