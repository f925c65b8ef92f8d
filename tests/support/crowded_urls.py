# mypy: disable-error-code="no-untyped-call, untyped-decorator, type-arg"
"""The URLs of crowded_site.py."""

from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth import get_user_model, login, views
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import IsAdminUser
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.admin.site import MicrosoftAdminSiteMixin
from accounts.user_admin import MicrosoftUserAdminMixin


class ShopSite(MicrosoftAdminSiteMixin, AdminSite):
    """A second admin, whose user admin takes the mixin."""


class PeopleAdmin(MicrosoftUserAdminMixin, UserAdmin):
    list_display = ("username", "microsoft_state", "microsoft_identity")


shop = ShopSite(name="shop")
shop.register(User, PeopleAdmin)


def mine(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


def by_hand(request: HttpRequest) -> HttpResponse:
    sam = get_user_model()._default_manager.get(email="staff@contoso.example")
    login(request, sam, request.GET["backend"])
    return HttpResponse()


@api_view()
@permission_classes([IsAdminUser])
def api(request: Request) -> Response:
    return Response({"name": request.user.get_username()})


urlpatterns = [
    path("admin/", admin.site.urls),
    path("shop/", shop.urls),
    path("mine/", mine),
    path("by-hand/", by_hand),
    path("login/", views.LoginView.as_view(template_name="registration/password_change_form.html")),
    path("reset/<uidb64>/<token>/", views.PasswordResetConfirmView.as_view(
        success_url="/mine/", post_reset_login=True,
        post_reset_login_backend="django.contrib.auth.backends.ModelBackend")),
    path("hijack/", include("hijack.urls")),
    path("api/mine/", api),
    path("staff-api/mine/", api),
    path("accounts/", include("allauth.urls")),
    path("", include("accounts.urls")),
]  # fmt: skip
