"""Redis and PostgreSQL: restarted, flushed, full, hanging, away, read-only, not migrated."""

import time
from collections.abc import Callable

from tests.faults.fault import Fault, fault
from tests.faults.stage import Stage
from tests.fixtures import POSTGRES
from tests.servers.redis import Redis

READ_ONLY = "options=-c%20default_transaction_read_only%3Don"
SOON = 3.0  # seconds that people wait for a page that says so


def _with_redis(stage: Stage, *arguments: str) -> Redis:
    redis = stage.redis(*arguments)
    stage.start(REDIS_URL=redis.url)
    return redis


@fault(
    "Redis restarts while people are at Microsoft, and keeps nothing",
    page="session_not_found",
    doctor="redis.persistence",
    says="Redis loses everything when it restarts",
)
def redis_restarted(stage: Stage) -> str:
    """Redis without save and appendonly is restarted between start and callback."""
    redis = _with_redis(stage)
    return stage.sign_in(between=redis.restart)


@fault(
    "Somebody empties Redis",
    page="session_not_found",
    doctor="refusals.session_not_found",
    says="gone from the store",
)
def redis_flushed(stage: Stage) -> str:
    """FLUSHDB between start and callback, as another app's cache.clear() does."""
    redis = _with_redis(stage)
    return stage.sign_in(between=redis.client().flushdb)


@fault(
    "Redis is full and evicts sessions",
    page="session_not_found",
    doctor="redis.eviction",
    says="discards sessions",
)
def redis_evicting(stage: Stage) -> str:
    """maxmemory is small, the policy allkeys-lru, and another app fills it meanwhile."""
    exactly = ("--maxmemory-samples", "64")  # else Redis guesses which key is the oldest
    policy = ("--maxmemory-policy", "allkeys-lru")
    redis = _with_redis(stage, "--maxmemory", "3mb", *policy, *exactly)
    return stage.sign_in(between=lambda: _fill(redis))


@fault(
    "Redis is full and takes no writes",
    page="session_store_unavailable",
    doctor="redis.writable",
    says="Redis is full: raise maxmemory",
)
def redis_full(stage: Stage) -> str:
    """maxmemory is small, the policy noeviction, and another app has filled it."""
    redis = _with_redis(stage, "--maxmemory", "3mb", "--maxmemory-policy", "noeviction")
    redis.client().config_set("maxmemory", "1kb")
    return stage.sign_in()


def _fill(redis: Redis) -> None:
    time.sleep(1.1)  # Redis counts a key's age in whole seconds
    with redis.client().pipeline(transaction=False) as pipe:
        for number in range(3000):
            pipe.set(f"other-app:{number}", "x" * 2000)
        pipe.execute()


@fault(
    "Redis is down",
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="Start Redis",
)
def redis_down(stage: Stage) -> str:
    """Redis ends between start and callback; nobody's cookie is deleted, the page comes soon."""
    redis = _with_redis(stage)
    return _keeps_the_cookie(stage, redis.stop)


@fault(
    "Redis hangs",
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="The port accepts connections, but Redis does not answer",
)
def redis_hangs(stage: Stage) -> str:
    """Redis is stopped (SIGSTOP) between start and callback: connections stay, nothing answers."""
    redis = _with_redis(stage)
    return _keeps_the_cookie(stage, redis.pause)


def _keeps_the_cookie(stage: Stage, break_it: Callable[[], object]) -> str:
    browser = stage.browser()
    callback = browser.choose(browser.press_button())
    cookie = browser.session_cookie()
    break_it()
    began = time.monotonic()
    page = browser.come_back(callback)
    assert time.monotonic() - began < SOON
    assert browser.session_cookie() == cookie
    return stage.outcome(page, browser)


redis_replica = Fault(
    "REDIS_URL leads to a read-only replica",
    "REDIS_URL is a replica's address.",
    env=lambda stage: {"REDIS_URL": _replica(stage).url},
    page="session_store_unavailable",
    doctor="redis.role",
    says="REDIS_URL leads to a replica",
)


def _replica(stage: Stage) -> Redis:
    return stage.redis("--replicaof", "127.0.0.1", str(stage.redis().port))


redis_password = Fault(
    "The password in REDIS_URL is wrong",
    "The access key of Redis was regenerated, REDIS_URL still has the old one.",
    env=lambda stage: {
        "REDIS_URL": stage.redis("--requirepass", "the-new-one").url.replace("//", "//:the-old@")
    },
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="password in REDIS_URL is wrong",
)

redis_tls = Fault(
    "REDIS_URL says TLS, the port speaks plain",
    "rediss:// with the address of a port without TLS.",
    env=lambda stage: {"REDIS_URL": stage.redis().url.replace("redis://", "rediss://")},
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="rediss:// is for a TLS port",
)


@fault(
    "PostgreSQL is down",
    page="database_unavailable",
    record=None,
    log="OperationalError",
    doctor="database.reachable",
    says="Start the database server",
)
def postgres_down(stage: Stage) -> str:
    """The server ends between start and callback."""
    stage.stack.callback(POSTGRES.start)
    return stage.sign_in(between=POSTGRES.stop)


not_migrated = Fault(
    "The database is not migrated",
    "DATABASE_URL leads to a new, empty database.",
    env=lambda stage: {"DATABASE_URL": stage.empty_database("faults_empty")},
    page="unexpected",
    record=None,
    log="does not exist",
    doctor="database.migrations",
    says="./manage.py migrate",
)

read_only_database = Fault(
    "The database is read-only",
    "default_transaction_read_only is on, as on a standby after a failover.",
    env=lambda stage: {"DATABASE_URL": f"{stage.env['DATABASE_URL']}?{READ_ONLY}"},
    page="database_unavailable",
    record=None,
    log="read-only transaction",
    doctor="database.writable",
    says="Set DATABASE_URL to the primary server",
)
