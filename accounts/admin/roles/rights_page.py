"""The page Who has what, and why: each right, and the role, person or command that gave it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ... import audit
from ...app import permission, user_permission
from ...operate import rights_held
from .. import csv_export, permissions
from ..model_admin import render

PEOPLE_A_PAGE: Final = 50
GIVEN_BY: Final = {
    rights_held.ROLE: gettext_lazy("App role"),
    rights_held.HAND: gettext_lazy("Manually"),
    rights_held.COMMAND: gettext_lazy("By command"),
    rights_held.UNKNOWN: gettext_lazy("Not in the audit"),
}
FLAGS: Final = {
    "staff": gettext_lazy("staff status"),
    "superuser": gettext_lazy("superuser status"),
}


def may_see(user: Any) -> bool:
    """Whether this person may read both people and the audit."""
    wanted = (user_permission("view"), permission("view_auditentry"))
    return all(user.has_perm(one) for one in wanted)


def page(request: HttpRequest) -> HttpResponse:
    """The rights, by pages of people; `q` is a part of a name or address."""
    query = _query_of(request)
    people = Paginator(rights_held.people(query), PEOPLE_A_PAGE)
    page_of_people = people.get_page(request.GET.get("p"))
    context = {
        "query": query,
        "people": page_of_people,
        "rights": _rows(list(rights_held.rights_of(page_of_people.object_list))),
    }
    return render(request, "roles/rights.html", _("Who has what, and why"), context)


def export(request: HttpRequest) -> StreamingHttpResponse:
    """The same as CSV, recorded in the audit."""
    query = _query_of(request)
    audit.write("export.rights", after=request.GET.dict())
    rights = rights_held.rights_of(rights_held.people(query).iterator(chunk_size=200))
    return csv_export.download("rights", rights, rights_held.COLUMNS)


def _query_of(request: HttpRequest) -> str:
    return request.GET.get("q", "").replace("\0", "").strip()


def _rows(rights: Sequence[rights_held.Right]) -> list[dict[str, Any]]:
    names = sorted({right.right for right in rights})
    labels = dict(zip(names, permissions.labels_of(names), strict=True)) | FLAGS
    return [
        {"held": right, "name": labels[right.right], "given_by": GIVEN_BY[right.by]}
        for right in rights
    ]
