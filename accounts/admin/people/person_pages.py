"""The pages of one person beside the form: what can be done, and linking who was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.urls import path
from django.utils.translation import gettext as _
from typing_extensions import override

from ... import transaction, users
from ...sessions import service as sessions
from . import person_actions, relink

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

    _Base = admin.ModelAdmin[Any]
else:
    _Base = object


class PersonPages(_Base):
    """For an admin of users, this project's or another site's."""

    @override
    def get_urls(self) -> list[Any]:
        view, named = self.admin_site.admin_view, f"{self.opts.app_label}_{self.opts.model_name}"
        steps = [
            path(f"<path:key>/{name}/", view(self._step_page(step)), name=f"{named}_{name}")
            for name, step in person_actions.STEPS.items()
        ]
        compare = view(relink.page(self))
        return [
            path("<path:key>/relink/<int:row_pk>/", compare, name=f"{named}_relink"),
            *steps,
            *super().get_urls(),
        ]

    def person(self, request: HttpRequest, key: str) -> Any:
        """The person of this key, as URLs have it. Raises Http404."""
        found = self.get_object(request, unquote(key))
        if found is None:
            raise Http404
        return found

    @override
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        leave_a_superuser(obj)
        super().delete_model(request, obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """One by one, so that the last of them is seen to be the last."""
        with transaction.atomic():
            for each in queryset:
                self.delete_model(request, each)

    def _step_page(self, step: person_actions.Step) -> Callable[..., HttpResponse]:
        def page(request: HttpRequest, key: str) -> HttpResponse:
            return person_actions.page_for_one(self, request, step, self.person(request, key))

        return page

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Whoever is switched off here is signed out as well."""
        keeps = obj.is_active and users.is_staff(obj) and users.is_superuser(obj)
        if change and not keeps:
            leave_a_superuser(obj)
        super().save_model(request, obj, form, change)
        if change and not (obj.is_active and users.is_staff(obj)):
            transaction.on_commit(lambda: _end_sessions(request, obj))


def leave_a_superuser(person: Any) -> None:
    """Two who take it from each other at once: the second may not. In a transaction.

    Raises PermissionDenied.
    """
    if users.is_last_superuser(person, lock=True):
        raise PermissionDenied


def _end_sessions(request: HttpRequest, person: Any) -> None:
    """End them all; says so when the store does not answer, which ends them all the same."""
    try:
        sessions.end_all_of(person)
    except sessions.StoreUnavailable:
        text = _("Saved and signed out %(person)s, but the session store did not answer.")
        messages.error(request, text % {"person": person})
