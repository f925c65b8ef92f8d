"""Stands in INSTALLED_APPS in place of django.contrib.admin."""

from __future__ import annotations

from accounts.apps import StaffAdminConfig


class AdminConfig(StaffAdminConfig):
    """The app's admin, with this site's class."""

    default_site = "project.admin_site.AdminSite"
