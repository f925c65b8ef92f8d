"""System checks of the other ways into admin: passwords, a sign-up, further admin sites.

None of these may lead into admin unnoticed. The texts are in `site.CHECKS`.
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

_EXPECTED: Final = 2  # classes with a has_permission: Django's and the mixin
_MIXIN: Final = dotted("admin.site.MicrosoftAdminSiteMixin")
# Names that packages, and most sites, give to the URL of their sign-up page.
_SIGN_UPS: Final = (
    "account_signup", "socialaccount_signup", "django_registration_register", "rest_register",
    "registration_register", "register", "registration", "sign_up", "signup",
)  # fmt: skip


@register(Tags.security)
def admin_has_the_button(**kwargs: Any) -> Iterator[CheckMessage]:
    """Another login page would admit people by other rules, or nobody."""
    for site in staff_urls.admin_sites():
        if not staff_urls.has_button(site):
            yield Found("E039", site=_named(site), fix=_how_to_add_button(site))


@register(Tags.security)
def further_step_has_a_page(**kwargs: Any) -> Iterator[CheckMessage]:
    """With django-otp's site class, for one, people would sign in, and admin would stay closed."""
    for site in staff_urls.admin_sites():
        if staff_urls.has_button(site) and _asks_for_more(site.__class__):
            yield Found("W020", site=_named(site))


def _asks_for_more(kind: Any) -> bool:
    """Whether it has its own `has_permission`, but only the mixin's `further_step`."""
    names = [name for base in kind.__mro__ for name in vars(base)]
    return names.count("has_permission") > _EXPECTED and names.count("further_step") == 1


def _named(site: AdminSite) -> str:
    return f"{site.name!r} ({type(site).__name__})"


def _how_to_add_button(site: AdminSite) -> str:
    if overrides := staff_urls.overridden(site):
        return f"Remove the line of your code that sets {overrides[0]} on that site."
    return f"Put {_MIXIN} before the other bases of its class, or do not serve it."


@register(Tags.security)
def passwords_do_not_open_admin(**kwargs: Any) -> Iterator[CheckMessage]:
    """A password would be a way in without Microsoft, and without a second factor."""
    if conf.ADMIN_BY_MICROSOFT_ONLY:
        return
    for path in settings.AUTHENTICATION_BACKENDS:
        if not path.startswith(dotted("")) and issubclass(import_string(path), ModelBackend):
            yield Found("W011", backend=path)


@register(Tags.security)
def new_users_are_not_staff(**kwargs: Any) -> Iterator[CheckMessage]:
    """Whoever signs up claims an address: as staff, it could be matched to a Microsoft account.

    guardian creates its anonymous user by the model's defaults as well.
    """
    if not _is_staff_by_default():
        return
    named = (name for name in _url_names(get_resolver()) if name.rpartition(":")[2] in _SIGN_UPS)
    if sign_up := next(filter(None, map(staff_urls.path_of, named)), ""):
        yield Found("E040", path=sign_up)
    anonymous = getattr(settings, "ANONYMOUS_USER_NAME", "AnonymousUser")
    if apps.is_installed("guardian") and anonymous is not None:
        yield Found("W013")


@register(Tags.security)
def users_have_an_email(**kwargs: Any) -> Iterator[CheckMessage]:
    """People are found by it, in the model's EMAIL_FIELD, which Django lets default to `email`."""
    name = users.email_field()
    if not users.has_field(name):
        yield Found("E042", model=get_user_model()._meta.label, name=repr(name))


@register(Tags.security)
def people_are_in_one_database(**kwargs: Any) -> Iterator[CheckMessage]:
    """Identities, records and history refer to users, and relations do not cross databases."""
    home = transaction.database()
    own = apps.get_containing_app_config(__name__)
    models = [*(own.get_models() if own else ()), SocialAccount, SocialApp, LogEntry]
    databases = {model._meta.label: router.db_for_write(model) for model in models}
    outside = {name: database for name, database in databases.items() if database != home}
    if outside:
        others = ", ".join(f"{name} in {database!r}" for name, database in outside.items())
        labels = ", ".join(sorted({name.partition(".")[0] for name in outside}))
        yield Found("E044", home=repr(home), others=others, labels=labels)


@register(Tags.security)
def allauths_provider_is_reachable(**kwargs: Any) -> Iterator[CheckMessage]:
    """With allauth's own provider a host's other users may sign in at the same path."""
    callback = staff_urls.callback()
    if callback and staff_urls.path_of("microsoft_callback") == callback:
        yield Found("E043", path=callback, urls=dotted("urls"))


@register(Tags.security)
def other_views_are_covered(**kwargs: Any) -> Iterator[CheckMessage]:
    """Views that check `is_staff` alone do not ask how somebody signed in."""
    middleware = dotted("web.entrance.EntranceMiddleware")
    if conf.ADMIN_BY_MICROSOFT_ONLY and middleware not in settings.MIDDLEWARE:
        yield Found("W014", middleware=middleware)


@register(Tags.security)
def wagtail_is_covered(**kwargs: Any) -> Iterator[CheckMessage]:
    """Wagtail checks a permission of its own, and does not ask how somebody signed in."""
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
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _url_names(pattern, (*within, *filter(None, [pattern.namespace])))
        elif pattern.name:
            yield ":".join((*within, pattern.name))
