"""What Redis answers when it is not well, or the user's rights stop short: each code of its own."""

import re
import threading
import time
from contextlib import suppress
from typing import Any

from redis.exceptions import RedisError

from tests.faults.fault import GETS_IN, Fault, fault
from tests.faults.stage import Stage
from tests.servers.ports import LOOPBACK, free_port, outside_address
from tests.servers.redis import Redis
from tests.servers.redis_cluster import RedisCluster
from tests.servers.relay import Relay
from tests.servers.tiny_disk import TinyDisk
from tests.support.redis_like import RedisLike

NO_STORE = "session_store_unavailable"


def tell(redis: Redis, *words: Any) -> Any:
    client: Any = redis.client()
    return client.execute_command(*words)


def refusing(
    sentence: str, set_up: str, code: str, says: str, doctor: str = "redis.writable", **how: Any
) -> Fault:
    """Redis answers with this code: it is in the log and the record, and doctor knows it."""
    expected: dict[str, Any] = {"page": NO_STORE, "log": code, "doctor": doctor, "says": says}
    return Fault(sentence, set_up, **{**expected, **how})


# --- the server's own condition ------------------------------------------------------------------


def full_disk(stage: Stage, *arguments: str) -> Redis:
    """Redis on a disk of one megabyte, which another program has filled."""
    disk = stage.stack.enter_context(TinyDisk())
    redis = stage.redis("--dir", str(disk.path), *arguments)
    redis.client().set("kept", "x" * 2000)
    disk.fill()
    stage.stack.callback(redis.kill)  # it does not end while it cannot save
    return redis


def cannot_dump(stage: Stage) -> dict[str, str]:
    redis = full_disk(stage, "--save", "3600 1", "--rdb-del-sync-files", "no")
    client: Any = redis.client()
    client.set("more", "x" * 200_000)
    client.bgsave()
    until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")
    return {"REDIS_URL": redis.url}


def cannot_append(stage: Stage) -> dict[str, str]:
    redis = full_disk(stage, "--appendonly", "yes", "--appendfsync", "everysec")
    client: Any = redis.client()
    with suppress(RedisError):
        until(lambda: not client.set("more", "x" * 100_000))
    return {"REDIS_URL": redis.url}


def until(true: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "Redis does not come to it"
        time.sleep(0.05)


disk_full_for_snapshots = refusing(
    "Redis's disk is full, and its last snapshot failed",
    "save is on, and its disk holds one megabyte.",
    "MISCONF",
    "Redis cannot save to its disk and refuses writes: free space",
    doctor="redis.reachable",
    env=cannot_dump,
)
disk_full_for_the_log = refusing(
    "Redis's disk is full, and its append-only file cannot be written",
    "appendonly is on, and its disk holds one megabyte.",
    "MISCONF",
    "Redis cannot save to its disk and refuses writes: free space",
    doctor="redis.reachable",
    env=cannot_append,
)


def loading(stage: Stage) -> dict[str, str]:
    """A restart with data that take a minute to be read."""
    plainly = ("--rdbcompression", "no")
    redis = stage.redis(*plainly)
    with redis.client().pipeline(transaction=False) as pipe:
        for number in range(3000):
            pipe.set(f"other:{number}", "x" * 300)
        pipe.save()
        pipe.execute()
    redis.stop()
    slow = ("--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024")
    again = Redis(*plainly, *slow, port=redis.port, directory=redis.directory)
    stage.stack.enter_context(again)
    stage.stack.callback(again.kill)
    return {"REDIS_URL": redis.url}


still_loading = refusing(
    "Redis is still loading its data",
    "It was restarted, and reads a large append-only file.",
    "loading",
    "Redis is still loading its data: wait",
    doctor="redis.reachable",
    env=loading,
)


def busy(stage: Stage) -> dict[str, str]:
    redis = stage.redis("--busy-reply-threshold", "50")

    def endless() -> None:
        with suppress(RedisError):
            tell(redis, "EVAL", "while true do end", 0)

    threading.Thread(target=endless, daemon=True).start()
    time.sleep(0.3)
    stage.stack.callback(redis.kill)
    return {"REDIS_URL": redis.url}


script_blocks = refusing(
    "A script of another app blocks Redis",
    "EVAL of a loop without an end.",
    "BUSY",
    "A script blocks Redis: SCRIPT KILL",
    doctor="redis.reachable",
    env=busy,
)
too_many_clients = refusing(
    "Redis takes no more connections",
    "maxclients is 1, and another program holds one.",
    "max number of clients reached",
    "All connections are in use",
    doctor="redis.reachable",
    env=lambda stage: crowded(stage),
)


def crowded(stage: Stage) -> dict[str, str]:
    redis = stage.redis()
    holder = redis.client()
    holder.config_set("maxclients", 1)
    stage.stack.callback(holder.close)
    return {"REDIS_URL": redis.url}


no_replicas = refusing(
    "Redis wants replicas that are gone",
    "min-replicas-to-write is 1, and there is none.",
    "NOREPLICAS",
    "The master lacks its replicas and refuses writes",
    env=lambda stage: {"REDIS_URL": stage.redis("--min-replicas-to-write", "1").url},
)
stale_replica = refusing(
    "REDIS_URL leads to a replica that has lost its master",
    "replica-serve-stale-data is off, and the master is down.",
    "MASTERDOWN",
    "replica has lost its master",
    doctor="redis.reachable",
    env=lambda stage: {"REDIS_URL": orphan(stage).url},
)


def orphan(stage: Stage) -> Redis:
    stale = ("--replica-serve-stale-data", "no")
    return stage.redis("--replicaof", "127.0.0.1", "1", *stale)


protected = refusing(
    "Redis is in protected mode",
    "It has no password, and takes nobody from another machine.",
    "DENIED",
    "Redis is in protected mode",
    doctor="redis.reachable",
    env=lambda stage: {
        "REDIS_URL": f"redis://{outside_address()}:{open_to_all(stage).port}/0",
        "PRIVATE_NETWORK": "true",
    },
)


def open_to_all(stage: Stage) -> Redis:
    return stage.redis("--bind", "*", "--protected-mode", "yes")


# --- a cluster -----------------------------------------------------------------------------------

cluster_without_slots = refusing(
    "Redis is a cluster that was never put together",
    "cluster-enabled is on, and no node has any slots.",
    "CLUSTERDOWN",
    "The Redis cluster is down",
    env=lambda stage: {"REDIS_URL": stage.redis("--cluster-enabled", "yes").url},
)


# --- users ---------------------------------------------------------------------------------------


def user(stage: Stage, *rights: str, options: tuple[str, ...] = ()) -> dict[str, str]:
    """A Redis user of the site's own with these rights."""
    redis = stage.redis(*options)
    tell(redis, "ACL SETUSER", "site", "on", ">the-sites-own-key", *rights)
    return {"REDIS_URL": redis.url.replace("redis://", "redis://site:the-sites-own-key@")}


ALL = ("~*", "&*", "+@all")


def without(command: str, doctor: str = "redis.rights") -> Fault:
    """One command is not among the user's rights."""
    name = command.replace("|", " ").upper()
    return refusing(
        f"The Redis user may not {name}",
        f"ACL SETUSER site +@all -{command}.",
        "NOPERM",
        command.upper().partition("|")[0] if doctor == "redis.rights" else "may not do this",
        doctor=doctor,
        env=lambda stage: user(stage, *ALL, f"-{command}"),
    )


user_unknown = refusing(
    "REDIS_URL names a Redis user that does not exist",
    "The user was renamed by ACL SETUSER.",
    "WRONGPASS",
    "The user or password in REDIS_URL is wrong",
    doctor="redis.reachable",
    env=lambda stage: {"REDIS_URL": stage.redis().url.replace("//", "//staff:the-sites-own-key@")},
)
user_off = refusing(
    "The Redis user was switched off",
    "ACL SETUSER site off.",
    "WRONGPASS",
    "The user or password in REDIS_URL is wrong",
    doctor="redis.reachable",
    env=lambda stage: user(stage, *ALL, "off"),
)
without_zadd = without("zadd")
without_expire = without("expire")
without_get = without("get", "redis.writable")
without_set = without("set", "redis.writable")
without_evalsha = without("evalsha")
without_del = without("del", "redis.writable")
of_sessions_only = refusing(
    "The Redis user has the keys of sessions only",
    "ACL SETUSER site ~*:session:*: marks of used states and throttles are left out.",
    "NoPermissionError",
    "The Redis user may not do what",
    doctor="redis.rights",
    env=lambda stage: user(stage, "~*:*session*", "&*", "+@all"),
)


def of_a_cluster(stage: Stage) -> dict[str, str]:
    """REDIS_URL leads to a node that has none of the slots, as one that joined lately."""
    bus = free_port()
    node = stage.redis("--cluster-enabled", "yes", "--cluster-port", str(bus))
    cluster = stage.stack.enter_context(RedisCluster(1))
    tell(cluster.nodes[0], "CLUSTER MEET", LOOPBACK, node.port, bus)
    until(lambda: tell(node, "CLUSTER INFO")["cluster_state"] == "ok")
    tell(node, "ACL SETUSER", "site", "on", ">the-sites-own-key", *ALL, "-cluster")
    return {"REDIS_URL": node.url.replace("redis://", "redis://site:the-sites-own-key@")}


cluster_unseen = refusing(
    "Redis is a cluster, and its user may not ask for its nodes",
    "ACL SETUSER site +@all -cluster.",
    "MOVED",
    "ACL SETUSER NAME +cluster|slots",
    env=of_a_cluster,
)

# --- a fail-over ---------------------------------------------------------------------------------


def failed_over(stage: Stage) -> tuple[Relay, Redis]:
    """A managed Redis behind one name: the demoted master stays up, and keeps its clients."""
    first = stage.redis("--repl-diskless-sync-delay", "0")
    second = stage.redis("--replicaof", "127.0.0.1", str(first.port))
    until(lambda: tell(second, "INFO", "replication")["master_link_status"] == "up")
    name = stage.stack.enter_context(Relay(first.port))
    stage.start(REDIS_URL=f"redis://127.0.0.1:{name.port}/0")
    assert stage.sign_in() == GETS_IN
    tell(second, "REPLICAOF", "NO", "ONE")
    tell(first, "REPLICAOF", "127.0.0.1", second.port)
    return name, second


@fault(
    "A managed Redis has failed over, and its name still leads to the demoted master",
    page=NO_STORE,
    log="READONLY",
    doctor="redis.role",
    says="REDIS_URL leads to a replica",
)
def demoted_master(stage: Stage) -> str:
    """The master becomes a replica and keeps its clients; the name has not moved yet."""
    failed_over(stage)
    return stage.sign_in()


@fault(
    "A managed Redis fails over behind one name",
    page=GETS_IN,
    log="READONLY",
    doctor="refusals.session_store_unavailable",
    says="READONLY",
)
def moved_on(stage: Stage) -> str:
    """Who comes before the name has moved meets a page; after it connections are made anew."""
    name, second = failed_over(stage)
    assert stage.sign_in() == NO_STORE
    name.target = second.port
    return stage.sign_in()


# --- what answers is not quite Redis --------------------------------------------------------------

renamed_command = refusing(
    "A command of Redis is renamed",
    "rename-command EVALSHA, as guides for hardening advise.",
    "unknown command",
    "The server lacks a Redis command",
    doctor="redis.use",
    env=lambda stage: {"REDIS_URL": stage.redis("--rename-command", "EVALSHA", "").url},
)
second_of_cluster = refusing(
    "REDIS_URL asks for a second database of a cluster",
    "cluster-enabled is on, and REDIS_URL ends in /1.",
    "SELECT is not allowed in cluster mode",
    "A cluster has one database: end REDIS_URL with /0",
    doctor="redis.reachable",
    env=lambda stage: {
        "REDIS_URL": stage.redis("--cluster-enabled", "yes").url.removesuffix("/0") + "/1"
    },
)


def answering(stage: Stage, error: str, *commands: str) -> dict[str, str]:
    """A server that answers all as Redis does, but these commands with an error."""

    def answer(_number: int, words: list[str]) -> str:
        return f"-{error}\r\n" if words[0].upper() in commands or not commands else "+OK\r\n"

    return {"REDIS_URL": stage.stack.enter_context(RedisLike(answer)).url}


spreads_keys = refusing(
    "A proxy spreads keys over several servers of Redis",
    "It answers CROSSSLOT where a command names two keys.",
    "CROSSSLOT",
    "A proxy that answers as one server spreads keys over several",
    env=lambda stage: answering(stage, "CROSSSLOT Keys in request don't hash to the same slot"),
)
used_up = refusing(
    "The provider's limit of requests to Redis is used up",
    "A plan with a daily limit.",
    "max daily request limit exceeded",
    "request limit is used up",
    env=lambda stage: answering(stage, "ERR max daily request limit exceeded. Limit: 10000"),
)


def ahead(answer: bytes) -> bytes:
    """Ten minutes more in an answer to TIME, which alone has this form."""

    def later(found: re.Match[bytes]) -> bytes:
        return found[1] + str(int(found[2]) + 600).encode()

    return re.sub(rb"^(\*2\r\n\$10\r\n)(\d{10})(?=\r\n\$\d\r\n)", later, answer)


def of_a_clock_ahead(stage: Stage) -> dict[str, str]:
    relay = stage.stack.enter_context(Relay(stage.redis().port, ahead))
    return {"REDIS_URL": f"redis://{LOOPBACK}:{relay.port}/0"}


redis_clock = Fault(
    "Redis's clock is ten minutes ahead",
    "A relay adds them to what it answers to TIME; no sign-in depends on it.",
    env=of_a_clock_ahead,
    page=GETS_IN,
    doctor="clock.redis",
    says="Redis's clock is 600 s ahead of ours",
)
