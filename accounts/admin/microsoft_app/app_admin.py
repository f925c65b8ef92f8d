"""The Microsoft app in admin, for superusers only."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

from allauth.socialaccount.models import SocialApp
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.options import Options
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from typing_extensions import override

from ... import registration
from ...display.naming import as_set_here
from ...operate import microsoft_app
from ...operate.microsoft_app_summary import (
    credentials_of,
    entra_entries,
    expected_entries,
    public_certificates,
    show,
)
from ...reasons import Refused
from ...signin.identities import PROVIDER
from ...stores import transaction
from .. import advice
from ..model_admin import StaffModelAdmin, SuperusersOnly, render
from .fields import fieldsets_of
from .form import MicrosoftAppForm

if TYPE_CHECKING:
    from ...operate.doctor import before_saving


class _NamedMicrosoft(Options):  # type: ignore[type-arg]
    """Options that call the app "Microsoft" in breadcrumbs, not "Social Accounts"."""

    @property
    @override
    def app_config(self) -> Any:
        config = copy.copy(super().app_config)
        config.verbose_name = _("Microsoft")
        return config


class MicrosoftAppAdmin(StaffModelAdmin, SuperusersOnly):
    """The app registrations, of which one may be visible."""

    form = MicrosoftAppForm
    change_form_template = "microsoft_admin/admin/socialapp/change_form.html"
    change_list_template = "microsoft_admin/admin/socialapp/change_list.html"
    delete_confirmation_template = "microsoft_admin/admin/socialapp/delete_confirmation.html"
    list_display = ("name", "client_id", "tenant", "proof", "expires", "visible")
    ordering = ("pk",)
    actions = None  # an app is deleted on its own page, which shows the consequences

    def __init__(self, model: type[SocialApp], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        # A copy, since allauth's own must not be changed.
        self.opts = copy.copy(model._meta)
        self.opts.__class__ = _NamedMicrosoft
        self.opts.verbose_name = gettext_lazy("Microsoft app")
        self.opts.verbose_name_plural = gettext_lazy("Microsoft apps")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[SocialApp]:
        return super().get_queryset(request).filter(provider=PROVIDER)

    @override
    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.opts, changelist.title = self.opts, _("Microsoft apps")
        return changelist

    @override
    def get_fieldsets(self, request: HttpRequest, obj: SocialApp | None = None) -> Any:
        return fieldsets_of(registration.kind_of(obj) if obj else "secret")

    @override
    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> type[MicrosoftAppForm]:
        form = cast("type[MicrosoftAppForm]", super().get_form(request, obj, change, **kwargs))
        form.user_id = request.user.pk
        return form

    @override
    def get_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "socialaccount_socialapp"
        test = view(self.test_connection)
        return [
            path("test/", test, name=f"{name}_test"),
            path("<int:app_id>/test/", test, name=f"{name}_test_one"),
            path("<int:app_id>/undo/", view(self.undo), name=f"{name}_undo"),
            *super().get_urls(),
        ]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {"summary": advice.summary_in_admin(show()), **(extra_context or {})}
        )

    @override
    @method_decorator(sensitive_post_parameters())
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        app = self.get_object(request, object_id) if object_id else None
        context = {
            "summary": advice.summary_in_admin(show()),
            **(_about(app) if app else {}),
            **(extra_context or {}),
        }
        return super().changeform_view(request, object_id, form_url, context)

    @override
    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        """Consequences to confirm are not shown as errors."""
        form = context["adminform"].form
        if form.needs_confirmation:
            context |= {"errors": [], "judgement": advice.judgement_in_admin(form.judgement)}
        return super().render_change_form(request, context, *args, **kw)

    @override
    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        app = self.get_object(request, object_id)
        context = {"judgement": _of_removing(app)} if app else {}
        return super().delete_view(request, object_id, {**context, **(extra_context or {})})

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        tests = form.judgement.tests if form.judgement else {}
        accepted = [slot for slot, reason in tests.items() if not reason]
        if accepted and len(accepted) == len(tests):
            self.message_user(request, _("Microsoft accepts what the app proves itself with."))

    @method_decorator(require_POST)
    def test_connection(self, request: HttpRequest, app_id: int | None = None) -> HttpResponse:
        """Test this app with Microsoft, hidden or not, else the one in force."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        app = self.get_object(request, str(app_id)) if app_id else None
        if app_id and app is None:
            return HttpResponseRedirect(reverse("admin:socialaccount_socialapp_changelist"))
        # Imported here: the probes are heavy, and nothing else in admin needs them.
        from ...operate.doctor import findings_of, online_findings

        findings = findings_of(app) if app else online_findings()
        context = {
            "summary": advice.summary_in_admin(show()),
            "tested": app,
            **(_about(app) if app else {}),
            "findings": advice.findings_in_admin(findings),
        }
        return render(request, "socialapp/test.html", _("Test connection"), context, self)

    @method_decorator(require_POST)
    def undo(self, request: HttpRequest, app_id: int) -> HttpResponse:
        """Undo the app's last change, after a confirmation if people would be kept out."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        app = self.get_object(request, str(app_id))
        after = microsoft_app.undone(app) if app else None
        if app is None or after is None:
            messages.warning(request, _("There is nothing to undo."))
            return HttpResponseRedirect(reverse("admin:socialaccount_socialapp_changelist"))
        # Imported here: the probes are heavy, and nothing else in admin needs them.
        from ...operate.doctor import before_saving

        judgement = before_saving.of_saving(after, app)
        if judgement.digest not in ("", request.POST.get("confirmed", "")):
            context = {"judgement": advice.judgement_in_admin(judgement), "subject": app}
            return render(request, "socialapp/undo.html", _("Undo the last change"), context, self)
        microsoft_app.remember_tests(after, judgement.tests)
        self._restore(request, app, after)
        url = reverse("admin:socialaccount_socialapp_change", args=[app.pk])
        return HttpResponseRedirect(url)

    def _restore(self, request: HttpRequest, app: SocialApp, after: SocialApp) -> None:
        with transaction.atomic():
            if microsoft_app.is_as_read(app):
                after.save()
                self.log_change(request, after, "Undid the last change.")
                messages.success(request, _("The app is as it was before its last change."))
            else:
                text = _("Someone has changed the app meanwhile. Look at it again.")
                messages.warning(request, text)

    @admin.display(description=gettext_lazy("tenant"))
    def tenant(self, app: SocialApp) -> str:
        return str(app.settings.get("tenant") or "")

    @admin.display(description=gettext_lazy("proves itself by"))
    def proof(self, app: SocialApp) -> str:
        """The credentials, and how each is stored."""
        credentials = credentials_of(app)
        return "; ".join(f"{one.label}: {_(one.kept)}" for one in credentials) or _("nothing")

    @admin.display(description=gettext_lazy("expires"))
    def expires(self, app: SocialApp) -> str:
        days = (one.expires_on for one in credentials_of(app))
        return "; ".join(date_format(day, "SHORT_DATE_FORMAT") for day in days if day)

    @admin.display(description=gettext_lazy("visible"), boolean=True)
    def visible(self, app: SocialApp) -> bool:
        return not app.settings.get("hidden")


def _about(app: SocialApp) -> dict[str, Any]:
    """The context of this app's page."""
    try:
        entries, why_not = entra_entries(app), ""
    except Refused as refused:
        entries, why_not = (
            expected_entries(app),
            as_set_here(f"{_(refused.reason.operator)} ({refused.detail})"),
        )
    return {
        "tests_this_app": app.pk,
        "credentials": credentials_of(app),
        "entra_entries": entries,
        "public_certificates": public_certificates(app),
        "no_token": why_not,
        "undo_at": microsoft_app.changed_at(app),
    }


def _of_removing(app: SocialApp) -> before_saving.Judgement:
    from ...operate.doctor import before_saving

    return before_saving.of_removing([app])
