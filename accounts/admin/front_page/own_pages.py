"""Links to this app's pages that have no model, among those that have one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.socialaccount.models import SocialApp
from django.apps import apps
from django.urls import reverse
from django.utils.translation import gettext as _

from ...app import label
from ...conf import is_a_host
from .. import sessions
from ..people import moves, rehearsal
from ..roles import rights_page

if TYPE_CHECKING:
    from collections.abc import Iterator


def with_own_pages(app_list: list[Any], user: Any, app_label: str | None) -> list[Any]:
    """The app list, of one app or of all, with this app's pages that have no model."""
    for listed in app_list:
        if listed["app_label"] == SocialApp._meta.app_label:
            _name_it_microsoft(listed)
    pages = list(_own_pages(user)) if app_label in (None, label()) else []
    if not pages:
        return app_list
    ours = next((app for app in app_list if app["app_label"] == label()), None)
    if ours is not None:
        ours["models"] += pages
        return app_list
    return [_app(pages), *app_list]


def _name_it_microsoft(listed: dict[str, Any]) -> None:
    """What people look for, in the menu and its filter; allauth says "Social accounts"."""
    listed["name"] = _("Microsoft")
    for entry in listed["models"]:
        if entry["model"] is SocialApp:
            entry["name"] = _("Microsoft apps")


def _own_pages(user: Any) -> Iterator[dict[str, Any]]:
    if is_a_host():  # here the link stands in each page's head line
        yield _page(_("Your sessions"), "OwnSessionsPage", "admin:staff_own_sessions")
    if sessions.may_end(user):
        yield _page(_("Who is signed in"), "SessionsPage", "admin:staff_sessions")
    if rights_page.may_see(user):
        yield _page(_("Who has what, and why"), "RightsPage", "admin:staff_rights")
    if rehearsal.may_rehearse(user):
        yield _page(_("Go-live rehearsal"), "RehearsalPage", "admin:staff_rehearsal")
    if moves.may_move(user):
        yield _page(_("People who moved"), "MovesPage", "admin:staff_moves")


def _page(name: str, object_name: str, url_name: str) -> dict[str, Any]:
    """An entry of the app list, in the form that Django and admin themes read."""
    return {
        "name": name,
        "object_name": object_name,
        "model": None,
        "perms": {"add": False, "change": False, "delete": False, "view": True},
        "admin_url": reverse(url_name),
        "add_url": None,
        "view_only": True,
    }


def _app(pages: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": apps.get_app_config(label()).verbose_name,
        "app_label": label(),
        "app_url": reverse("admin:app_list", args=[label()]),
        "has_module_perms": True,
        "models": pages,
    }
