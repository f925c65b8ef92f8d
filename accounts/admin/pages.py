"""Which models the admin site shows.

`register` is called when all apps' admin modules are loaded: it does not depend on the order of
INSTALLED_APPS, and no import changes another app's admin.
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
# allauth's pages show tokens, and let identities be linked by hand. A person's page shows theirs.
NOT_SHOWN: Final = (SocialAccount, SocialToken, EmailAddress)


def register(site: AdminSite) -> None:
    """Register this app's pages, replacing others'; in another site, beside its own."""
    pages = _beside_others() if is_a_host() else PAGES
    hidden = () if is_a_host() and _has_providers_of_its_own() else NOT_SHOWN
    for model in (*pages, *hidden):
        if site.is_registered(model):
            site.unregister(model)
    for model, page in pages.items():
        site.register(model, page)
    if is_a_host():
        _add_to_user_admin(site)
        _guard_identities(site)


class _UserAdmin(MicrosoftUserAdminMixin, UserAdmin):  # type: ignore[type-arg]
    """Replaces Django's; an admin class of the site's own can extend the mixin itself."""


def _add_to_user_admin(site: AdminSite) -> None:
    users = get_user_model()
    if type(site._registry.get(users)) is UserAdmin:
        site.unregister(users)
        site.register(users, _UserAdmin)


class _GuardedIdentities(ModelAdmin):  # type: ignore[type-arg]
    """Microsoft identities, which decide who signs in as whom, are for superusers only."""

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
    """Add the guard to allauth's page if the site, which has providers of its own, shows it."""
    if page := site._registry.get(SocialAccount):
        kind = type(page)
        site.unregister(SocialAccount)
        site.register(SocialAccount, type(kind.__name__, (_GuardedIdentities, kind), {}))


def _beside_others() -> Mapping[Any, Any]:
    """The pages but users and groups, and social apps if the site has providers of its own."""
    others = {User, Group, *([SocialApp] if _has_providers_of_its_own() else [])}
    return {model: page for model, page in PAGES.items() if model not in others}


def _has_providers_of_its_own() -> bool:
    names = [app.name for app in apps.get_app_configs()]
    return any(name.startswith("allauth.socialaccount.providers.") for name in names)
