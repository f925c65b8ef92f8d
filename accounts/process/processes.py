"""Which processes run, since when, and with which settings: told to `doctor`, by fingerprints only.

Each worker writes an entry of its own to Redis when it starts and once a minute, in a thread:
a request costs nothing. An entry is sealed, names values by a keyed hash and never holds one, and
counts for nothing once its process has been silent. Before the seal stands whose it is, so that a
process with another SECRET_KEY has a name, too. Without Redis nothing is written.
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
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.cache import caches
from django.utils.crypto import salted_hmac

from ..conf import conf, is_a_host
from ..protection import sealed
from ..stores.outages import STORE_ERRORS
from ..stores.redis_cache import client_of, is_redis

logger = logging.getLogger(__name__)
_SALT: Final = "accounts.processes"  # whatever this module is called: releases are compared

EVERY: Final = 60.0  # seconds between two entries of a process
SILENT: Final = 150.0  # seconds after which a process counts as gone
_NAME: Final = "processes"
_SEAL: Final = " | "
_OWNER: Final = re.compile(r"(\d{1,9}) on ([A-Za-z0-9.-]{1,64})")
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


@dataclass(frozen=True, slots=True)
class Running:
    """Who has told of themselves lately; `foreign` names those with another SECRET_KEY."""

    readable: Sequence[Process]
    foreign: Sequence[str]


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


def keep_registered() -> None:
    """Begin to tell of this process, now and once a minute, in a thread that ends with it."""
    if can_register():
        threading.Thread(target=_register_each_minute, name="processes", daemon=True).start()


def can_register() -> bool:
    """Whether there is a place where processes can tell of themselves."""
    return not is_a_host() and is_redis(settings.CACHES["default"])


def running() -> Running:
    """The processes that have told of themselves lately. Raises what Redis raises."""
    redis = _redis()
    redis.zremrangebyscore(_key(), 0, time.time() - SILENT)
    entries = [entry.decode(errors="replace") for entry in redis.zrange(_key(), 0, -1)]
    readable, foreign = [], []
    for name, entry in filter(None, map(_named, entries)):
        process = _opened(entry)
        if process is None:
            foreign.append(name)
        else:
            readable.append(process)
    return Running(readable, foreign)


def release() -> str:
    """The code that runs, named by its content."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()[:12]


def _register_each_minute() -> None:
    entry = entry_of(this_process(time.time()))
    while True:
        try:
            register(entry, time.time())
        except (*STORE_ERRORS, OSError, ValueError):  # the next minute tries again
            logger.info("this process could not be registered")
        time.sleep(EVERY)


def entry_of(process: Process) -> str:
    """What is written of a process; the same text each time, so that it stays one entry."""
    return f"{process.name}{_SEAL}{sealed.seal(_NAME, asdict(process))}"


def register(entry: str, at: float) -> None:
    """Write the entry, as of this moment. Raises what Redis raises."""
    redis = _redis()
    with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(_key(), {entry: at})
        pipe.zremrangebyscore(_key(), 0, time.time() - SILENT)
        pipe.expire(_key(), round(SILENT))
        pipe.execute()


def _named(text: str) -> tuple[str, str] | None:
    """Whose entry it says it is, and the sealed part; None of a process that is gone."""
    name, _, entry = text.partition(_SEAL)
    found = _OWNER.fullmatch(name)
    if found is None or _is_dead(int(found[1]), found[2]):
        return None
    return name, entry


def _is_dead(pid: int, host: str) -> bool:
    """Whether it was on this machine and is there no more."""
    if host != socket.gethostname():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _opened(text: str) -> Process | None:
    """None for what was sealed with another SECRET_KEY, or by a release with other fields."""
    try:
        told = sealed.unseal(_NAME, text)
        return Process(**{each.name: told[each.name] for each in fields(Process)})
    except (sealed.NotSealed, TypeError, LookupError):
        return None


def _key() -> str:
    return str(caches["default"].make_key(f"{_NAME}:{_hash(conf.PUBLIC_URL)}"))


def _redis() -> Any:
    return client_of()


def _fingerprint(name: str) -> str:
    if name == "DATABASE_URL":
        entry = settings.DATABASES["default"]
        value: object = [str(entry.get(part, "")) for part in _DATABASE]
    else:
        value = getattr(conf, name, "")
    plain = sorted(map(str, value)) if isinstance(value, (set, frozenset)) else value
    text = json.dumps(plain, default=str)
    return salted_hmac(_SALT, f"{name}={text}", algorithm="sha256").hexdigest()[:16]


def _hash(text: str) -> str:
    """Of what is long and random, or no secret."""
    return hashlib.sha256(f"{_SALT}:{text}".encode()).hexdigest()[:16]
