"""Admin's front page: what needs attention today, and links to the pages without a model."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.apps import apps
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ..models import SignIn
from ..operate import break_glass, linking
from ..operate.audit_log import as_values
from ..operate.microsoft_app_summary import days_left, show
from ..reasons import REASONS
from ..visible import visible
from . import about_you, sessions
from .people import rehearsal
from .people.columns import may_see_sign_ins, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..models import BreakGlassLink
    from ..operate.microsoft_app_summary import AppSummary

WARN_DAYS: Final = 30
_LINKS_SHOWN: Final = 5
_CONFIGURATION: Final = tuple(
    code for code, reason in REASONS.items() if reason.group == "configuration"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """`level` is warning or error, as Django's messages have it; `url` is where to fix it."""

    level: str
    text: str
    url: str = ""


def notices_for(user: Any) -> list[Notice]:
    """What this person should know, the gravest first."""
    found = [Notice("warning", text, url) for text, url in about_you.notices(user)]
    if user.is_superuser:
        found += [*_of_app(show()), *_of_superusers()]
    if may_see_sign_ins(user):
        found += [*_of_refusals(), *_of_links()]
    return sorted(found, key=lambda notice: notice.level != "error")


def with_own_pages(app_list: list[Any], user: Any, app_label: str | None) -> list[Any]:
    """The app list, of one app or of all, with this app's pages that have no model."""
    pages = list(_own_pages(user)) if app_label in (None, "accounts") else []
    if not pages:
        return app_list
    ours = next((app for app in app_list if app["app_label"] == "accounts"), None)
    if ours is not None:
        ours["models"] += pages
        return app_list
    return [_app(pages), *app_list]


def _of_app(shown: AppSummary) -> Iterator[Notice]:
    url = reverse("admin:socialaccount_socialapp_changelist")
    if shown.problem:
        text = _("Nobody can sign in with Microsoft: %(why)s. %(fix)s")
        why = title_of(shown.problem)
        yield Notice("error", text % {"why": why, "fix": shown.fix}, url)
    left = shown.secret_days_left
    if left is not None and left <= WARN_DAYS and not _next_takes_over(shown):
        yield Notice("error" if left < 0 else "warning", _expiry_text(left), url)


def _next_takes_over(shown: AppSummary) -> bool:
    """Whether a second secret is there that outlives the warning."""
    left = days_left(shown.next_secret_expires)
    return shown.next_secret.startswith("set") and (left is None or left > WARN_DAYS)


def _expiry_text(left: int) -> str:
    if left < 0:
        return _("The Microsoft app's secret has expired: enter a new one.")
    text = ngettext(
        "The Microsoft app's secret expires in %(days)d day: make a new one at Entra.",
        "The Microsoft app's secret expires in %(days)d days: make a new one at Entra.",
        left,
    )
    return text % {"days": left}


def _of_superusers() -> Iterator[Notice]:
    """Who could still be taken by an address, and who was bound lately by one."""
    url = reverse("admin:accounts_user_changelist") + "?is_superuser__exact=1"
    unbound = [str(user) for user in linking.unbound_superusers()[: _LINKS_SHOWN + 1]]
    if unbound:
        named = ", ".join(unbound[:_LINKS_SHOWN]) + (", ..." if len(unbound) > _LINKS_SHOWN else "")
        text = _(
            "Superusers whose Microsoft identity is not linked yet: %(who)s. Whoever has the"
            " address at Microsoft first becomes them; enter their object ID, or let them sign in."
        )
        yield Notice("warning", visible(text % {"who": named}), url)
    for entry in linking.superusers_bound_lately()[:_LINKS_SHOWN]:
        facts = as_values(entry)
        text = _("Superuser %(who)s signed in with Microsoft for the first time %(at)s: %(as)s.")
        values = {"who": facts["subject"], "at": _when(entry.at), "as": facts["after"]}
        url = reverse("admin:accounts_auditentry_change", args=[entry.pk])
        yield Notice("warning", visible(text % values), url)


def _of_refusals() -> Iterator[Notice]:
    since = timezone.now() - timedelta(days=1)
    rows = SignIn.objects.filter(reason__in=_CONFIGURATION, at__gt=since).order_by("-at")
    rows = rows.exclude(source=SignIn.Source.BROWSER)  # which anyone can make up
    newest = rows.first()
    if newest is None:
        return
    text = _("Staff were refused in the last day since sign-in is set up wrongly: %(why)s. %(fix)s")
    reason = REASONS[newest.reason]
    query = f"?reason={newest.reason}"
    url = reverse("admin:accounts_signin_changelist") + query
    yield Notice("error", text % {"why": reason.title, "fix": reason.fix}, url)


def _of_links() -> Iterator[Notice]:
    url = reverse("admin:accounts_signin_changelist") + "?method__exact=break_glass"
    for link in break_glass.made_lately()[:_LINKS_SHOWN]:
        yield Notice("warning", _link_text(link), url)


def _link_text(link: BreakGlassLink) -> str:
    values = {"who": link.user, "made": _when(link.made_at), "used": _when(link.used_at)}
    if link.used_at:
        return _("Break-glass link for %(who)s, made %(made)s, used %(used)s.") % values
    return _("Break-glass link for %(who)s, made %(made)s, not used.") % values


def _when(moment: Any) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else ""


def _own_pages(user: Any) -> Iterator[dict[str, Any]]:
    if sessions.may_end(user):
        yield _page(_("Who is signed in"), "SessionsPage", "admin:accounts_sessions")
    if rehearsal.may_rehearse(user):
        yield _page(_("Go-live rehearsal"), "RehearsalPage", "admin:accounts_rehearsal")


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
        "name": apps.get_app_config("accounts").verbose_name,
        "app_label": "accounts",
        "app_url": reverse("admin:app_list", args=["accounts"]),
        "has_module_perms": True,
        "models": pages,
    }
