"""Pages that list open sessions, of everyone or one's own, and end them.

Session keys never reach a page: a session is identified by its handle and its person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from .. import users
from ..app import permission
from ..models import User
from ..operate import search
from ..sessions import service as sessions
from ..sessions.index import SignedIn
from . import account_news
from .model_admin import render
from .people.people_list import may_see_people

MOST_LISTED: Final = 200
_MOST_PEOPLE: Final = 20  # whose sessions a search lists
_MOST_READ: Final = 5_000


def may_end(user: Any) -> bool:
    """Whether this person may see and end everyone's sessions."""
    return bool(user.has_perm(permission("end_sessions")))


def page(request: HttpRequest) -> HttpResponse:
    """Everyone's sessions; `q` is a part of the person's address or name."""
    query = request.GET.get("q", "").strip()
    matching = _matching(query)
    context = {
        "query": query,
        "open_sessions": matching[:MOST_LISTED],
        "sees_people": may_see_people(request.user),
        "total": len(matching),
        "more": len(matching) >= _MOST_READ,
        "own_id": str(request.user.pk),
        "next": request.get_full_path(),
    }
    return render(request, "sessions.html", _("Who is signed in"), context)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """End the session of this handle; without a handle, all sessions of the person."""
    person = users.by_key(request.POST.get("user", ""))
    if person is None:
        raise Http404
    ended = _attempt(request, lambda: _end(person, request.POST.get("handle", "")))
    if ended is not None:
        _report(request, person, ended)
    return HttpResponseRedirect(_back(request))


def own(request: HttpRequest) -> HttpResponse:
    """One's own sessions, for everyone; POST ends one of them, or all but the current one."""
    user = cast("User", request.user)
    current = sessions.handle_of(request.session.session_key)
    if request.method == "POST":
        handle = request.POST.get("handle", "")
        ended = _attempt(request, lambda: _end_own(user, handle, current))
        if ended is not None:
            text = ngettext("Ended %(count)d session.", "Ended %(count)d sessions.", ended)
            messages.success(request, text % {"count": ended})
        return HttpResponseRedirect(reverse("admin:staff_own_sessions"))
    context = {
        "open_sessions": _listing(request, user),
        "this_handle": current,
        "sign_ins": [(row, "") for row in account_news.latest_sign_ins(user)],
        "changes": account_news.latest_changes(user),
    }
    return render(request, "own_sessions.html", _("Your sessions"), context)


def of_person(request: HttpRequest, person: User) -> list[SignedIn] | None:
    """A person's sessions; None for whoever may not see them, or when the store is unavailable."""
    return _listing(request, person) if may_end(request.user) else None


def _listing(request: HttpRequest, person: User) -> list[SignedIn] | None:
    try:
        return sessions.listing(person)
    except sessions.StoreUnavailable:
        messages.warning(request, _("The session store did not answer. Try again."))
        return None


def _attempt(request: HttpRequest, end: Callable[[], int]) -> int | None:
    """How many sessions were ended; None, and a message, if none was."""
    try:
        return end()
    except sessions.NoSuchSession:
        messages.info(request, _("That session had already ended."))
    except sessions.StoreUnavailable:
        messages.error(request, _("The session store did not answer. Try again."))
    return None


def _end_own(user: User, handle: str, current: str) -> int:
    handles = [handle] if handle else [session.handle for session in sessions.listing(user)]
    return len([sessions.end(one, user) for one in handles if one != current])


def _matching(query: str) -> list[SignedIn]:
    if not query:
        return sessions.listing(most=_MOST_READ)
    people = search.people(users.everyone(), query)[:_MOST_PEOPLE]
    return [session for person in people for session in sessions.listing(person)]


def _end(person: User, handle: str) -> int:
    if not handle:
        return sessions.end_all_of(person)
    sessions.end(handle, person)
    return 1


def _report(request: HttpRequest, person: User, ended: int) -> None:
    text = ngettext(
        "Ended %(count)d session of %(who)s.", "Ended %(count)d sessions of %(who)s.", ended
    )
    messages.success(request, text % {"count": ended, "who": person})
    by: Any = request.user.pk
    LogEntry.objects.log_actions(
        by,
        users.everyone().filter(pk=person.pk),
        CHANGE,
        change_message=f"Ended sessions: {ended}",
        single_object=True,
    )


def _back(request: HttpRequest) -> str:
    """The page that the form was on, if it is this site's, else the list."""
    page = request.POST.get("next", "")
    if page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        return page
    return reverse("admin:staff_sessions")
