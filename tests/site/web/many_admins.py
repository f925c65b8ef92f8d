"""URLs of a site that has moved admin, and has three of them; staff also work elsewhere."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from accounts.admin.site import MicrosoftAdminSiteMixin


class OfficeSite(MicrosoftAdminSiteMixin, AdminSite):
    """A second site, with a model of its own."""


office = OfficeSite(name="office")
office.register(Group)
stock = AdminSite(name="stock")


def who(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username() if request.user.is_authenticated else "nobody")


urlpatterns = [
    path("", who, name="public"),
    path("sign-up/", who, name="account_signup"),
    path("cms/", who, name="wagtailadmin_home"),
    path("", include("accounts.web.urls")),
    path("accounts/microsoft/login/callback/", who, name="microsoft_callback"),  # as allauth's
    path("back-office/staff/", admin.site.urls),
    path("office/report/", staff_member_required(who), name="report"),
    path("office/", office.urls),
    path("old/", stock.urls),
    path("reports/", login_required(who), name="reports"),
    path("back-office/staff-report/", staff_member_required(who)),
]
handler404 = "accounts.web.errors.not_found"
handler500 = "accounts.web.errors.server_error"
