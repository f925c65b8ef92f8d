"""allauth's hooks: forward to the flow, or deny."""

from __future__ import annotations

from typing import Any, NoReturn

from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.base.provider import Provider
from django.http import HttpRequest
from typing_extensions import override

from .. import registration, staff_urls
from ..reasons import Refused
from ..signin.identities import PROVIDER
from .provider import AdmittedLogin, MicrosoftProvider


class StaffSocialAccountAdapter(DefaultSocialAccountAdapter):
    """For people whom the policy has admitted; no sign-up, no connecting of accounts."""

    @override
    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Microsoft's app from admin, else from the environment; other providers' as they are."""
        others = super().list_apps(request, provider, client_id) if provider != PROVIDER else []
        microsofts = registration.registered_apps(self) if provider in (None, PROVIDER) else []
        return [
            *(app for app in others if app.provider != PROVIDER),
            *(app for app in microsofts if client_id in (None, app.client_id)),
        ]

    @override
    def get_app(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> SocialApp:
        """The app in force. Raises Refused where stock allauth crashes on none or two."""
        if provider != PROVIDER:
            other: SocialApp = super().get_app(request, provider, client_id)
            return other
        return registration.in_force().app

    @override
    def get_provider(
        self, request: HttpRequest, provider: str, client_id: str | None = None
    ) -> Provider:
        if provider != PROVIDER:
            other: Provider = super().get_provider(request, provider, client_id)
            return other
        return MicrosoftProvider(request, app=registration.in_force().app)

    @override
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Only a login that the flow has made passes allauth's pipeline."""
        if not isinstance(sociallogin, AdmittedLogin):
            raise Refused("unexpected", "allauth: a login that the policy has not admitted")

    @override
    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False


class StaffAccountAdapter(DefaultAccountAdapter):
    """Signs in to admin, without sign-up, stages, mails or messages."""

    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    @override
    def get_login_stages(self) -> list[str]:
        return []

    @override
    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return staff_urls.home()

    @override
    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Admin greets people itself."""

    @override
    def respond_user_inactive(self, request: HttpRequest, user: Any) -> NoReturn:
        raise Refused("user_inactive", f"user {user.pk}: is_active is off")
