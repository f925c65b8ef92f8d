"""The Microsoft app in admin: the keys of the house, which superusers alone may see or change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.socialaccount.models import SocialApp
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from typing_extensions import override

from ...operate.microsoft_app_summary import how_kept, show
from ...signin.identities import PROVIDER
from .form import MicrosoftAppForm

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    Base = admin.ModelAdmin[SocialApp]
else:
    Base = admin.ModelAdmin


class SuperusersOnly(Base):
    """Whatever permissions are granted: only superusers."""

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    @override
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return _is_superuser(request)

    @override
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return _is_superuser(request)


class MicrosoftAppAdmin(SuperusersOnly):
    """The app registrations, of which one may be visible."""

    form = MicrosoftAppForm
    list_display = ("name", "client_id", "tenant", "secret_kept", "secret_expires", "visible")
    ordering = ("pk",)
    fieldsets = (
        (None, {"fields": ("name", "client_id", "tenant")}),
        (gettext_lazy("Secret"), {"fields": ("new_secret", "secret_expires")}),
        (
            gettext_lazy("Next secret"),
            {
                "fields": ("new_next_secret", "next_secret_expires", "promote"),
                "description": gettext_lazy(
                    "Enter it before the other expires: it takes over as soon as Microsoft no"
                    " longer accepts the first."
                ),
            },
        ),
        (gettext_lazy("Limits"), {"fields": ("domains", "hidden")}),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[SocialApp]:
        return super().get_queryset(request).filter(provider=PROVIDER)

    @override
    def get_urls(self) -> list[URLPattern]:
        view, name = (
            self.admin_site.admin_view(self.test_connection),
            "socialaccount_socialapp_test",
        )
        one = path("<int:app_id>/test/", view, name=f"{name}_one")
        return [path("test/", view, name=name), one, *super().get_urls()]

    @override
    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {"shown": show(), **(extra_context or {})})

    @override
    @method_decorator(sensitive_post_parameters("new_secret", "new_next_secret"))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        context = {"shown": show(), "tests_this_app": object_id, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def test_connection(self, request: HttpRequest, app_id: int | None = None) -> HttpResponse:
        """POST: ask Microsoft about this app, hidden or not, else about the one in force."""
        if not _is_superuser(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        app = self.get_object(request, str(app_id)) if app_id else None
        if app_id and app is None:
            return HttpResponseRedirect(reverse("admin:socialaccount_socialapp_changelist"))
        # Imported here: the probes are heavy, and nothing else in admin needs them.
        from ...operate.doctor import online_findings

        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Test connection"),
            "media": self.media,
            "shown": show(),
            "tested": app,
            "tests_this_app": app_id,
            "findings": online_findings(app_id),
        }
        return TemplateResponse(request, "admin/socialaccount/socialapp/test.html", context)

    @admin.display(description=gettext_lazy("tenant"))
    def tenant(self, app: SocialApp) -> str:
        """The app's own tenant."""
        return str(app.settings.get("tenant") or "")

    @admin.display(description=gettext_lazy("secret"))
    def secret_kept(self, app: SocialApp) -> str:
        """Set or not, encrypted or not; never the secret."""
        return how_kept(app.secret)

    @admin.display(description=gettext_lazy("expires"))
    def secret_expires(self, app: SocialApp) -> str:
        """When the secret ends, as it was entered."""
        return str(app.settings.get("secret_expires") or "")

    @admin.display(description=gettext_lazy("visible"), boolean=True)
    def visible(self, app: SocialApp) -> bool:
        """Hidden apps are kept, not used."""
        return not app.settings.get("hidden")


def _is_superuser(request: HttpRequest) -> bool:
    return bool(request.user.is_active and request.user.is_superuser)
