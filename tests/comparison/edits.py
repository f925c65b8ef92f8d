"""What each package asks to be written into a fresh `startproject`, from its own documentation.

A line counts when it is neither empty nor a comment. Values are the emulator's; nothing else is
adapted, since Microsoft's own names lead to it.
"""

from dataclasses import dataclass
from textwrap import dedent

from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.hosts import edit


@dataclass(frozen=True, slots=True)
class Package:
    """`replaced` are lines of startproject's settings that change; the rest is added below."""

    name: str
    pins: tuple[str, ...]
    settings: str
    urls: str
    callback: str
    steps: tuple[str, ...]
    source: str
    replaced: tuple[tuple[str, str], ...] = ()
    start: str = ""

    def lines(self) -> int:
        """How many lines somebody writes."""
        written = [*self.settings.splitlines(), *self.urls.splitlines()]
        counted = [line for line in written if line.strip() and not line.lstrip().startswith("#")]
        return len(counted) + len(self.replaced)


def _text(text: str) -> str:
    return dedent(text).strip() + "\n"


REGISTER = "register an app at Entra, with a secret and the redirect URI"
MIGRATE = "migrate"

STOCK_ALLAUTH = Package(
    "stock allauth",
    ("django-allauth[socialaccount]",),
    _text(f"""
        INSTALLED_APPS += ["allauth", "allauth.account", "allauth.socialaccount",
                           "allauth.socialaccount.providers.microsoft"]
        MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
        AUTHENTICATION_BACKENDS = [
            "django.contrib.auth.backends.ModelBackend",
            "allauth.account.auth_backends.AuthenticationBackend",
        ]
        SOCIALACCOUNT_PROVIDERS = {{
            "microsoft": {{
                "EMAIL_AUTHENTICATION": True,
                "VERIFIED_EMAIL": True,
                "APPS": [{{
                    "client_id": "{CLIENT_ID}",
                    "secret": "{CLIENT_SECRET}",
                    "settings": {{"tenant": "{TENANT}"}},
                }}],
            }}
        }}
        SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
        LOGIN_REDIRECT_URL = "/admin/"
    """),
    _text("""
        from allauth.account.decorators import secure_admin_login
        from django.urls import include
        admin.site.login = secure_admin_login(admin.site.login)
        urlpatterns += [path("accounts/", include("allauth.urls"))]
    """),
    "/accounts/microsoft/login/callback/",
    (REGISTER, "pip install", MIGRATE, "make each user, and set is_staff"),
    "django-allauth: Quickstart; Microsoft; Common functionality, Admin",
    start="/accounts/microsoft/login/?next=/admin/",
)

MICROSOFT_SSO = Package(
    "django-microsoft-sso",
    ("django-microsoft-sso",),
    _text(f"""
        INSTALLED_APPS += ["django_microsoft_sso"]
        MICROSOFT_SSO_APPLICATION_ID = "{CLIENT_ID}"
        MICROSOFT_SSO_CLIENT_SECRET = "{CLIENT_SECRET}"
        MICROSOFT_SSO_SCOPES = ["User.Read.All"]
        MICROSOFT_SSO_ALLOWABLE_DOMAINS = ["contoso.example"]
        MICROSOFT_SSO_STAFF_LIST = ["staff@contoso.example", "guest@fabrikam.example"]
    """),
    _text("""
        from django.urls import include
        urlpatterns += [path("microsoft_sso/", include(
            "django_microsoft_sso.urls", namespace="django_microsoft_sso"))]
    """),
    "/microsoft_sso/callback/",
    (
        "register a multi-tenant app at Entra, with a secret and the redirect URI",
        "an administrator's consent to User.Read.All",
        "pip install",
        MIGRATE,
    ),
    "django-microsoft-sso: README",
    start="/microsoft_sso/login/?next=/admin/",
)

BASTION = Package(
    "django-bastion",
    ("django-bastion",),
    _text(f"""
        AUTHENTICATION_BACKENDS = ["bastion.backends.SSOBackend"]
        BASTION = {{
            "CONNECTIONS": {{
                "corp": {{
                    "provider": "entra",
                    "issuer": "https://login.microsoftonline.com/{TENANT}/v2.0",
                    "client_id": "{CLIENT_ID}",
                    "client_secret": "{CLIENT_SECRET}",
                    "staff_groups": ["django-staff"],
                    "superuser_groups": ["django-admins"],
                }},
            }},
            "ADMIN": {{"connection": "corp"}},
        }}
    """),
    _text("""
        from django.urls import include
        urlpatterns += [path("sso/", include("bastion.urls"))]
    """),
    "/sso/callback/",
    (
        REGISTER,
        "a groups claim in the token, and the groups at Entra",
        "pip install",
        MIGRATE,
        "bastion_doctor",
    ),
    "django-bastion: README, Quickstart (require_mfa left out: the emulator sends no amr)",
    replaced=(
        (
            "    'django.contrib.admin',",
            "    'bastion', 'bastion.admin.apps.BastionAdminConfig',",
        ),
    ),
    start="/admin/login/?next=/admin/",
)

AUTH_ADFS = Package(
    "django-auth-adfs",
    ("django-auth-adfs",),
    _text(f"""
        INSTALLED_APPS += ["django_auth_adfs"]
        AUTHENTICATION_BACKENDS = ["django_auth_adfs.backend.AdfsAuthCodeBackend"]
        AUTH_ADFS = {{
            "AUDIENCE": "{CLIENT_ID}",
            "CLIENT_ID": "{CLIENT_ID}",
            "CLIENT_SECRET": "{CLIENT_SECRET}",
            "CLAIM_MAPPING": {{
                "first_name": "given_name",
                "last_name": "family_name",
                "email": "upn",
            }},
            "GROUPS_CLAIM": "roles",
            "USERNAME_CLAIM": "upn",
            "TENANT_ID": "{TENANT}",
            "RELYING_PARTY_ID": "{CLIENT_ID}",
            "VERSION": "v2.0",
        }}
        LOGIN_URL = "django_auth_adfs:login"
        LOGIN_REDIRECT_URL = "/admin/"
    """),
    _text("""
        from django.urls import include
        urlpatterns += [path("oauth2/", include("django_auth_adfs.urls"))]
    """),
    "/oauth2/callback",
    (
        "register an app at Entra, with a secret, the redirect URI and optional claims (upn)",
        "pip install",
        "make each user staff, by hand or by a group",
        "a link to the sign-in on admin's login page, which the package does not make",
    ),
    "django-auth-adfs: README, and its Azure AD settings",
    start="/oauth2/login?next=/admin/",
)

OURS = Package(
    "this project",
    ("django-microsoft-admin",),
    f"import os\n{edit.SETTINGS}",
    f"from django.urls import include\n{edit.URLS}",
    "/accounts/microsoft/login/callback/",
    (REGISTER, "make wheel, pip install", MIGRATE, "staff add EMAIL, or is_staff on the user"),
    "docs/hosts.md",
    start="/admin/login/?next=/admin/",
)

PACKAGES = (OURS, STOCK_ALLAUTH, MICROSOFT_SSO, BASTION, AUTH_ADFS)
