"""The whole edit of a host: what docs/hosts.md quotes, and what every test here makes."""

from __future__ import annotations

SETTINGS = """\
from microsoft_admin.host import configure

MICROSOFT_ADMIN = {
    "TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "CLIENT_ID": "33333333-3333-4333-8333-333333333333",
    "CLIENT_SECRET": os.environ["CLIENT_SECRET"],
}
configure(globals())
"""
URLS = 'urlpatterns += [path("", include("microsoft_admin.urls"))]\n'


def lines() -> int:
    """How many lines of a host's files change."""
    return len([line for line in (SETTINGS + URLS).splitlines() if line.strip()])


def settings_for(login_url: str, public_url: str) -> str:
    """The edit, beside where a test's Microsoft and its site are."""
    where = f'    "LOGIN_URL": "{login_url}",\n    "PUBLIC_URL": "{public_url}",\n}}\n'
    return "import os\nos.environ['CLIENT_SECRET'] = 'emulator-secret-not-for-production'\n" + (
        SETTINGS.replace("}\n", where)
    )


def urls() -> str:
    """Likewise, with the import that a host has."""
    return f"from django.urls import include\n{URLS}"
