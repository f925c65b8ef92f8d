"""A registry of the serving processes and the fingerprints of their settings, for `doctor`.

Each worker writes an entry to Redis when it starts and once a minute, from a thread. An entry holds
keyed hashes of settings, never their values, and expires when its process stops renewing it. It is
sealed; its process's name stands before the seal, readable without the SECRET_KEY. Without Redis
nothing is written.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache, partial
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.cache import caches
from django.utils.crypto import salted_hmac

from ..conf import conf, is_a_host
from ..protection import sealed
from ..stores.outages import STORE_ERRORS
from ..stores.redis_cache import client_of, is_redis

logger = logging.getLogger(__name__)
_SALT: Final = "accounts.processes"  # fixed, so that releases can be compared

RENEW_SECONDS: Final = 60.0  # between two writes of a process
EXPIRY_SECONDS: Final = 150.0  # after the last write
_FIRST_SECONDS: Final = 5.0  # for which a start waits at most; a failing Redis command takes two
_NAME: Final = "processes"
_SEAL: Final = " | "
_OWNER: Final = re.compile(r"(\d{1,9}) on ([A-Za-z0-9.-]{1,64})")
# What a sign-in depends on; secrets too, since a fingerprint does not reveal them.
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
    """One serving process; `prints` are the fingerprints of its settings by name."""

    host: str
    pid: int
    since: float
    release: str
    secret_key: str
    prints: Mapping[str, str]

    @property
    def name(self) -> str:
        """As doctor shows it."""
        return f"{self.pid} on {self.host}"


@dataclass(frozen=True, slots=True)
class Running:
    """The registered processes; `foreign` has the names of those with another SECRET_KEY."""

    readable: Sequence[Process]
    foreign: Sequence[str]


def this_process(since: float) -> Process:
    """The entry of this process, which serves since then."""
    return Process(
        host=socket.gethostname(),
        pid=os.getpid(),
        since=since,
        release=release(),
        secret_key=_hash(settings.SECRET_KEY),
        prints={name: _fingerprint(name) for name in NAMES},
    )


def keep_registered() -> None:
    """Register this process now and once a minute, from a daemon thread.

    Returns when the first attempt is over, so that doctor knows each process that serves.
    """
    if can_register():
        tried = threading.Event()
        each_minute = partial(_register_each_minute, tried)
        threading.Thread(target=each_minute, name="processes", daemon=True).start()
        tried.wait(_FIRST_SECONDS)


def can_register() -> bool:
    """Whether there is a Redis to register in; never in another site."""
    return not is_a_host() and is_redis(settings.CACHES["default"])


def running() -> Running:
    """The registered processes. Raises what Redis raises."""
    redis = client_of()
    redis.zremrangebyscore(_key(), 0, time.time() - EXPIRY_SECONDS)
    entries = [entry.decode(errors="replace") for entry in redis.zrange(_key(), 0, -1)]
    readable, foreign = [], []
    for name, sealed_part in filter(None, map(_split, entries)):
        process = _unsealed(sealed_part)
        if process is None:
            foreign.append(name)
        else:
            readable.append(process)
    return Running(readable, foreign)


@cache
def release() -> str:
    """A hash of this app's code, as it is when first asked: before workers fork."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()[:12]


def _register_each_minute(tried: threading.Event) -> None:
    entry = entry_of(this_process(time.time()))
    while True:
        try:
            register(entry, time.time())
        except (*STORE_ERRORS, OSError, ValueError):  # retried in a minute
            logger.info("this process could not be registered")
        tried.set()
        time.sleep(RENEW_SECONDS)


def entry_of(process: Process) -> str:
    """The process's entry as text: made once, so that renewing it adds no second one."""
    return f"{process.name}{_SEAL}{sealed.seal(_NAME, asdict(process))}"


def register(entry: str, at: float) -> None:
    """Write or renew the entry, as of that time. Raises what Redis raises."""
    with client_of().pipeline(transaction=False) as pipe:
        pipe.zadd(_key(), {entry: at})
        pipe.zremrangebyscore(_key(), 0, time.time() - EXPIRY_SECONDS)
        pipe.expire(_key(), round(EXPIRY_SECONDS))
        pipe.execute()


def _split(entry: str) -> tuple[str, str] | None:
    """The process's name and the sealed part; None if that process has ended."""
    name, _, sealed_part = entry.partition(_SEAL)
    found = _OWNER.fullmatch(name)
    if found is None or _has_ended(int(found[1]), found[2]):
        return None
    return name, sealed_part


def _has_ended(pid: int, host: str) -> bool:
    """Known only of processes on this machine."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _unsealed(text: str) -> Process | None:
    """None for one with another SECRET_KEY, or of a release with other fields."""
    try:
        values = sealed.unseal(_NAME, text)
        return Process(**{field.name: values[field.name] for field in fields(Process)})
    except (sealed.NotSealed, TypeError, LookupError):
        return None


def _key() -> str:
    return str(caches["default"].make_key(f"{_NAME}:{_hash(conf.PUBLIC_URL)}"))


def _fingerprint(name: str) -> str:
    if name == "DATABASE_URL":
        entry = settings.DATABASES["default"]
        value: object = [str(entry.get(part, "")) for part in _DATABASE]
    else:
        value = getattr(conf, name, "")
    ordered = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value
    text = json.dumps(ordered, default=str)
    return salted_hmac(_SALT, f"{name}={text}", algorithm="sha256").hexdigest()[:16]


def _hash(text: str) -> str:
    """Only of values that are long and random, or not secret."""
    return hashlib.sha256(f"{_SALT}:{text}".encode()).hexdigest()[:16]
