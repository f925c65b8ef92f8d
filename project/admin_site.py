"""This site's admin: the app's, with `templates/admin/login.html` of this repository."""

from __future__ import annotations

from accounts.admin.site import StaffAdminSite


class AdminSite(StaffAdminSite):
    """The default admin site."""

    login_template = "admin/login.html"
