"""Which processes run, since when, and with which settings: told to `doctor`, by fingerprints only.

Each worker writes an entry of its own to Redis when it starts and once a minute, in a thread:
a request costs nothing. An entry is sealed, names values by a keyed hash and never holds one, and
counts for nothing once its process has been silent. Without Redis nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.core.cache import caches
from django.utils.crypto import salted_hmac

from . import sealed
from .outages import STORE_ERRORS

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

EVERY: Final = 60.0  # seconds between two entries of a process
SILENT: Final = 150.0  # seconds after which a process counts as gone
_NAME: Final = "processes"
# What a sign-in depends on; secrets too, since none of them can be read from its fingerprint.
NAMES: Final = (
    "PUBLIC_URL",
    "ALLOWED_HOSTS",
    "TRUSTED_PROXY_COUNT",
    "DATABASE_URL",
    "REDIS_URL",
    "MICROSOFT_TENANT_ID",
    "MICROSOFT_ALLOWED_TENANTS",
    "MICROSOFT_CLIENT_ID",
    "MICROSOFT_CLIENT_SECRET",
    "MICROSOFT_LOGIN_URL",
    "MICROSOFT_ALLOW_GUESTS",
    "MICROSOFT_PROXY_URL",
    "MICROSOFT_CA_BUNDLE",
    "ADMIN_PASSWORD_LOGIN",
    "SESSION_HOURS",
    "SESSION_ENGINE",
)
_DATABASE: Final = ("ENGINE", "HOST", "PORT", "NAME", "USER", "PASSWORD")


@dataclass(frozen=True, slots=True)
class Process:
    """One process that serves; `prints` are fingerprints of settings by name."""

    host: str
    pid: int
    since: float
    release: str
    secret_key: str
    prints: Mapping[str, str]

    @property
    def name(self) -> str:
        """How doctor calls it."""
        return f"{self.pid} on {self.host}"

    @property
    def is_dead(self) -> bool:
        """Whether it was on this machine and is there no more."""
        if self.host != socket.gethostname():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False
        return False


def this_process(since: float) -> Process:
    """What this process would say of itself."""
    return Process(
        host=socket.gethostname(),
        pid=os.getpid(),
        since=since,
        release=release(),
        secret_key=_hash(settings.SECRET_KEY),
        prints={name: _fingerprint(name) for name in NAMES},
    )


def publish() -> None:
    """Begin to tell of this process, now and once a minute, in a thread that ends with it."""
    if settings.CACHES["default"]["BACKEND"].startswith("django_redis."):
        threading.Thread(target=_keep_telling, name="processes", daemon=True).start()


def running() -> list[Process]:
    """The processes that have told of themselves lately. Raises what Redis raises."""
    redis = _redis()
    if redis is None:
        return []
    redis.zremrangebyscore(_key(), 0, time.time() - SILENT)
    found = [_opened(entry.decode()) for entry in redis.zrange(_key(), 0, -1)]
    return [each for each in found if each is not None and not each.is_dead]


def release() -> str:
    """The code that runs, named by its content."""
    told = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        told.update(path.read_bytes())
    return told.hexdigest()[:12]


def _keep_telling() -> None:
    entry = entry_of(this_process(time.time()))
    while True:
        try:
            tell(entry, time.time())
        except (*STORE_ERRORS, OSError, ValueError):  # the next minute tries again
            logger.info("this process could not be told of")
        time.sleep(EVERY)


def entry_of(process: Process) -> str:
    """What is written of a process; the same text each time, so that it stays one entry."""
    return sealed.seal(_NAME, asdict(process))


def tell(entry: str, at: float) -> None:
    """Write the entry, as of this moment. Raises what Redis raises."""
    redis = _redis()
    with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(_key(), {entry: at})
        pipe.zremrangebyscore(_key(), 0, time.time() - SILENT)
        pipe.expire(_key(), round(SILENT))
        pipe.execute()


def _opened(text: str) -> Process | None:
    """None for what this site did not seal: another SECRET_KEY's is told by its absence."""
    try:
        return Process(**sealed.unseal(_NAME, text))
    except (sealed.NotSealed, TypeError):
        return None


def _key() -> str:
    return str(caches["default"].make_key(f"{_NAME}:{_hash(settings.PUBLIC_URL)}"))


def _redis() -> Any:
    if not settings.CACHES["default"]["BACKEND"].startswith("django_redis."):
        return None
    from django_redis import get_redis_connection

    return get_redis_connection("default")


def _fingerprint(name: str) -> str:
    if name == "DATABASE_URL":
        entry = settings.DATABASES["default"]
        value: object = [str(entry.get(part, "")) for part in _DATABASE]
    else:
        value = getattr(settings, name, "")
    plain = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value
    text = json.dumps(plain, default=str)
    return salted_hmac(__name__, f"{name}={text}", algorithm="sha256").hexdigest()[:16]


def _hash(text: str) -> str:
    """Of what is long and random, or no secret."""
    return hashlib.sha256(f"{__name__}:{text}".encode()).hexdigest()[:16]
