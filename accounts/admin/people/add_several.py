"""Add several people at once, by pasting their emails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.admin.people.forms import AddSeveralForm
from accounts.operate import people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.contrib.admin import ModelAdmin
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


def page(admin: ModelAdmin[User]) -> Callable[[HttpRequest], HttpResponse]:
    """The page: a form, and below it what became of each line."""

    def add_several(request: HttpRequest) -> HttpResponse:
        if not (admin.has_add_permission(request) and admin.has_change_permission(request)):
            raise PermissionDenied
        form = AddSeveralForm(request.POST or None)
        results = _add(admin, request, form.cleaned_data["people"]) if form.is_valid() else None
        shown = AddSeveralForm() if results is not None else form
        return _answer(admin, request, {"form": shown, "results": results})

    return add_several


def _add(admin: ModelAdmin[User], request: HttpRequest, lines: Iterable[str]) -> list[people.Added]:
    link = request.user.is_superuser
    results = people.add_many(lines, promote=False, link_existing=link)
    for result in results:
        if result.what == "added" and result.user:
            admin.log_addition(request, result.user, [{"added": {}}])
    return results


def _answer(admin: ModelAdmin[User], request: HttpRequest, more: dict[str, Any]) -> HttpResponse:
    context = {
        **admin.admin_site.each_context(request),
        "opts": admin.opts,
        "title": _("Add several people"),
        "media": admin.media,
        **more,
    }
    return TemplateResponse(request, "admin/accounts/user/add_several.html", context)
