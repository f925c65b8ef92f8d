"""The app's configuration, and that of Django's admin with the sign-in."""

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
            for name in logs.URL_LOGGERS:
                logging.getLogger(name).addFilter(logs.ScrubFilter())
            _extend_admin()  # `host.configure` puts this app last: all admin modules are loaded


class StaffAdminConfig(admin_apps.AdminConfig):
    """Replaces django.contrib.admin in INSTALLED_APPS: admin with our site class."""

    default = False
    default_site = f"{__name__.rpartition('.')[0]}.admin.site.StaffAdminSite"

    @override
    def ready(self) -> None:
        """Add our pages after all others, whatever the order of INSTALLED_APPS."""
        from .conf import is_a_host

        super().ready()
        if not is_a_host():
            _extend_admin()


def _extend_admin() -> None:
    """Give the default admin site, of whatever class, the sign-in and our pages."""
    from django.contrib import admin

    from .admin import account_news, front_page, pages
    from .admin.site import compose

    compose(admin.site)
    pages.register(admin.site)
    front_page.connect()
    account_news.connect()
