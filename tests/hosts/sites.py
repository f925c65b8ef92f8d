"""The hosts: what each has of its own, in files beside those of `startproject`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Host:
    """`people` is code that adds sam (staff), nora (not staff) and root, who has a password."""

    files: Mapping[str, str] = field(default_factory=dict)
    settings: str = ""
    urls: str = ""
    people: str = ""
    own_login: str = ""  # where its own people sign in, by user name and password
    pages: tuple[str, ...] = ()
    public: tuple[str, ...] = ()
    # What it may take besides: text for text, in one of its files.
    takes: tuple[str, str, str] | None = None


_PEOPLE = """
from django.contrib.auth import get_user_model
User = get_user_model()
def add(key, email, **more):
    user = User(**{User.USERNAME_FIELD: key, User.EMAIL_FIELD: email, **more})
    user.set_password("x9-long-enough")
    user.save()
add("sam", "STAFF@contoso.example", is_staff=True, is_superuser=True)
add("nora", "notstaff@contoso.example", is_staff=False)
add("root", "root@contoso.example", is_staff=True, is_superuser=True)
"""
_LOGIN = """
from django.contrib.auth.views import LoginView
"""
_OWN_PAGE = """{% block content %}The host's own page
<form method="post">{% csrf_token %}{{ form }}</form>{% endblock %}"""

STOCK = Host(
    people=_PEOPLE,
    urls=_LOGIN + 'urlpatterns += [path("login/", LoginView.as_view(template_name="own.html"))]\n',
    files={"templates/own.html": _OWN_PAGE},
    settings="TEMPLATES[0]['DIRS'] = [BASE_DIR / 'templates']\nLOGIN_REDIRECT_URL = '/nowhere/'\n",
    own_login="/login/",
    pages=("/admin/auth/user/", "/admin/auth/user/1/change/", "/admin/auth/group/add/"),
)

# As cookiecutter-django makes it: a user with a user name and a name, allauth for its customers.
USERNAME = Host(
    people=_PEOPLE,
    files={
        "people/__init__.py": "",
        "people/migrations/__init__.py": "",
        "people/models.py": """
from django.contrib.auth.models import AbstractUser
from django.db import models

class User(AbstractUser):
    name = models.CharField(max_length=255, blank=True)
    first_name = last_name = None
""",
        "people/admin.py": """
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from .models import User

class PeopleAdmin(UserAdmin):
    fieldsets = ((None, {"fields": ("username", "name", "email", "is_staff", "is_superuser")}),)
    list_display = ("username", "name")
    search_fields = ("name",)

admin.site.register(User, PeopleAdmin)
""",
        "people/adapters.py": """
from allauth.account.adapter import DefaultAccountAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter

class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request):
        return True

class SocialAccountAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request, sociallogin):
        return True
""",
    },
    settings="""
AUTH_USER_MODEL = "people.User"
INSTALLED_APPS += ["people", "allauth", "allauth.account", "allauth.socialaccount",
                   "allauth.socialaccount.providers.google"]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend",
                           "allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "people.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "people.adapters.SocialAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": [{"client_id": "of-customers", "secret": "s"}]}}
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
""",
    urls="""
from django.urls import include
urlpatterns += [path("accounts/", include("allauth.urls"))]
""",
    own_login="",
    pages=("/admin/people/user/1/change/", "/admin/socialaccount/socialapp/"),
    takes=(
        "people/admin.py",
        "class PeopleAdmin(UserAdmin)",
        "from microsoft_admin.user_admin import MicrosoftUserAdminMixin\n"
        "class PeopleAdmin(MicrosoftUserAdminMixin, UserAdmin)",
    ),
    public=("/accounts/login/", "/accounts/signup/", "/accounts/google/login/"),
)  # fmt: skip

# A key that is no number, an address that nothing keeps unique, and names of its own for both.
UUID = Host(
    people=_PEOPLE + 'add("twin1", "twin@contoso.example", is_staff=True)\n'
    'add("twin2", "TWIN@contoso.example", is_staff=True)\n',
    files={
        "people/__init__.py": "",
        "people/migrations/__init__.py": "",
        "people/models.py": """
import uuid
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models

class User(AbstractBaseUser, PermissionsMixin):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    login = models.CharField(max_length=40, unique=True)
    mail = models.CharField(max_length=200, blank=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    objects = BaseUserManager()
    USERNAME_FIELD = "login"
    EMAIL_FIELD = "mail"
""",
    },
    settings="""
AUTH_USER_MODEL = "people.User"
INSTALLED_APPS += ["people"]
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
""",
    pages=("/admin/auth/group/",),
)

# An app of its own that is called as ours is in this repository, with tables, URLs, templates.
OWN_ACCOUNTS = Host(
    people=_PEOPLE,
    files={
        "accounts/__init__.py": "",
        "accounts/migrations/__init__.py": "",
        "accounts/models.py": """
from django.db import models

class SignIn(models.Model):
    note = models.CharField(max_length=20)
""",
        "accounts/admin.py": """
from django.contrib import admin
from .models import SignIn
admin.site.register(SignIn)
""",
        "accounts/templates/accounts/login.html": _OWN_PAGE,
        "accounts/templates/accounts/refused.html": "not this one",
        "accounts/templates/accounts/page.html": "not this one",
    },
    settings='INSTALLED_APPS += ["accounts"]\nLOGIN_REDIRECT_URL = "/nowhere/"\n',
    urls=_LOGIN + 'urlpatterns += [path("accounts/login/",'
    ' LoginView.as_view(template_name="accounts/login.html"))]\n',
    own_login="/accounts/login/",
    pages=("/admin/accounts/signin/", "/admin/accounts/signin/add/", "/admin/auth/user/"),
)

HOSTS: Mapping[str, Host] = {
    "stock": STOCK,
    "username": USERNAME,
    "uuid": UUID,
    "own_accounts": OWN_ACCOUNTS,
}
