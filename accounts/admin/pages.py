"""Which models this site shows, and which it does not.

Called once all apps' admin modules are loaded: nothing here depends on the order of
INSTALLED_APPS, and no import changes another app's admin as a side effect.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from typing_extensions import override

from ..conf import is_a_host
from ..models import AuditEntry, RoleMapping, SignIn, User
from ..signin.identities import PROVIDER
from ..users import is_superuser
from .audit_admin import AuditAdmin
from .microsoft_app.app_admin import MicrosoftAppAdmin
from .people.groups import BoundedGroupAdmin
from .people.mixin import MicrosoftUserAdminMixin
from .people.people_admin import PersonAdmin
from .roles.mapping_admin import RoleMappingAdmin
from .sign_ins.sign_ins_admin import SignInAdmin

PAGES: Final[Mapping[Any, Any]] = {
    User: PersonAdmin,
    SignIn: SignInAdmin,
    AuditEntry: AuditAdmin,
    SocialApp: MicrosoftAppAdmin,
    Group: BoundedGroupAdmin,
    RoleMapping: RoleMappingAdmin,
}
# allauth's own pages show secrets and tokens, and would let identities be bound manually; people
# have their identity on their own page.
NOT_SHOWN: Final = (SocialAccount, SocialToken, EmailAddress)


def register(site: AdminSite) -> None:
    """Put our pages in place of whatever is there; in another site, beside its own."""
    pages = _beside_others() if is_a_host() else PAGES
    hidden = () if is_a_host() and _has_providers_of_its_own() else NOT_SHOWN
    for model in (*pages, *hidden):
        if site.is_registered(model):
            site.unregister(model)
    for model, page in pages.items():
        site.register(model, page)
    if is_a_host():
        _add_to_djangos_own(site)
        _guard_identities(site)


class _UserAdmin(MicrosoftUserAdminMixin, UserAdmin):  # type: ignore[type-arg]
    """Django's, as it registers it itself; a class of the site's own may take the mixin."""


def _add_to_djangos_own(site: AdminSite) -> None:
    users = get_user_model()
    if type(site._registry.get(users)) is UserAdmin:
        site.unregister(users)
        site.register(users, _UserAdmin)


class _GuardedIdentities(ModelAdmin):  # type: ignore[type-arg]
    """Whose a Microsoft identity is decides who gets in as whom: for superusers alone."""

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[SocialAccount]:
        rows = super().get_queryset(request)
        return rows if is_superuser(request.user) else rows.exclude(provider=PROVIDER)

    @override
    def save_model(self, request: HttpRequest, obj: SocialAccount, form: Any, change: bool) -> None:
        if obj.provider == PROVIDER and not is_superuser(request.user):
            raise PermissionDenied
        super().save_model(request, obj, form, change)


def _guard_identities(site: AdminSite) -> None:
    """allauth's page of them, where a site with providers of its own goes on showing it."""
    if page := site._registry.get(SocialAccount):
        kind = type(page)
        site.unregister(SocialAccount)
        site.register(SocialAccount, type(kind.__name__, (_GuardedIdentities, kind), {}))


def _beside_others() -> Mapping[Any, Any]:
    """Its users and groups are its own to show; so are its social apps, if it has providers."""
    theirs = {User, Group, *([SocialApp] if _has_providers_of_its_own() else [])}
    return {model: page for model, page in PAGES.items() if model not in theirs}


def _has_providers_of_its_own() -> bool:
    names = [app.name for app in apps.get_app_configs()]
    return any(name.startswith("allauth.socialaccount.providers.") for name in names)
