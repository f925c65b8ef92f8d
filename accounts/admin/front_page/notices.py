"""What needs attention, as notices on the front page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ... import users
from ...app import admin_url, user_url
from ...display import local_time
from ...display.visible import visible
from ...models import BreakGlassLink, SignIn
from ...operate import break_glass, linking, moved_tenant
from ...operate.audit_log import as_values
from ...operate.microsoft_app_summary import show
from ...reasons import REASONS
from .. import advice
from ..audit_admin import values_in_words

WARN_DAYS: Final = 30
_LINKS_SHOWN: Final = 5
_CONFIGURATION: Final = tuple(
    code for code, reason in REASONS.items() if reason.group == "configuration"
)


@dataclass(frozen=True, slots=True)
class Notice:
    """`level` is "warning" or "error", a message tag of Django; `url` is where to fix it."""

    level: str
    text: str
    url: str = ""


def of_app() -> Iterator[Notice]:
    """The Microsoft app lets nobody sign in, or will not soon."""
    summary = advice.summary_in_admin(show())
    url = reverse("admin:socialaccount_socialapp_changelist")
    if summary.problem:
        text = _("Nobody can sign in with Microsoft: %(why)s. %(fix)s")
        why = advice.title_of(summary.problem)
        yield Notice("error", text % {"why": why, "fix": summary.fix}, url)
    left = summary.days_left
    if left is not None and left <= WARN_DAYS:
        by_certificate = summary.credential == "certificate"
        text = _certificate_text(left) if by_certificate else _secret_text(left)
        yield Notice("error" if left < 0 else "warning", text, url)


def _secret_text(left: int) -> str:
    if left < 0:
        return _(
            "The Microsoft app's secret has expired. Create a new one in Entra and enter it here."
        )
    text = ngettext(
        "The Microsoft app's secret expires in %(days)d day. Create a new one in Entra.",
        "The Microsoft app's secret expires in %(days)d days. Create a new one in Entra.",
        left,
    )
    return text % {"days": left}


def _certificate_text(left: int) -> str:
    if left < 0:
        return _("The Microsoft app's certificate has ended: enter a new one.")
    text = ngettext(
        "The Microsoft app's certificate ends in %(days)d day: upload the next one to Entra.",
        "The Microsoft app's certificate ends in %(days)d days: upload the next one to Entra.",
        left,
    )
    return text % {"days": left}


def of_superusers() -> Iterator[Notice]:
    """Superusers without a linked identity, and those linked lately by a first sign-in."""
    listed = user_url("changelist")  # "" where the site shows no users
    url = f"{listed}?is_superuser__exact=1" if listed else ""
    unbound = [str(user) for user in linking.unbound_superusers()[: _LINKS_SHOWN + 1]]
    if unbound:
        named = ", ".join(unbound[:_LINKS_SHOWN]) + (", ..." if len(unbound) > _LINKS_SHOWN else "")
        text = _(
            "Superusers without a linked Microsoft identity: %(who)s. The first Microsoft"
            " account with"
            " that address will be linked. Have them sign in soon, or enter their object ID."
        )
        yield Notice("warning", visible(text % {"who": named}), url)
    for entry in linking.superusers_bound_lately()[:_LINKS_SHOWN]:
        text = _("Superuser %(who)s signed in with Microsoft for the first time %(at)s: %(as)s.")
        values = {
            "who": as_values(entry)["subject"],
            "at": local_time.text_of(entry.at),
            "as": values_in_words(entry, "after"),
        }
        url = admin_url("auditentry_change", entry.pk)
        yield Notice("warning", visible(text % values), url)


def of_moved_tenant() -> Iterator[Notice]:
    """People refused because the organization moved to another tenant."""
    refused = len(moved_tenant.refused())
    if not refused:
        return
    text = ngettext(
        "%(count)d person was refused lately, being linked to another tenant: has the organization"
        " moved? Look at it and link them.",
        "%(count)d people were refused lately, being linked to another tenant: has the organization"
        " moved? Look at it and link all of them.",
        refused,
    )
    url = f"{reverse('admin:staff_moves')}?refused=1"
    yield Notice("warning", text % {"count": refused}, url)


def of_refusals() -> Iterator[Notice]:
    """A refusal by wrong configuration, since which nobody has been admitted."""
    since = timezone.now() - timedelta(days=1)
    rows = SignIn.objects.filter(reason__in=_CONFIGURATION, at__gt=since).order_by("-at")
    newest = rows.exclude(source=SignIn.Source.BROWSER).first()  # whose claims anyone can forge
    if newest is None or _was_anyone_admitted_since(newest.at):
        return
    text = _(
        "Sign-in is set up incorrectly, and nobody has got in since the last refusal: %(why)s."
        " %(fix)s"
    )
    values = {"why": advice.title_of(newest.reason), "fix": advice.fix_of(newest.reason)}
    url = f"{admin_url('signin_changelist')}?reason={newest.reason}"
    yield Notice("error", text % values, url)


def _was_anyone_admitted_since(moment: datetime) -> bool:
    admitted = SignIn.objects.filter(
        at__gt=moment, outcome=SignIn.Outcome.ADMITTED, method=SignIn.Method.MICROSOFT
    )
    return admitted.exists()


def of_links() -> Iterator[Notice]:
    """Break-glass links of the last week."""
    for link in break_glass.made_lately()[:_LINKS_SHOWN]:
        query = urlencode({"q": users.email_of(link.user), "method__exact": "break_glass"})
        used = f"{admin_url('signin_changelist')}?{query}"
        url = used if link.used_at else user_url("change", link.user.pk)
        yield Notice("warning", _link_text(link), url)


def _link_text(link: BreakGlassLink) -> str:
    values = {
        "who": visible(str(link.user)),
        "made": local_time.text_of(link.made_at),
        "used": local_time.text_of(link.used_at),
        "until": local_time.text_of(link.made_at + break_glass.REPORTED_FOR),
    }
    if link.used_at:
        text = _(
            "Break-glass link for %(who)s, made %(made)s, used %(used)s. Shown until %(until)s."
        )
        return text % values
    text = _("Break-glass link for %(who)s, made %(made)s, not used. Shown until %(until)s.")
    return text % values
