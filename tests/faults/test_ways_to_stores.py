"""The way to Redis and PostgreSQL: ports that say nothing, other protocols, certificates, IPv6."""

from pathlib import Path
from typing import Any

from tests.faults.fault import Fault
from tests.faults.stage import Stage
from tests.fixtures import POSTGRES
from tests.servers.ports import LOOPBACK, free_port
from tests.servers.process import scratch
from tests.servers.redis import Sentinel
from tests.servers.tls import TlsInFront
from tests.support.chains import Chain, chain
from tests.support.silent import Deaf, Speaker
from tests.support.tiny_server import TinyServer, signed

PRIVATE = {"PRIVATE_NETWORK": "true"}
NOWHERE = "[ff02::5]"  # IPv6 only, and no way leads there for TCP, on any machine


def redis_at(sentence: str, set_up: str, says: str, env: Any, **how: Any) -> Fault:
    """REDIS_URL leads to something else than a Redis that answers."""
    expected: dict[str, Any] = {"page": "session_store_unavailable", "doctor": "redis.reachable"}
    return Fault(sentence, set_up, env=env, says=says, **{**expected, **how})


def database_at(sentence: str, set_up: str, says: str, env: Any, **how: Any) -> Fault:
    """DATABASE_URL leads to something else than a PostgreSQL that answers."""
    expected: dict[str, Any] = {
        "page": "database_unavailable", "record": None, "doctor": "database.reachable",
    }  # fmt: skip
    return Fault(sentence, set_up, env=env, says=says, **{**expected, **how})


def at_port(port: int, scheme: str = "redis", options: str = "") -> dict[str, str]:
    return {"REDIS_URL": f"{scheme}://{LOOPBACK}:{port}/0{options}"}


def database(stage: Stage, port: int, options: str = "") -> dict[str, str]:
    url = stage.env["DATABASE_URL"].replace(f":{POSTGRES.port}/", f":{port}/")
    return {"DATABASE_URL": f"{url}{options}"}


def enter(stage: Stage, server: Any) -> Any:
    return stage.stack.enter_context(server)


# --- ports that say nothing, or something else ---------------------------------------------------

redis_deaf = redis_at(
    "A firewall drops what is sent to Redis",
    "Connections to the port in REDIS_URL never come about.",
    "Nothing answers in time: correct host and port in REDIS_URL, open the firewall",
    lambda stage: at_port(enter(stage, Deaf()).number),
)
redis_mute = redis_at(
    "What listens on Redis's port says nothing",
    "It takes connections, and never answers.",
    "The port accepts connections, but Redis does not answer",
    lambda stage: at_port(enter(stage, Speaker()).number),
)
redis_http = redis_at(
    "A web server listens on the port in REDIS_URL",
    "It answers 400 to what it does not understand.",
    "What listens there is not Redis",
    lambda stage: at_port(enter(stage, Speaker(b"HTTP/1.1 400 Bad Request\r\n\r\n")).number),
)
redis_plain_to_tls = redis_at(
    "Redis speaks TLS, REDIS_URL says redis://",
    "The port is a TLS port, as 6380 and 10000 of Azure's.",
    "rediss://",
    lambda stage: at_port(tls_only(stage)),
)
redis_ipv6 = redis_at(
    "Redis has an IPv6 address only",
    "This machine has no way to IPv6 addresses.",
    "IPv6",
    {"REDIS_URL": f"redis://{NOWHERE}:6379/0", **PRIVATE},
)
database_deaf = database_at(
    "A firewall drops what is sent to PostgreSQL",
    "Connections to the port in DATABASE_URL never come about.",
    "Nothing answers in time: correct host and port in DATABASE_URL, open the firewall",
    lambda stage: database(stage, enter(stage, Deaf()).number),
)
database_mute = database_at(
    "What listens on PostgreSQL's port says nothing",
    "It takes connections, and never answers.",
    "accepts connections, but the database server does not answer",
    lambda stage: database(stage, enter(stage, Speaker()).number),
)
database_is_redis = database_at(
    "DATABASE_URL has the port of another server",
    "An SSH server listens there.",
    "What listens there is not PostgreSQL",
    lambda stage: database(stage, enter(stage, Speaker(b"SSH-2.0-OpenSSH_9.2\r\n")).number),
)
database_ipv6 = database_at(
    "PostgreSQL has an IPv6 address only",
    "This machine has no way to IPv6 addresses.",
    "IPv6",
    {"DATABASE_URL": f"postgres://site:x9x9x9@{NOWHERE}/staff", **PRIVATE},
)


def tls_only(stage: Stage) -> int:
    server = TinyServer(lambda exchange: None, signed(Path(scratch("faults"))))
    return int(enter(stage, server).url.rpartition(":")[2])


# --- certificates --------------------------------------------------------------------------------


def shown(**how: Any) -> Chain:
    return chain(Path(scratch("chain")), **how)


def redis_tls(sentence: str, set_up: str, says: str, **certificate: Any) -> Fault:
    def env(stage: Stage) -> dict[str, str]:
        made = shown(**certificate)
        front = enter(stage, TlsInFront(stage.redis().port, made.shown))
        return at_port(front.port, "rediss", f"?ssl_ca_certs={made.root}")

    return redis_at(sentence, set_up, says, env, log="certificate verify failed")


def database_tls(sentence: str, set_up: str, says: str, **certificate: Any) -> Fault:
    def env(stage: Stage) -> dict[str, str]:
        made = shown(**certificate)
        front = enter(stage, TlsInFront(POSTGRES.port, made.shown))
        return database(stage, front.port, f"?sslmode=verify-full&sslrootcert={made.root}")

    return database_at(sentence, set_up, says, env, log="certificate")


INCOMPLETE = "The chain is incomplete or its authority is not trusted here: serve the whole chain"
redis_chain = redis_tls(
    "Redis shows its certificate without the one between",
    "A proxy in front of Redis was given cert.pem instead of fullchain.pem.",
    INCOMPLETE,
    whole=False,
)
redis_expired = redis_tls(
    "Redis's certificate has expired", "Nobody renewed it.", "has expired: renew it", days=-1
)
redis_not_yet = redis_tls(
    "Redis's certificate is not valid yet",
    "This machine's clock is behind.",
    "not valid yet: compare the clocks",
    since=-2,
    days=4,
)
redis_other_name = redis_tls(
    "Redis's certificate is for another address",
    "REDIS_URL has an address that the certificate does not name.",
    "use the name that it is for in REDIS_URL",
    names=("redis.internal",),
)
redis_unknown_authority = redis_at(
    "Redis's certificate comes from an authority that is not trusted",
    "A private authority, and REDIS_URL does not say ssl_ca_certs.",
    "?ssl_ca_certs=/path/ca.pem in REDIS_URL",
    lambda stage: at_port(
        enter(stage, TlsInFront(stage.redis().port, shown().shown)).port, "rediss"
    ),
    log="certificate verify failed",
)
redis_no_authorities = redis_at(
    "The file of ssl_ca_certs in REDIS_URL is not there",
    "It was not mounted into the container.",
    "The file or socket that REDIS_URL names does not exist",
    lambda stage: at_port(
        enter(stage, TlsInFront(stage.redis().port)).port, "rediss", "?ssl_ca_certs=/run/no.pem"
    ),
)
database_chain = database_tls(
    "PostgreSQL shows its certificate without the one between",
    "ssl_cert_file has the server's own certificate only.",
    INCOMPLETE,
    whole=False,
)
database_expired = database_tls(
    "PostgreSQL's certificate has expired", "Nobody renewed it.", "has expired: renew it", days=-1
)
database_other_name = database_tls(
    "PostgreSQL's certificate is for another host",
    "DATABASE_URL has an address that the certificate does not name.",
    "use the name that it is for in DATABASE_URL",
    names=("postgres.internal",),
)
database_unknown_authority = database_at(
    "PostgreSQL's certificate comes from an authority that is not trusted",
    "sslrootcert=system, and a private authority.",
    "?sslmode=verify-full&sslrootcert=/path/ca.pem in DATABASE_URL",
    lambda stage: database(
        stage,
        enter(stage, TlsInFront(POSTGRES.port, shown().shown)).port,
        "?sslmode=verify-full&sslrootcert=system",
    ),
)
database_no_authorities = database_at(
    "The file of sslrootcert in DATABASE_URL is not there",
    "It was not mounted into the container.",
    "sslrootcert=/path/ca.pem in DATABASE_URL",
    lambda stage: database(
        stage,
        enter(stage, TlsInFront(POSTGRES.port)).port,
        "?sslmode=verify-full&sslrootcert=/run/no.pem",
    ),
)
database_authorities_unsaid = database_at(
    "DATABASE_URL says verify-full, and not by whose authority",
    "sslmode=verify-full alone: libpq looks for a file of its own, which is not there.",
    "sslrootcert=/path/ca.pem in DATABASE_URL",
    lambda stage: database(
        stage, enter(stage, TlsInFront(POSTGRES.port)).port, "?sslmode=verify-full"
    ),
)

# --- Sentinels -----------------------------------------------------------------------------------


def of_another_name(stage: Stage) -> dict[str, str]:
    sentinel = enter(stage, Sentinel(1))
    return {"REDIS_URL": sentinel.url.rpartition("/")[0] + "/mymaster"}


sentinels_know_no_master = redis_at(
    "The Sentinels know no master of the name in REDIS_URL",
    "It ends in /mymaster, and the master is called otherwise.",
    "No Sentinel knows a master by that name",
    of_another_name,
)
sentinels_down = redis_at(
    "No Sentinel of REDIS_URL answers",
    "Nothing listens on their ports.",
    "No Sentinel",
    lambda _: {"REDIS_URL": f"redis+sentinel://{LOOPBACK}:{free_port()}/staff"},
)
