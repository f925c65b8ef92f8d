"""Names the app and registers its system checks."""

from __future__ import annotations

import logging

from django.apps import AppConfig, apps
from django.contrib.admin import apps as admin_apps
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from typing_extensions import override


class AccountsConfig(AppConfig):
    """Staff sign-in with Microsoft."""

    name = __name__.rpartition(".")[0]
    default = True
    verbose_name = _("Staff sign-in")
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        if not apps.is_installed("django.contrib.admin"):
            raise ImproperlyConfigured(
                'INSTALLED_APPS lacks "django.contrib.admin": the sign-in uses its templates and'
                " its history. Its URLs need not be served."
            )
        from . import logs, settings_in_database  # noqa: F401
        from .audit import watch
        from .checks import access, site  # noqa: F401
        from .conf import is_a_host
        from .web import new_session  # noqa: F401

        watch.connect()
        if is_a_host():
            for name in logs.WITH_ADDRESSES:
                logging.getLogger(name).addFilter(logs.Scrub())
            _into_admin()  # `host.configure` has put this app last: all admin modules are loaded


class StaffAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS in place of django.contrib.admin: our login page, its site."""

    default = False
    default_site = f"{__name__.rpartition('.')[0]}.admin.site.StaffAdminSite"

    @override
    def ready(self) -> None:
        """Our pages come last, so that they stand whatever the order of INSTALLED_APPS."""
        from .conf import is_a_host

        super().ready()
        if not is_a_host():
            _into_admin()


def _into_admin() -> None:
    """The default site, whatever its class, signs in with Microsoft and has our pages."""
    from django.contrib import admin

    from .admin import account_news, front_page, pages
    from .admin.site import compose

    compose(admin.site)
    pages.register(admin.site)
    front_page.connect()
    account_news.connect()
