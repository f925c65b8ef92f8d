"""Where staff's pages are: each admin site that the URLs hold, by `reverse`, and STAFF_PATHS.

Admin may be anywhere, under any name, or several times. `django.contrib.admin` knows all sites.
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

_PAGES: Final = ("login", "logout", "break_glass")  # of an admin site, for people not in yet


def admin_sites() -> list[AdminSite]:
    """The sites that the URLs hold: those with our button first, of these `admin` first."""
    path_of("staff_login")  # loads the URLs, which may make sites
    served = [site for site in tuple(all_sites) if _is_served(site)]
    return sorted(served, key=lambda site: (not has_button(site), site.name != "admin", site.name))


def _is_served(site: AdminSite) -> bool:
    """Not one that only has the name of another, as each has that a package makes and forgets."""
    index = path_of(f"{site.name}:index")
    return bool(index) and _site_at(index) in (site, None)


def has_button(site: AdminSite) -> bool:
    """Whether people sign in to it with Microsoft, by the mixin's page and no other."""
    return bool(getattr(site, "signs_in_with_microsoft", False)) and not replaced(site)


def replaced(site: AdminSite) -> list[str]:
    """What code has put on this very site in place of its class's: packages' advice, often."""
    return sorted({"login", "login_template"} & set(vars(site)))


def home() -> str:
    """The front page of staff: admin's, else the first of STAFF_PATHS."""
    return _front_page() or next(iter(conf.STAFF_PATHS), "/")


def staff() -> tuple[str, ...]:
    """The path prefixes that are staff's: each admin site, and STAFF_PATHS."""
    return (*_in_each_language("index"), *conf.STAFF_PATHS)


def own_pages() -> tuple[str, ...]:
    """The path prefixes of the sign-in itself: nobody is led back to one, nothing ends there."""
    start = path_of("staff_login").removesuffix("login/")
    return (*((start,) if start else ()), *_in_each_language(*_PAGES))


def login_pages() -> tuple[str, ...]:
    """The login page of each admin site with our button."""
    return tuple(path_of(f"{site.name}:login") for site in _ours())


def login_page(path: str = "") -> str:
    """The page with the button that leads to `path`: of that admin site, if it has one."""
    ours = {site: path_of(f"{site.name}:index") for site in _ours()}
    theirs = [site for site, index in ours.items() if path.startswith(index)]
    site = max(theirs, key=lambda site: len(ours[site]), default=next(iter(ours), None))
    return path_of(f"{site.name}:login") if site else path_of("staff_login")


def callback() -> str:
    """Where Microsoft sends people back to; "" where this app's URLs are not included."""
    return path_of("staff_callback")


def break_glass() -> str:
    """The page behind break-glass links, or "" where no admin site has our button."""
    return next((path_of(f"{site.name}:break_glass") for site in _ours()), "")


def _ours() -> list[AdminSite]:
    return [site for site in admin_sites() if has_button(site)]


def _remembered(function: Callable[..., T]) -> Callable[..., T]:
    """Asked for with every request: looked up once for each of what paths depend on."""

    @wraps(function)
    def ask(*names: str) -> Any:
        return _answer(function, names, get_urlconf(), get_script_prefix(), get_language())

    return ask


@lru_cache(maxsize=512)
def _answer(function: Callable[..., T], names: tuple[str, ...], *_depends_on: object) -> T:
    return function(*names)


@_remembered
def _front_page() -> str:
    return next((path_of(f"{site.name}:index") for site in admin_sites()), "")


@_remembered
def _in_each_language(*pages: str) -> tuple[str, ...]:
    names = [f"{site.name}:{page}" for site in admin_sites() for page in pages]
    found = dict.fromkeys(map(path_of, names))
    prefixed, _default = is_language_prefix_patterns_used(get_urlconf() or settings.ROOT_URLCONF)
    if prefixed:
        for language, _name in settings.LANGUAGES:
            with override(language):
                found |= dict.fromkeys(map(path_of, names))
    return tuple(path for path in found if path)


@_remembered
def path_of(name: str) -> str:
    """`reverse`, or "" where the URLs have no such name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def match_at(path: str) -> ResolverMatch | None:
    """The first URL that this path matches."""
    try:
        return resolve(f"/{path.removeprefix(get_script_prefix())}")
    except Resolver404:
        return None


@_remembered
def _site_at(path: str) -> AdminSite | None:
    """The site whose page is there; None where a site does not say so on its views."""
    return getattr(getattr(match_at(path), "func", None), "admin_site", None)


def _forget(setting: str, **kwargs: Any) -> None:
    if setting == "ROOT_URLCONF":
        _answer.cache_clear()


setting_changed.connect(_forget, dispatch_uid=__name__)
