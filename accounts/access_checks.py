"""System checks of the ways into admin: whether each that is open is one of this sign-in's.

Their ids are in `checks.CHECKS`. Other sites have a sign-up, passwords and admin sites of
their own; none of these may lead into admin without anybody having meant it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.apps import apps
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.core.checks import CheckMessage, Tags, register
from django.core.exceptions import FieldDoesNotExist
from django.db import router
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils.module_loading import import_string

from . import staff_urls, transaction, users
from .app import dotted
from .checks import error, warning
from .conf import conf

_OF_DJANGO_AND_OURS: Final = 2
_MIXIN: Final = dotted("admin.site.MicrosoftAdminSiteMixin")
# The names that packages, and most sites, give to the page where anybody makes an account.
_SIGN_UPS: Final = (
    "account_signup", "socialaccount_signup", "django_registration_register", "rest_register",
    "registration_register", "register", "registration", "sign_up", "signup",
)  # fmt: skip


@register(Tags.security)
def admin_has_the_button(**kwargs: Any) -> list[CheckMessage]:
    """Each admin site that the URLs hold: another login page lets in by other rules, or nobody."""
    return [
        error(
            "E039",
            f"The admin site {site.name!r} ({type(site).__name__}) has no Microsoft sign-in.",
            _how_it_gets_one(site),
        )
        for site in staff_urls.admin_sites()
        if not staff_urls.has_button(site)
    ]


@register(Tags.security)
def more_is_asked_somewhere(**kwargs: Any) -> list[CheckMessage]:
    """django-otp's site class, for one: people sign in, and admin stays closed."""
    return [
        warning(
            "W020",
            f"The admin site {site.name!r} ({type(site).__name__}) asks for more than a sign-in,"
            " and does not say where people do that.",
            "Let its further_step, of the mixin, give the page where people do that.",
        )
        for site in staff_urls.admin_sites()
        if staff_urls.has_button(site) and _asks_for_more(site.__class__)
    ]


def _asks_for_more(kind: Any) -> bool:
    """Its own `has_permission`, and the mixin's `further_step`, which leads nowhere."""
    by_class = [vars(each) for each in kind.__mro__]
    asking = [names for names in by_class if "has_permission" in names]
    telling = [names for names in by_class if "further_step" in names]
    return len(asking) > _OF_DJANGO_AND_OURS and len(telling) == 1


def _how_it_gets_one(site: AdminSite) -> str:
    if set_on_it := staff_urls.replaced(site):
        return f"Remove the line of your code that sets {set_on_it[0]} on that site."
    return f"Put {_MIXIN} before the other bases of its class, or serve it no more."


@register(Tags.security)
def passwords_stay_outside(**kwargs: Any) -> list[CheckMessage]:
    """A password that opens admin is a way in beside Microsoft's, without its second factor."""
    if conf.ADMIN_BY_MICROSOFT_ONLY:
        return []
    own = dotted("")
    paths = [path for path in settings.AUTHENTICATION_BACKENDS if not path.startswith(own)]
    found = [path for path in paths if _checks_passwords(import_string(path))]
    hint = "Set ADMIN_BY_MICROSOFT_ONLY=true; or remove the backend, if nobody else needs it."
    return [warning("W011", f"{path} lets people into admin by password.", hint) for path in found]


@register(Tags.security)
def newcomers_are_not_staff(**kwargs: Any) -> list[CheckMessage]:
    """Whoever signs up claims an address: as staff, it could be matched to a Microsoft account."""
    if not _is_staff_by_default():
        return []
    named = (name for name in _url_names(get_resolver()) if name.rpartition(":")[2] in _SIGN_UPS)
    sign_up = next(filter(None, map(_path, named)), "")
    if not sign_up:
        return []
    text = f"is_staff is true for every new user, and anybody can sign up at {sign_up}."
    return [error("E040", text, "Let is_staff default to False on your user model.")]


@register(Tags.security)
def nobody_is_not_staff(**kwargs: Any) -> list[CheckMessage]:
    """guardian makes a user for those who are not signed in, by the model's defaults."""
    name = getattr(settings, "ANONYMOUS_USER_NAME", "AnonymousUser")
    if not apps.is_installed("guardian") or name is None or not _is_staff_by_default():
        return []
    text = "guardian's user for people who are not signed in would be staff."
    return [warning("W013", text, "Set ANONYMOUS_USER_NAME = None.")]


@register(Tags.security)
def users_have_an_address(**kwargs: Any) -> list[CheckMessage]:
    """People are found by it; Django takes it to be called `email`, unless the model says."""
    name = users.email_field()
    if users.has_field(name):
        return []
    text = f"{get_user_model()._meta.label} has no field {name!r}, by which people are found."
    return [error("E042", text, "Name its field for the address: EMAIL_FIELD = ...")]


@register(Tags.security)
def people_are_in_one_database(**kwargs: Any) -> list[CheckMessage]:
    """Identities, records and history refer to users: relations do not cross databases."""
    home = transaction.database()
    own = apps.get_containing_app_config(__name__)
    models = [*(own.get_models() if own else ()), SocialAccount, SocialApp, LogEntry]
    away = {m._meta.label: there for m in models if (there := router.db_for_write(m)) != home}
    if not away:
        return []
    text = f"Users are in the database {home!r}, but " + ", ".join(
        f"{name} in {there!r}" for name, there in away.items()
    )
    labels = ", ".join(sorted({name.partition(".")[0] for name in away}))
    hint = f"Let your DATABASE_ROUTERS have {labels} in {home!r} as well, then migrate it."
    return [error("E044", f"{text}.", hint)]


@register(Tags.security)
def allauths_own_is_reachable(**kwargs: Any) -> list[CheckMessage]:
    """Its provider `microsoft` signs the site's own people in at /accounts/microsoft/, too."""
    if not staff_urls.callback() or _path("microsoft_callback") != staff_urls.callback():
        return []
    text = (
        f"allauth's own Microsoft sign-in, at {staff_urls.callback()} as well, cannot be reached."
    )
    urls = f"{__name__.rpartition('.')[0]}.urls"
    hint = f'Give this one another place, path("staff/", include("{urls}")), and tell Entra.'
    return [error("E043", text, hint)]


@register(Tags.security)
def other_views_are_covered(**kwargs: Any) -> list[CheckMessage]:
    """Views that look at `is_staff` alone know nothing of how somebody came in."""
    wanted = dotted("web.entrance.EntranceMiddleware")
    if not conf.ADMIN_BY_MICROSOFT_ONLY or wanted in settings.MIDDLEWARE:
        return []
    text = "Under admin and STAFF_PATHS, views with staff_member_required open to any session."
    return [warning("W014", text, f"Add {wanted} to MIDDLEWARE, after AuthenticationMiddleware.")]


@register(Tags.security)
def wagtails_admin_is_staffs(**kwargs: Any) -> list[CheckMessage]:
    """It asks for a permission of its own, and not how somebody signed in."""
    path = _path("wagtailadmin_home")
    if not path or not conf.ADMIN_BY_MICROSOFT_ONLY or path.startswith(staff_urls.staff()):
        return []
    text = f"Wagtail's admin at {path} opens to any session whose user may use it."
    hint = f'Add {path} to STAFF_PATHS, and set WAGTAILADMIN_LOGIN_URL = "staff_login".'
    return [warning("W018", text, hint)]


def _checks_passwords(backend: type) -> bool:
    return issubclass(backend, ModelBackend)


def _is_staff_by_default() -> bool:
    try:
        return bool(get_user_model()._meta.get_field("is_staff").get_default())
    except FieldDoesNotExist:
        return False


def _url_names(resolver: URLResolver, within: tuple[str, ...] = ()) -> Iterator[str]:
    """The name of each URL, with its namespaces."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from _url_names(each, (*within, *filter(None, [each.namespace])))
        elif each.name:
            yield ":".join((*within, each.name))


def _path(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
