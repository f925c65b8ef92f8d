"""This app's pages without a model: their URLs, permissions and menu entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from allauth.socialaccount.models import SocialApp
from django.apps import apps
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from ..app import label
from ..conf import is_a_host
from . import sessions
from .people import moves, rehearsal
from .people.people_list import may_see_people
from .roles import rights_page


@dataclass(frozen=True, slots=True)
class OwnPage:
    """`name` is its URL's; `title` its menu entry, or "" if it has none."""

    path: str
    name: str
    view: Callable[[HttpRequest], HttpResponseBase]
    may_open: Callable[[Any], bool]
    title: Any = ""

    def guarded(self, request: HttpRequest) -> HttpResponseBase:
        """The response to whoever may open it. Raises PermissionDenied."""
        if not self.may_open(request.user):
            raise PermissionDenied
        return self.view(request)


def _everyone(_user: Any) -> bool:
    return True


PAGES: Final = (
    OwnPage("my-sessions/", "staff_own_sessions", sessions.own, _everyone, _("Your sessions")),
    OwnPage("sessions/", "staff_sessions", sessions.page, sessions.may_end, _("Who is signed in")),
    OwnPage("sessions/end/", "staff_sessions_end", sessions.end, sessions.may_end),
    OwnPage(
        "rights/",
        "staff_rights",
        rights_page.page,
        rights_page.may_see,
        _("Who has what, and why"),
    ),
    OwnPage("rights/export/", "staff_rights_export", rights_page.export, rights_page.may_see),
    OwnPage(
        "rehearsal/", "staff_rehearsal", rehearsal.page, may_see_people, _("Go-live rehearsal")
    ),
    OwnPage("moves/", "staff_moves", moves.page, moves.may_move, _("People who moved")),
)


def urls(site: AdminSite) -> list[URLPattern]:
    """The URLs of all pages, for this site."""
    view = site.admin_view
    return [path(f"{label()}/{p.path}", view(p.guarded), name=p.name) for p in PAGES]


def with_own_pages(app_list: list[Any], user: Any, app_label: str | None) -> list[Any]:
    """Django's app list, of one app or of all, with this app's pages without a model."""
    for listed in app_list:
        if listed["app_label"] == SocialApp._meta.app_label:
            _name_it_microsoft(listed)
    pages = list(_in_menu(user)) if app_label in (None, label()) else []
    if not pages:
        return app_list
    own_app = next((app for app in app_list if app["app_label"] == label()), None)
    if own_app is not None:
        own_app["models"] += pages
        return app_list
    return [_app(pages), *app_list]


def _name_it_microsoft(listed: dict[str, Any]) -> None:
    """In place of allauth's "Social accounts"."""
    listed["name"] = str(_("Microsoft"))
    for entry in listed["models"]:
        if entry["model"] is SocialApp:
            entry["name"] = str(_("Microsoft apps"))


def _in_menu(user: Any) -> Iterator[dict[str, Any]]:
    """Entries for the app list, with the keys that Django and admin themes read."""
    for page in PAGES:
        # On this site each page's header links to the own sessions.
        is_in_header = page.view is sessions.own and not is_a_host()
        if page.title and page.may_open(user) and not is_in_header:
            yield {
                "name": str(page.title),
                "object_name": page.name,
                "model": None,
                "perms": {"add": False, "change": False, "delete": False, "view": True},
                "admin_url": reverse(f"admin:{page.name}"),
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
