"""The whole edit of a host: what docs/hosts.md quotes, and what every test here makes."""

from __future__ import annotations

from dataclasses import dataclass

SETTINGS = """\
from microsoft_admin.host import configure

MICROSOFT_ADMIN = {
    "TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "CLIENT_ID": "33333333-3333-4333-8333-333333333333",
    "CLIENT_SECRET": os.environ["CLIENT_SECRET"],
}
configure(globals())
"""
URLS = 'urlpatterns.insert(0, path("", include("microsoft_admin.urls")))\n'


@dataclass(frozen=True)
class Besides:
    """What some sites write besides: a key of the dictionary, a setting; lines of another file.

    `instead` are a file, a line of it, and the lines that take its place.
    """

    key: str = ""
    setting: str = ""
    instead: tuple[str, str, str] = ("", "", "")


NOTHING = Besides()
# Their own people's page, with state, identity and sign-ins on it.
USER_ADMIN = Besides(
    instead=(
        "people/admin.py",
        "class PeopleAdmin(UserAdmin):\n",
        "from microsoft_admin.user_admin import MicrosoftUserAdminMixin\n"
        "class PeopleAdmin(MicrosoftUserAdminMixin, UserAdmin):\n",
    )
)
# A second admin site.
SITE_CLASS = Besides(
    instead=(
        "office/site.py",
        "class OfficeSite(AdminSite):\n",
        "from microsoft_admin.admin.site import MicrosoftAdminSiteMixin\n"
        "class OfficeSite(MicrosoftAdminSiteMixin, AdminSite):\n",
    )
)
WAGTAIL = Besides(
    key='    "STAFF_PATHS": ["/cms/"],\n', setting='WAGTAILADMIN_LOGIN_URL = "staff_login"\n'
)


def lines(besides: Besides = NOTHING) -> int:
    """How many lines of a host's files change."""
    written = SETTINGS + URLS + besides.key + besides.setting + besides.instead[2]
    return len([line for line in written.splitlines() if line.strip()])


def settings_for(login_url: str, public_url: str, besides: Besides = NOTHING) -> str:
    """The edit, beside where a test's Microsoft and its site are."""
    where = f'    "LOGIN_URL": "{login_url}",\n    "PUBLIC_URL": "{public_url}",\n'
    written = SETTINGS.replace("}\n", f"{besides.key}{where}}}\n") + besides.setting
    return "import os\nos.environ['CLIENT_SECRET'] = 'emulator-secret-not-for-production'\n" + (
        written
    )


def urls() -> str:
    """Likewise, with the import that a host has."""
    return f"from django.urls import include\n{URLS}"
