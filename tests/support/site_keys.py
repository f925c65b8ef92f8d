"""Which keys of the shared Redis are a site's: this process uses those of one at a time."""

from django.core.cache import caches

from project.redis_cache import key_prefix
from tests.servers.site import Site


def follow(site: Site) -> Site:
    """From now on this process's cache and sessions are the site's, until the test ends."""
    _use(key_prefix(site.url))
    return site


def forget() -> None:
    """Back to the keys of this process's own PUBLIC_URL."""
    from django.conf import settings

    _use(str(settings.CACHES["default"].get("KEY_PREFIX", "")))


def _use(prefix: str) -> None:
    caches["default"].key_prefix = prefix
