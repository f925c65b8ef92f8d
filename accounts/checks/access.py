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
from django.urls import URLResolver, get_resolver
from django.utils.module_loading import import_string

from .. import staff_urls, users
from ..app import dotted
from ..conf import conf
from ..stores import transaction
from .site import Found

_OF_DJANGO_AND_OURS: Final = 2
_MIXIN: Final = dotted("admin.site.MicrosoftAdminSiteMixin")
# The names that packages, and most sites, give to the page where anybody makes an account.
_SIGN_UPS: Final = (
    "account_signup", "socialaccount_signup", "django_registration_register", "rest_register",
    "registration_register", "register", "registration", "sign_up", "signup",
)  # fmt: skip


@register(Tags.security)
def admin_has_the_button(**kwargs: Any) -> Iterator[CheckMessage]:
    """Each admin site that the URLs hold: another login page lets in by other rules, or nobody."""
    for site in staff_urls.admin_sites():
        if not staff_urls.has_button(site):
            yield Found("E039", site=_named(site), fix=_how_it_gets_one(site))


@register(Tags.security)
def more_is_asked_somewhere(**kwargs: Any) -> Iterator[CheckMessage]:
    """django-otp's site class, for one: people sign in, and admin stays closed."""
    for site in staff_urls.admin_sites():
        if staff_urls.has_button(site) and _asks_for_more(site.__class__):
            yield Found("W020", site=_named(site))


def _asks_for_more(kind: Any) -> bool:
    """Its own `has_permission`, and the mixin's `further_step`, which leads nowhere."""
    by_class = [vars(each) for each in kind.__mro__]
    asking = [names for names in by_class if "has_permission" in names]
    telling = [names for names in by_class if "further_step" in names]
    return len(asking) > _OF_DJANGO_AND_OURS and len(telling) == 1


def _named(site: AdminSite) -> str:
    return f"{site.name!r} ({type(site).__name__})"


def _how_it_gets_one(site: AdminSite) -> str:
    if set_on_it := staff_urls.overridden(site):
        return f"Remove the line of your code that sets {set_on_it[0]} on that site."
    return f"Put {_MIXIN} before the other bases of its class, or serve it no more."


@register(Tags.security)
def passwords_stay_outside(**kwargs: Any) -> Iterator[CheckMessage]:
    """A password that opens admin is a way in beside Microsoft's, without its second factor."""
    if conf.ADMIN_BY_MICROSOFT_ONLY:
        return
    own = dotted("")
    for path in settings.AUTHENTICATION_BACKENDS:
        if not path.startswith(own) and issubclass(import_string(path), ModelBackend):
            yield Found("W011", backend=path)


@register(Tags.security)
def newcomers_are_not_staff(**kwargs: Any) -> Iterator[CheckMessage]:
    """Whoever signs up claims an address: as staff, it could be matched to a Microsoft account.

    guardian makes a user for those who are not signed in, by the model's defaults as well.
    """
    if not _is_staff_by_default():
        return
    named = (name for name in _url_names(get_resolver()) if name.rpartition(":")[2] in _SIGN_UPS)
    if sign_up := next(filter(None, map(staff_urls.path_of, named)), ""):
        yield Found("E040", path=sign_up)
    nobody = getattr(settings, "ANONYMOUS_USER_NAME", "AnonymousUser")
    if apps.is_installed("guardian") and nobody is not None:
        yield Found("W013")


@register(Tags.security)
def users_have_an_address(**kwargs: Any) -> Iterator[CheckMessage]:
    """People are found by it; Django takes it to be called `email`, unless the model says."""
    name = users.email_field()
    if not users.has_field(name):
        yield Found("E042", model=get_user_model()._meta.label, name=repr(name))


@register(Tags.security)
def people_are_in_one_database(**kwargs: Any) -> Iterator[CheckMessage]:
    """Identities, records and history refer to users: relations do not cross databases."""
    home = transaction.database()
    own = apps.get_containing_app_config(__name__)
    models = [*(own.get_models() if own else ()), SocialAccount, SocialApp, LogEntry]
    outside = {m._meta.label: there for m in models if (there := router.db_for_write(m)) != home}
    if outside:
        others = ", ".join(f"{name} in {there!r}" for name, there in outside.items())
        labels = ", ".join(sorted({name.partition(".")[0] for name in outside}))
        yield Found("E044", home=repr(home), others=others, labels=labels)


@register(Tags.security)
def allauths_own_is_reachable(**kwargs: Any) -> Iterator[CheckMessage]:
    """Its provider `microsoft` signs the site's own people in at /accounts/microsoft/, too."""
    callback = staff_urls.callback()
    if callback and staff_urls.path_of("microsoft_callback") == callback:
        yield Found("E043", path=callback, urls=dotted("urls"))


@register(Tags.security)
def other_views_are_covered(**kwargs: Any) -> Iterator[CheckMessage]:
    """Views that look at `is_staff` alone know nothing of how somebody came in."""
    wanted = dotted("web.entrance.EntranceMiddleware")
    if conf.ADMIN_BY_MICROSOFT_ONLY and wanted not in settings.MIDDLEWARE:
        yield Found("W014", middleware=wanted)


@register(Tags.security)
def wagtails_admin_is_staffs(**kwargs: Any) -> Iterator[CheckMessage]:
    """It asks for a permission of its own, and not how somebody signed in."""
    path = staff_urls.path_of("wagtailadmin_home")
    if path and conf.ADMIN_BY_MICROSOFT_ONLY and not path.startswith(staff_urls.staff_prefixes()):
        yield Found("W018", path=path)


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
