"""A cluster of three masters, as Azure Managed Redis is one: with its address, and its ports."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests.servers.ports import LOOPBACK, free_port
from tests.servers.redis import Redis
from tests.servers.tls import TlsInFront

SLOTS = 16384
UNREACHED = "127.0.0.2"  # the nodes reach each other there


class RedisCluster:
    """`with RedisCluster() as cluster: cluster.url`, the first node's, as one name for all.

    `shown` is a server's certificate with its key: then `tls_port` is the first node's. Each node
    says that it is at such a port, and at an address where nothing of the kind listens.
    """

    def __init__(self, nodes: int = 3, *, shown: Path | None = None) -> None:
        self._shown, self._fronts = shown, ExitStack()
        self.tls_port = 0
        options = (
            "--bind",
            LOOPBACK,
            UNREACHED,
            "--cluster-enabled",
            "yes",
            "--cluster-require-full-coverage",
            "no",
        )
        self._buses = [free_port() for _ in range(nodes)]
        self.nodes = [Redis(*options, "--cluster-port", str(bus)) for bus in self._buses]

    @property
    def url(self) -> str:
        return self.nodes[0].url

    def __enter__(self) -> Self:
        for node in self.nodes:
            node.start()
            if self._shown:
                front = self._fronts.enter_context(TlsInFront(node.port, self._shown))
                with node.client() as client:
                    client.config_set("cluster-announce-port", front.port)
                    client.config_set("cluster-announce-ip", UNREACHED)
                self.tls_port = self.tls_port or front.port
        share = SLOTS // len(self.nodes) + 1
        for number, node in enumerate(self.nodes):
            last = min(SLOTS, (number + 1) * share) - 1
            first = (LOOPBACK, self.nodes[0].port, self._buses[0])
            _asked(node, "CLUSTER ADDSLOTSRANGE", number * share, last)
            _asked(node, "CLUSTER MEET", *first)
        self.wait_until_whole()
        return self

    def __exit__(self, *_: object) -> None:
        self._fronts.close()
        for node in self.nodes:
            node.stop()

    def wait_until_whole(self) -> None:
        """Return when each node knows of all the others that they are there."""
        deadline = time.monotonic() + 20
        while not all(map(_is_whole, self.nodes)):
            if time.monotonic() > deadline:
                raise TimeoutError("the cluster's nodes did not find each other")
            time.sleep(0.05)

    def held(self) -> list[list[bytes]]:
        """Each node's."""
        return [_asked(node, "KEYS", "*") for node in self.nodes]


def _is_whole(node: Redis) -> bool:
    state = _asked(node, "CLUSTER INFO")
    return bool(state["cluster_state"] == "ok" and int(state["cluster_slots_ok"]) == SLOTS)


def _asked(node: Redis, *command: str | int) -> Any:
    """The answer, by a connection that is gone afterwards."""
    with node.client() as client:
        return client.execute_command(*command)
