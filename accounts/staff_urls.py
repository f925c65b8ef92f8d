"""Where staff's pages are: each admin site that the URLs hold, by `reverse`, and STAFF_PATHS.

Admin may be anywhere, under any name, or several times. `django.contrib.admin` knows all sites.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.conf.urls.i18n import is_language_prefix_patterns_used
from django.contrib.admin import AdminSite
from django.contrib.admin.sites import all_sites
from django.core.signals import setting_changed
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.translation import get_language, override

from .conf import conf

_PAGES: Final = ("login", "logout", "break_glass")  # of an admin site, for people not in yet


def admin_sites() -> list[AdminSite]:
    """The sites that the URLs hold: those with our button first, of these `admin` first."""
    _path("staff_login")  # loads the URLs, which may make sites
    served = [site for site in tuple(all_sites) if _path(f"{site.name}:index")]
    return sorted(served, key=lambda site: (not has_button(site), site.name != "admin", site.name))


def has_button(site: AdminSite) -> bool:
    """Whether people sign in to it with Microsoft, by the mixin's page and no other."""
    return bool(getattr(site, "signs_in_with_microsoft", False)) and not replaced(site)


def replaced(site: AdminSite) -> list[str]:
    """What code has put on this very site in place of its class's: packages' advice, often."""
    return sorted({"login", "login_template"} & set(vars(site)))


def home() -> str:
    """The front page of staff: admin's, else the first of STAFF_PATHS."""
    return _front_page(*_where()) or next(iter(conf.STAFF_PATHS), "/")


def staff() -> tuple[str, ...]:
    """The path prefixes that are staff's: each admin site, and STAFF_PATHS."""
    return (*_in_each_language("index"), *conf.STAFF_PATHS)


def own_pages() -> tuple[str, ...]:
    """The path prefixes of the sign-in itself: nobody is led back to one, nothing ends there."""
    start = _path("staff_login").removesuffix("login/")
    return (*((start,) if start else ()), *_in_each_language(*_PAGES))


def login_pages() -> tuple[str, ...]:
    """The login page of each admin site with our button."""
    return tuple(_path(f"{site.name}:login") for site in _ours())


def login_page(path: str = "") -> str:
    """The page with the button that leads to `path`: of that admin site, if it has one."""
    ours = {site: _path(f"{site.name}:index") for site in _ours()}
    theirs = [site for site, index in ours.items() if path.startswith(index)]
    site = max(theirs, key=lambda site: len(ours[site]), default=next(iter(ours), None))
    return _path(f"{site.name}:login") if site else _path("staff_login")


def callback() -> str:
    """Where Microsoft sends people back to; "" where this app's URLs are not included."""
    return _path("staff_callback")


def break_glass() -> str:
    """The page behind break-glass links, or "" where no admin site has our button."""
    return next((_path(f"{site.name}:break_glass") for site in _ours()), "")


def _ours() -> list[AdminSite]:
    return [site for site in admin_sites() if has_button(site)]


def _where() -> tuple[str, str, str]:
    """What a path depends on, beside its name; the language where paths begin with one."""
    urlconf = get_urlconf() or settings.ROOT_URLCONF
    prefixed, _default = is_language_prefix_patterns_used(urlconf)
    language = get_language() or settings.LANGUAGE_CODE if prefixed else ""
    return urlconf, get_script_prefix(), language


@lru_cache(maxsize=64)  # asked for several times a request
def _front_page(_urlconf: str, _prefix: str, _language: str) -> str:
    return next((_path(f"{site.name}:index") for site in admin_sites()), "")


def _in_each_language(*pages: str) -> Iterable[str]:
    return _paths_of(pages, *_where())


@lru_cache(maxsize=64)  # asked for with every request; the sites are those of the URLs
def _paths_of(
    pages: tuple[str, ...], _urlconf: str, _prefix: str, language: str
) -> tuple[str, ...]:
    names = [f"{site.name}:{page}" for site in admin_sites() for page in pages]
    found = dict.fromkeys(map(_path, names))
    if language:
        for each, _name in settings.LANGUAGES:
            with override(each):
                found |= dict.fromkeys(map(_path, names))
    return tuple(path for path in found if path)


def _path(name: str) -> str:
    return _reversed(name, *_where())


@lru_cache(maxsize=256)  # asked for with every request
def _reversed(name: str, urlconf: str, _prefix: str, _language: str) -> str:
    try:
        return reverse(name, urlconf)
    except NoReverseMatch:
        return ""


def _forget(setting: str, **kwargs: Any) -> None:
    if setting == "ROOT_URLCONF":
        for cached in (_reversed, _paths_of, _front_page):
            cached.cache_clear()


setting_changed.connect(_forget, dispatch_uid=__name__)
