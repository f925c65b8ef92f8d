"""The hosts: what each has of its own, in files beside those of `startproject`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.hosts.edit import NOTHING, SITE_CLASS, USER_ADMIN, WAGTAIL, Besides

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD = "x9-long-enough"
PEOPLE = f"""
from django.contrib.auth import get_user_model
User = get_user_model()
def add(key, email, **more):
    user = User(**{{User.USERNAME_FIELD: key, User.EMAIL_FIELD: email, **more}})
    user.set_password("{PASSWORD}")
    user.save()
add("sam", "STAFF@contoso.example", is_staff=True, is_superuser=True)
add("nora", "notstaff@contoso.example", is_staff=False)
add("root", "root@contoso.example", is_staff=True, is_superuser=True)
"""
OWN_PAGE = """{% block content %}The host's own page
<form method="post">{% csrf_token %}{{ form }}</form>{% endblock %}"""
# A page where the host's own people sign in; passwords are hashed in no time.
_SETTINGS = """
import os
TEMPLATES[0]["DIRS"] = [BASE_DIR / "templates"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_REDIRECT_URL = "/nowhere/"
"""
_URLS = """
from django.contrib.auth.views import LoginView
urlpatterns += [path("login/", LoginView.as_view(template_name="own.html"))]
"""
_PACKAGE = {"people/__init__.py": "", "people/migrations/__init__.py": ""}


@dataclass(frozen=True)
class Host:
    """`people` is code that adds sam (staff), nora (not staff) and root, who has a password.

    `crawled` are pages from which every link is followed, `public` those that anybody opens.
    `as_stock`: it begins with the tables and people of the stock host, which are made once.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    settings: str = ""
    urls: str = _URLS
    people: str = PEOPLE
    besides: Besides = NOTHING
    admin: str = "/admin/"
    next: str = "/admin/auth/group/?q=a"
    own_login: str = "/login/"  # "": there is a test of its own for it
    crawled: tuple[str, ...] = ("/admin/",)
    public: tuple[str, ...] = ()
    as_stock: bool = False

    def all_files(self) -> dict[str, str]:
        """With those that each has."""
        return {"templates/own.html": OWN_PAGE, **self.files, "people.py": self.people}

    def all_settings(self) -> str:
        return _SETTINGS + self.settings


STOCK = Host(as_stock=True)

# As cookiecutter-django makes it: a user with a user name and an address, allauth with public
# sign-up for its customers, a provider of theirs, and production settings. Its own allauth has
# written addresses in lower case before ours comes.
SIGN_UP = Host(
    people="from django.core.management import call_command\n"
    'call_command("migrate", "account", verbosity=0)\n' + PEOPLE,
    files=_PACKAGE
    | {
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
DEBUG = False
ALLOWED_HOSTS = ["localhost"]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.postgresql", "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 60,
    "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "USER": os.environ["PGUSER"],
    "NAME": os.environ["PGDATABASE"]}}
CACHES = {"default": {
    "BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"],
    "OPTIONS": {"CLIENT_CLASS": "django_redis.client.DefaultClient", "IGNORE_EXCEPTIONS": True}}}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {"staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
            "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
LANGUAGE_CODE = "de"
MIDDLEWARE.insert(3, "django.middleware.locale.LocaleMiddleware")
AUTH_USER_MODEL = "people.User"
INSTALLED_APPS += ["people", "django.contrib.sites", "allauth", "allauth.account",
                   "allauth.socialaccount", "allauth.socialaccount.providers.google"]
SITE_ID = 1
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend",
                           "allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "people.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "people.adapters.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
SOCIALACCOUNT_PROVIDERS = {"google": {"APPS": [{"client_id": "of-customers", "secret": "s"}]}}
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = BASE_DIR / "mail"
LOGIN_REDIRECT_URL = "/accounts/email/"
LOGIN_URL = "account_login"
""",
    urls="""
from django.urls import include
urlpatterns = [path("kontor-7x/", admin.site.urls), path("accounts/", include("allauth.urls"))]
""",
    besides=USER_ADMIN,
    admin="/kontor-7x/",
    next="/kontor-7x/people/user/?q=a",
    crawled=("/kontor-7x/", "/kontor-7x/people/user/3/change/"),
    own_login="",
    public=("/accounts/login/", "/accounts/signup/", "/accounts/google/login/"),
)

# A key that is no number; an address that nothing keeps unique or wants at all; of Django's flags
# none but a property, no superusers, groups or permissions. Its pages all want a login, by
# middleware, and its times have no zone.
UUID = Host(
    people=f"""
from django.contrib.auth import get_user_model
def add(login, mail, role="staff"):
    user = get_user_model()(login=login, mail=mail, role=role)
    user.set_password({PASSWORD!r})
    user.save()
add("sam", "STAFF@contoso.example")
add("nora", "notstaff@contoso.example", role="")
add("root", "root@contoso.example")
add("twin1", "twin@contoso.example")
add("twin2", "TWIN@contoso.example")
add("none1", None)
add("none2", None)
""",
    files=_PACKAGE
    | {
        "people/models.py": """
import uuid
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

class User(AbstractBaseUser):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    login = models.CharField(max_length=40, unique=True)
    mail = models.CharField(max_length=200, null=True, blank=True)
    role = models.CharField(max_length=10, blank=True)
    is_active = models.BooleanField(default=True)
    objects = BaseUserManager()
    USERNAME_FIELD = "login"
    EMAIL_FIELD = "mail"

    @property
    def is_staff(self):
        return self.role == "staff"

    def has_perm(self, perm, obj=None):
        return self.is_staff

    def has_module_perms(self, app_label):
        return self.is_staff
""",
        "people/admin.py": """
from django.contrib import admin
from .models import User
admin.site.register(User, admin.ModelAdmin)
""",
    },
    settings="""
AUTH_USER_MODEL = "people.User"
INSTALLED_APPS += ["people"]
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
MIDDLEWARE += ["django.contrib.auth.middleware.LoginRequiredMiddleware"]
LOGIN_URL = "/login/"
USE_TZ = False
TIME_ZONE = "Europe/Berlin"
""",
    next="/admin/people/user/?q=a",
)

# An app of its own that is called as ours is in this repository, with tables, URLs, templates; an
# admin site class of its own, in German; and sessions in files.
OWN_ACCOUNTS = Host(
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
        "accounts/site.py": """
from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig

class OwnConfig(AdminConfig):
    default_site = "accounts.site.OwnSite"

class OwnSite(AdminSite):
    site_header = "Contoso"
    final_catch_all_view = False
    login_template = "accounts/login.html"
""",
        "accounts/templates/accounts/login.html": OWN_PAGE,
        "accounts/templates/accounts/refused.html": "not this one",
        "accounts/templates/accounts/page.html": "not this one",
        "templates/admin/login.html": '{% extends "admin/base_site.html" %}'
        "{% block content %}not this one{% endblock %}",
    },
    settings="""
INSTALLED_APPS[0] = "accounts.site.OwnConfig"
INSTALLED_APPS += ["accounts"]
SESSION_ENGINE = "django.contrib.sessions.backends.file"
SESSION_FILE_PATH = BASE_DIR
LANGUAGE_CODE = "de"
LANGUAGES = [("de", "Deutsch"), ("en", "English")]
MIDDLEWARE.insert(2, "django.middleware.locale.LocaleMiddleware")
""",
    urls=_URLS.replace("login/", "accounts/login/").replace("own.html", "accounts/login.html")
    + """
from django.conf.urls.i18n import i18n_patterns
urlpatterns = urlpatterns[1:] + i18n_patterns(path("admin/", admin.site.urls))
""",
    own_login="/accounts/login/",
    admin="/en/admin/",
    next="/en/admin/accounts/signin/?q=a",
    crawled=("/en/admin/", "/en/admin/auth/user/3/change/"),
    as_stock=True,
)

# Admin on another URL, and a second site beside it, in a site that is served under a path, with
# cookies of other names.
MOVED = Host(
    files={
        "office/__init__.py": "",
        "office/site.py": """
from django.contrib.admin import AdminSite
from django.contrib.auth.models import Group

class OfficeSite(AdminSite):
    site_header = "Shop office"

office = OfficeSite(name="office")
office.register(Group)
""",
    },
    urls=_URLS
    + """
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from office.site import office
urlpatterns[0] = path("back/office/", admin.site.urls)
urlpatterns += staticfiles_urlpatterns()
urlpatterns += [path("shop/", office.urls)]
""",
    settings="""
STATIC_URL = "/static/"
FORCE_SCRIPT_NAME = "/app"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/app/"
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "sid", "XSRF-TOKEN"
""",
    besides=SITE_CLASS,
    admin="/app/back/office/",
    next="/app/shop/auth/group/?q=a",
    own_login="/app/login/",
    crawled=("/app/back/office/", "/app/shop/"),
    as_stock=True,
)

# Its own admin at /cms/, its pages at every other address. Its 200 migrations would take 10 s.
WAGTAIL_SITE = Host(
    people="from django.core.management import call_command\n"
    'call_command("migrate", run_syncdb=True, verbosity=0)\n'
    + PEOPLE
    + """
from wagtail.models import Collection, Locale, Page
Locale.objects.create(language_code="en")
Page.add_root(title="Root", slug="root")
Collection.add_root(name="Root")
""",
    settings="""
INSTALLED_APPS += [
    "wagtail.contrib.forms", "wagtail.contrib.redirects", "wagtail.embeds", "wagtail.sites",
    "wagtail.users", "wagtail.snippets", "wagtail.documents", "wagtail.images",
    "wagtail.search", "wagtail.admin", "wagtail", "modelcluster", "taggit"]
MIGRATION_MODULES = {"taggit": None} | {f"wagtail{name}": None for name in (
    "core", "admin", "docs", "embeds", "forms", "images", "redirects", "search", "users")}
MIDDLEWARE += ["wagtail.contrib.redirects.middleware.RedirectMiddleware"]
WAGTAIL_SITE_NAME = "Contoso"
WAGTAILADMIN_BASE_URL = "http://localhost"
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_GRAVATAR_PROVIDER_URL = None
""",
    urls=_URLS
    + """
from django.urls import include
urlpatterns += [path("cms/", include("wagtail.admin.urls")),
                path("documents/", include("wagtail.documents.urls")),
                path("", include("wagtail.urls"))]
""",
    besides=WAGTAIL,
    next="/cms/reports/site-history/?q=a",
    crawled=("/cms/", "/admin/"),
)

HOSTS: Mapping[str, Host] = {
    "stock": STOCK,
    "sign_up": SIGN_UP,
    "uuid": UUID,
    "own_accounts": OWN_ACCOUNTS,
    "moved": MOVED,
    "wagtail": WAGTAIL_SITE,
}

# One site whose admin has another look by a variable.
THEMES: Mapping[str, tuple[str, ...]] = {
    "unfold": ("unfold",),
    "jazzmin": ("jazzmin",),
    "grappelli": ("grappelli",),
    "admin-interface": ("admin_interface", "colorfield"),
}
THEMED = Host(
    settings=f"""
INSTALLED_APPS[:0] = {dict(THEMES)!r}[os.environ["THEME"]]
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS = ["security.W019"]
JAZZMIN_SETTINGS = {{"use_google_fonts_cdn": False}}
""",
    urls=_URLS
    + """
import os
from django.urls import include
if os.environ["THEME"] == "grappelli":
    urlpatterns += [path("grappelli/", include("grappelli.urls"))]
""",
    as_stock=True,
)
