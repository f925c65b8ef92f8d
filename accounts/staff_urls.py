"""The URLs of staff's pages: each admin site that the URLconf includes, and STAFF_PATHS.

Admin may be at any path, under any name, and more than once; all paths come from `reverse`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.admin import AdminSite
from django.contrib.admin.sites import all_sites
from django.core.signals import setting_changed
from django.urls import (
    NoReverseMatch,
    Resolver404,
    ResolverMatch,
    get_script_prefix,
    get_urlconf,
    resolve,
    reverse,
)
from django.utils.translation import get_language, override

from .conf import conf

T = TypeVar("T")

_PAGES: Final = ("login", "logout", "break_glass")  # of an admin site, for anonymous people


def admin_sites() -> list[AdminSite]:
    """The sites in the URLconf: those with our button first, and `admin` first of these."""
    path_of("staff_login")  # loads the URLconf, which may create sites
    served = [site for site in tuple(all_sites) if _is_served(site)]
    return sorted(served, key=lambda site: (not has_button(site), site.name != "admin", site.name))


def _is_served(site: AdminSite) -> bool:
    """Whether the URLs under its name are its own: packages create sites of the same name."""
    index = path_of(f"{site.name}:index")
    return bool(index) and _site_at(index) in (site, None)


def has_button(site: AdminSite) -> bool:
    """Whether people sign in to it with Microsoft, on the mixin's own login page."""
    return bool(getattr(site, "signs_in_with_microsoft", False)) and not overridden(site)


def overridden(site: AdminSite) -> list[str]:
    """The login attributes set on the site itself, which packages advise and which undo ours."""
    return sorted({"login", "login_template"} & set(vars(site)))


def home() -> str:
    """The front page of staff: admin's, else the first of STAFF_PATHS."""
    return _front_page() or next(iter(conf.STAFF_PATHS), "/")


def staff_prefixes() -> tuple[str, ...]:
    """The path prefixes of staff's pages: each admin site, and STAFF_PATHS."""
    return (*_in_all_languages("index"), *conf.STAFF_PATHS)


def sign_in_prefixes() -> tuple[str, ...]:
    """The path prefixes of the sign-in itself, which are no destinations after it."""
    start = path_of("staff_login").removesuffix("login/")
    return (*((start,) if start else ()), *_in_all_languages(*_PAGES))


def login_pages() -> tuple[str, ...]:
    """The login page of each admin site with our button."""
    return tuple(path_of(f"{site.name}:login") for site in _sites_with_button())


def login_page(path: str = "") -> str:
    """The login page for `path`: that of its admin site, if that has our button."""
    indexes = {site: path_of(f"{site.name}:index") for site in _sites_with_button()}
    above = [site for site, index in indexes.items() if path.startswith(index)]
    site = max(above, key=lambda site: len(indexes[site]), default=next(iter(indexes), None))
    return path_of(f"{site.name}:login") if site else path_of("staff_login")


def callback() -> str:
    """The path of the redirect URI; "" if this app's URLs are not included."""
    return path_of("staff_callback")


def break_glass() -> str:
    """The page that break-glass links open; "" if no admin site has our button."""
    return next((path_of(f"{site.name}:break_glass") for site in _sites_with_button()), "")


def _sites_with_button() -> list[AdminSite]:
    return [site for site in admin_sites() if has_button(site)]


def _cached(function: Callable[..., T]) -> Callable[..., T]:
    """Cached by its arguments and what paths depend on: needed with every request."""

    @wraps(function)
    def call(*args: str) -> Any:
        return _call(function, args, get_urlconf(), get_script_prefix(), get_language())

    return call


@lru_cache(maxsize=512)
def _call(function: Callable[..., T], args: tuple[str, ...], *_depends_on: object) -> T:
    return function(*args)


@_cached
def _front_page() -> str:
    return next((path_of(f"{site.name}:index") for site in admin_sites()), "")


@_cached
def _in_all_languages(*pages: str) -> tuple[str, ...]:
    names = [f"{site.name}:{page}" for site in admin_sites() for page in pages]
    paths = dict.fromkeys(map(path_of, names))
    prefixed, _default = is_language_prefix_patterns_used(get_urlconf() or settings.ROOT_URLCONF)
    if prefixed:
        for language, _name in settings.LANGUAGES:
            with override(language):
                paths |= dict.fromkeys(map(path_of, names))
    return tuple(path for path in paths if path)


@_cached
def path_of(name: str) -> str:
    """`reverse`, or "" if there is no URL of that name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def match_at(path: str) -> ResolverMatch | None:
    """The first URL pattern that the path matches, if any."""
    try:
        return resolve(f"/{path.removeprefix(get_script_prefix())}")
    except Resolver404:
        return None


@_cached
def _site_at(path: str) -> AdminSite | None:
    """The site whose view is at the path; None if the view does not name it."""
    return getattr(getattr(match_at(path), "func", None), "admin_site", None)


def _clear_cache(setting: str, **kwargs: Any) -> None:
    if setting == "ROOT_URLCONF":
        _call.cache_clear()


setting_changed.connect(_clear_cache, dispatch_uid=__name__)
