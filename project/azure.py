"""Signing in to Redis and PostgreSQL as the site's managed identity: `?auth=entra` in their URLs.

Sources: Microsoft's pages "Use Microsoft Entra ID for cache authentication with Azure Managed
Redis" (scope, user name, sign in again three minutes before a token ends) and "Connect with managed
identity to Azure Database for PostgreSQL - Flexible Server" (a token is the password; it is looked
at only while connecting).

Importing this imports nothing of Azure's: that, the first request and the thread that renews
Redis's token wait until a worker needs a token, which is after gunicorn has forked it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from django.conf import settings
from redis.auth.token import JWToken, TokenInterface
from redis.auth.token_manager import RetryPolicy, TokenManagerConfig
from redis.connection import ConnectionPool
from redis.credentials import StreamingCredentialProvider
from redis.exceptions import RedisError
from typing_extensions import override

from accounts.http.deadline import SingleFlight
from accounts.process.per_process import PerProcess

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.identity import DefaultAzureCredential

logger = logging.getLogger(__name__)

REDIS: Final = "https://redis.azure.com/.default"
POSTGRESQL: Final = "https://ossrdbms-aad.database.windows.net/.default"

# Once, and not for long: someone waits for the page that would say so.
_TIMEOUTS: Final = {"connection_timeout": 1.0, "read_timeout": 1.5, "retry_total": 0}
_SECONDS: Final = 10.0  # for an answer, of whichever way to one
_ON_THE_WAY: Final = 10.0  # seconds before its end, from which on a token may come too late
# A developer's own logins, some of which start programs and take seconds to say no.
_DEVELOPERS: Final = (
    "shared_token_cache",
    "visual_studio_code",
    "cli",
    "powershell",
    "developer_cli",
    "broker",
)
# Redis's token is renewed at 70 % of its life, at the latest 3 minutes before it ends; while none
# can be had, every 10 s for 15 minutes. (The time-out is a number that redis-py does not read.)
_RENEWAL: Final = TokenManagerConfig(0.7, 180_000, 3_000, RetryPolicy(90, 10_000))


class NoToken(Exception):
    """Entra gave no token; the text says why on one line: of several ways tried, the last."""

    fix = (  # what `doctor` says
        "Turn the identity on (App Service > Identity); for a user-assigned one set AZURE_CLIENT_ID"
        " to its client id, for the system's leave it unset."
    )

    def __init__(self, problem: Exception) -> None:
        last = str(problem).rpartition("\n\t")[2].partition("\n")[0]
        super().__init__(f"no Entra token: {last[:300]}")


def token(scope: str) -> str:
    """An access token for the scope, of AZURE_CLIENT_ID's identity or the host's own.

    azure-identity keeps it, and asks for the next one at half the life of tokens that last two
    hours or more, else five minutes before the end: from then on it takes none of its own, so the
    last one is kept here, too, and used to its end while no other can be had. Raises NoToken.
    """
    last = _last.get()
    try:
        last[scope] = _requests.get()[scope].result(_SECONDS)
    except Exception as problem:  # azure-identity and its transports raise what they like
        if scope not in last or time.time() > last[scope].expires_on - _ON_THE_WAY:
            raise NoToken(problem) from problem
        logger.warning("an Entra token is used to its end (%s)", type(problem).__name__)
    return last[scope].token


def _make_credential() -> DefaultAzureCredential:
    from azure.identity import DefaultAzureCredential

    names = () if settings.DEBUG else _DEVELOPERS
    excluded = {f"exclude_{name}_credential": True for name in names}
    return DefaultAzureCredential(**_TIMEOUTS, **excluded)


def _ask(scope: str) -> AccessToken:
    return _credential.get().get_token(scope)


_credential = PerProcess(_make_credential)
# Whoever comes while a scope's token is being asked for gets the same answer.
_requests = PerProcess(
    lambda: {scope: SingleFlight(partial(_ask, scope)) for scope in (REDIS, POSTGRESQL)}
)
_last: PerProcess[dict[str, AccessToken]] = PerProcess(dict)


class RedisLogin(StreamingCredentialProvider):
    """User name and password of each new connection; live ones sign in again with new tokens.

    Goes to redis-py's pools, of which a cluster has one for each node. The renewal is
    redis-entraid's, one a process; its chain of timers may break, and is then begun anew by whoever
    connects after the last token.
    """

    def __init__(self) -> None:
        self._lock = PerProcess(threading.Lock)
        self._renewed_until = 0.0  # in milliseconds, as all of redis-py's times
        self._pools: WeakSet[ConnectionPool] = WeakSet()

    def serves(self, pool: ConnectionPool) -> None:
        """The pool's live connections are among those that sign in again."""
        self._pools.add(pool)

    @override
    def get_credentials(self) -> tuple[str, str]:
        """The identity's object id and a token; raises RedisError, which nothing here retries."""
        try:
            found = JWToken(token(REDIS))
        except Exception as problem:  # redis-py would leave the connection open after any other
            raise RedisError(str(problem)) from problem
        if self._needs_renewal(found):
            threading.Thread(target=self._renew, daemon=True).start()
        return found.try_get("oid"), found.get_value()

    @override
    def on_next(self, callback: Callable[[Any], None]) -> None:
        """redis-py's would reach the pool of the last client only."""

    @override
    def on_error(self, callback: Callable[[Exception], None]) -> None:
        """redis-py's would raise in a thread where nobody sees it."""

    @override
    def is_streaming(self) -> bool:
        return self._renewed_until > 0

    def _needs_renewal(self, found: TokenInterface) -> bool:
        """Whether nobody renews; says so once, and counts on the caller then."""
        with self._lock.get():
            if time.time() * 1000 < self._renewed_until:
                return False
            self._renewed_until = found.get_expires_at_ms()
            return True

    def _renew(self) -> None:
        """Begin the renewal, which goes on in redis-entraid's own thread."""
        from redis_entraid.cred_provider import EntraIdCredentialsProvider
        from redis_entraid.identity_provider import DefaultAzureCredentialProvider

        identity = DefaultAzureCredentialProvider(_credential.get(), (REDIS,))
        provider = EntraIdCredentialsProvider(identity, _RENEWAL)
        provider.on_next(self._renewed)
        provider.on_error(self._not_renewed)
        try:
            provider.get_credentials()
        except Exception as problem:
            self._not_renewed(problem)

    def _renewed(self, token: TokenInterface) -> None:
        """Raises nothing: that would break the chain."""
        self._renewed_until = token.get_expires_at_ms()
        for pool in list(self._pools):
            try:
                pool.re_auth_callback(token)
            except Exception as problem:
                name = type(problem).__name__
                logger.warning("not all connections to Redis signed in again (%s)", name)

    def _not_renewed(self, problem: Exception) -> None:
        logger.error("Redis's Entra token could not be renewed (%s)", type(problem).__name__)
