"""Redis and PostgreSQL: restarted, flushed, full, hanging, away, read-only, not migrated."""

import time

from tests.conftest import POSTGRES
from tests.faults.fault import fault
from tests.faults.stage import Stage
from tests.servers.redis import Redis

SOON = 3.0  # seconds that people wait for a page that says so


def _with_redis(stage: Stage, *arguments: str) -> Redis:
    redis = stage.redis(*arguments)
    stage.start(REDIS_URL=redis.url)
    return redis


@fault(
    "Redis restarts while people are at Microsoft, and keeps nothing",
    page="session_not_found",
    doctor="redis.persistence",
    says="Redis forgets everything when it restarts",
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
    says="throws sessions away",
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
    alone=True,
)
def redis_down(stage: Stage) -> str:
    """Redis ends between start and callback; nobody's cookie is deleted, the page comes soon."""
    redis = _with_redis(stage)
    return _keeps_the_cookie(stage, redis.stop)


@fault(
    "Redis hangs",
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="Redis does not answer",
    alone=True,
)
def redis_hangs(stage: Stage) -> str:
    """Redis is stopped (SIGSTOP) between start and callback: connections stay, nothing answers."""
    redis = _with_redis(stage)
    return _keeps_the_cookie(stage, redis.pause)


def _keeps_the_cookie(stage: Stage, break_it: object) -> str:
    browser = stage.browser()
    callback = browser.choose(browser.press_button())
    cookie = browser.session_cookie()
    assert callable(break_it)
    break_it()
    began = time.monotonic()
    page = browser.come_back(callback)
    assert time.monotonic() - began < SOON
    assert browser.session_cookie() == cookie
    return page.reason


@fault(
    "REDIS_URL leads to a read-only replica",
    page="session_store_unavailable",
    doctor="redis.role",
    says="REDIS_URL leads to a replica",
)
def redis_replica(stage: Stage) -> str:
    """REDIS_URL is a replica's address."""
    master = stage.redis()
    replica = stage.redis("--replicaof", "127.0.0.1", str(master.port))
    stage.start(REDIS_URL=replica.url)
    return stage.sign_in()


@fault(
    "The password in REDIS_URL is wrong",
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="password in REDIS_URL is wrong",
)
def redis_password(stage: Stage) -> str:
    """The access key of Redis was regenerated, REDIS_URL still has the old one."""
    redis = stage.redis()
    redis.client().config_set("requirepass", "the-new-one")
    stage.start(REDIS_URL=redis.url.replace("redis://", "redis://:the-old-one@"))
    return stage.sign_in()


@fault(
    "REDIS_URL says TLS, the port speaks plain",
    page="session_store_unavailable",
    doctor="redis.reachable",
    says="rediss:// is for a TLS port",
)
def redis_tls(stage: Stage) -> str:
    """rediss:// with the address of a port without TLS."""
    redis = stage.redis()
    stage.start(REDIS_URL=redis.url.replace("redis://", "rediss://"))
    return stage.sign_in()


@fault(
    "PostgreSQL is down",
    page="database_unavailable",
    doctor="database.reachable",
    says="Start the database server",
    alone=True,
)
def postgres_down(stage: Stage) -> str:
    """The server ends between start and callback."""
    stage.stack.callback(POSTGRES.start)
    return stage.sign_in(between=POSTGRES.stop)


@fault(
    "The database is not migrated",
    page="unexpected",
    doctor="database.migrations",
    says="./manage.py migrate",
)
def not_migrated(stage: Stage) -> str:
    """DATABASE_URL leads to a new, empty database."""
    stage.stack.callback(POSTGRES.drop_database, "faults_empty")
    stage.start(DATABASE_URL=POSTGRES.create_database("faults_empty"))
    return stage.sign_in()


@fault(
    "The database is read-only",
    page="unexpected",
    doctor="database.writable",
    says="Set DATABASE_URL to the primary server",
)
def read_only_database(stage: Stage) -> str:
    """default_transaction_read_only is on, as on a standby after a failover."""
    option = "options=-c%20default_transaction_read_only%3Don"
    stage.start(DATABASE_URL=f"{stage.env['DATABASE_URL']}?{option}")
    return stage.sign_in()
