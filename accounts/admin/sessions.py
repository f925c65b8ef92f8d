"""Who is signed in now, since when and from where; end one session, or all of a person.

Session keys never reach a page: a session is named by its handle, and its person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .. import users
from ..app import permission
from ..models import SignIn
from ..operate import search
from ..sessions import service as sessions
from . import about_you
from .people.columns import may_see_people

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from ..models import User
    from ..sessions.service import SessionInfo

SHOWN: Final = 200
_PEOPLE_FOUND: Final = 20


def may_end(user: Any) -> bool:
    """Whether this person may see who is signed in, and end it."""
    return bool(user.has_perm(permission("end_sessions")))


def page(request: HttpRequest) -> HttpResponse:
    """The list; `q` narrows it to people by any part of an address or a name."""
    _demand(request)
    asked = request.GET.get("q", "").strip()
    found = _found(asked)
    context = {
        **admin.site.each_context(request),
        "title": _("Who is signed in"),
        "opts": SignIn._meta,
        "query": asked,
        "open_sessions": found[:SHOWN],
        "sees_people": may_see_people(request.user),
        "total": len(found),
        "own_id": str(request.user.pk),
        "next": request.get_full_path(),
    }
    return TemplateResponse(request, "microsoft_admin/admin/sessions.html", context)


def end(request: HttpRequest) -> HttpResponse:
    """POST: end the session of this handle, or, without one, all of the person's."""
    _demand(request)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    key = request.POST.get("user", "")
    person = users.by_key(key)
    if person is None:
        raise Http404
    try:
        _tell(request, person, _end(person, request.POST.get("handle", "")))
    except sessions.NoSuchSession:
        messages.info(request, _("That session had already ended."))
    except sessions.StoreUnavailable:
        messages.error(request, _("The session store did not answer. Try again."))
    return HttpResponseRedirect(_back(request))


def own(request: HttpRequest) -> HttpResponse:
    """Everyone's own sessions, whatever their permissions; POST ends one, or all the others."""
    if request.method == "POST":
        _end_own(request)
        return HttpResponseRedirect(reverse("admin:staff_own_sessions"))
    context = {
        **admin.site.each_context(request),
        "title": _("Your sessions"),
        "opts": SignIn._meta,
        "open_sessions": _own(request),
        "this_handle": sessions.handle_of(request.session.session_key),
        "sign_ins": about_you.latest_sign_ins(request.user),
        "changes": about_you.latest_changes(request.user),
    }
    return TemplateResponse(request, "microsoft_admin/admin/own_sessions.html", context)


def _own(request: HttpRequest) -> list[SessionInfo]:
    try:
        return sessions.listing(cast("User", request.user))
    except sessions.StoreUnavailable:
        messages.warning(request, _("The session store did not answer. Try again."))
        return []


def _end_own(request: HttpRequest) -> None:
    user, handle = cast("User", request.user), request.POST.get("handle", "")
    here = sessions.handle_of(request.session.session_key)
    try:
        handles = [handle] if handle else [seen.handle for seen in sessions.listing(user)]
        ended = [sessions.end(each, user) for each in handles if each != here]
    except sessions.NoSuchSession:
        messages.info(request, _("That session had already ended."))
    except sessions.StoreUnavailable:
        messages.error(request, _("The session store did not answer. Try again."))
    else:
        text = ngettext("Ended %(count)d session.", "Ended %(count)d sessions.", len(ended))
        messages.success(request, text % {"count": len(ended)})


def of_person(request: HttpRequest, person: User) -> list[SessionInfo] | None:
    """A person's sessions, for their page; None for whoever may not see them."""
    if not may_end(request.user):
        return None
    try:
        return sessions.listing(person)
    except sessions.StoreUnavailable:
        messages.warning(request, _("The session store did not answer. Try again."))
        return None


def _demand(request: HttpRequest) -> None:
    if not may_end(request.user):
        raise PermissionDenied


def _found(asked: str) -> list[SessionInfo]:
    if not asked:
        return sessions.listing()
    people = search.people(users.everyone(), asked)[:_PEOPLE_FOUND]
    return [session for person in people for session in sessions.listing(person)]


def _end(person: User, handle: str) -> int:
    if not handle:
        return sessions.end_all_of(person)
    sessions.end(handle, person)
    return 1


def _tell(request: HttpRequest, person: User, ended: int) -> None:
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
    """The page that asked, if it is one of this site's."""
    asked = request.POST.get("next", "")
    if asked.startswith("/") and url_has_allowed_host_and_scheme(asked, allowed_hosts=None):
        return asked
    return reverse("admin:staff_sessions")
