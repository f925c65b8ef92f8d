"""The way to Microsoft once more: chains, bundles, IPv6, and ports that only seem to be there."""

import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.fault import ONLINE, Fault
from tests.faults.stage import Stage
from tests.faults.test_ways_to_microsoft import INSPECTING, nothing, on_the_way
from tests.servers.fork_server import RESOLV_CONF
from tests.servers.ports import free_port
from tests.servers.process import scratch
from tests.support.chains import Chain, chain
from tests.support.proxy import ConnectProxy
from tests.support.silent import Deaf, Speaker
from tests.support.tiny_server import Exchange, TinyServer, signed

INCOMPLETE = "its chain is incomplete, or its authority is not trusted here"
UNSEEN = "https://[ff02::5]"  # IPv6 only, and no way leads there for TCP, on any machine


def shown(**how: Any) -> Chain:
    return chain(Path(scratch("chain")), **how)


def enter(stage: Stage, server: Any) -> Any:
    return stage.stack.enter_context(server)


# --- certificates --------------------------------------------------------------------------------


def by_chain(stage: Stage, **certificate: Any) -> dict[str, str]:
    made = shown(**certificate)
    server = enter(stage, TinyServer(nothing, made.shown))
    return {"MICROSOFT_LOGIN_URL": server.url, "MICROSOFT_CA_BUNDLE": str(made.root)}


def through_proxy(stage: Stage) -> Mapping[str, str]:
    return by_chain(stage, whole=False) | {"MICROSOFT_PROXY_URL": enter(stage, ConnectProxy()).url}


chain_incomplete = on_the_way(
    "A device in Microsoft's place shows its certificate without the one between",
    "MICROSOFT_CA_BUNDLE has the root; the server does not send the issuing authority's.",
    INCOMPLETE,
    env=lambda stage: by_chain(stage, whole=False),
)
chain_incomplete_by_proxy = on_the_way(
    "Behind the company's proxy a certificate comes without the one between",
    "The same through CONNECT.",
    INCOMPLETE,
    env=through_proxy,
)
bundle_of_another = on_the_way(
    "MICROSOFT_CA_BUNDLE has another authority than the one that looks into TLS",
    "The company renewed its authority, and the file has the former one.",
    f"it was issued by CN={INSPECTING}",
    env=lambda stage: {
        "MICROSOFT_LOGIN_URL": enter(
            stage, TinyServer(nothing, signed(Path(scratch("faults")), by=INSPECTING))
        ).url,
        "MICROSOFT_CA_BUNDLE": str(shown().root),
    },
)

# --- ports and addresses -------------------------------------------------------------------------

ipv6_only = on_the_way(
    "Microsoft's address is IPv6 only, and this machine has none",
    "MICROSOFT_LOGIN_URL has an IPv6 address, and no route leads there.",
    "no way to ff02::5, port 443 (ENETUNREACH)",
    env={"MICROSOFT_LOGIN_URL": UNSEEN},
)
port_dropped = on_the_way(
    "A firewall drops what is sent to Microsoft",
    "Connections never come about.",
    "does not answer on port",
    env=lambda stage: {"MICROSOFT_LOGIN_URL": f"https://localhost:{enter(stage, Deaf()).number}"},
)
port_mute = on_the_way(
    "A firewall takes connections to Microsoft, and lets nothing through",
    "The TLS handshake is never answered.",
    "the handshake was not done in time",
    env=lambda stage: {
        "MICROSOFT_LOGIN_URL": f"https://localhost:{enter(stage, Speaker()).number}"
    },
)
port_of_ssh = on_the_way(
    "The port of MICROSOFT_LOGIN_URL is another server's",
    "An SSH server listens there.",
    "TLS failed with localhost",
    env=lambda stage: {
        "MICROSOFT_LOGIN_URL": f"https://localhost:{enter(stage, Speaker(b'SSH-2.0-x')).number}"
    },
)


def hangs(exchange: Exchange) -> None:
    exchange.server.stopped.wait(30)


def cuts(exchange: Exchange) -> None:
    exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")


def answered(script: Any) -> Any:
    return lambda stage: {"MICROSOFT_LOGIN_URL": enter(stage, TinyServer(script)).url}


no_answer = on_the_way(
    "A device takes requests to Microsoft, and answers none",
    "Whatever is asked, nothing comes back.",
    "no complete answer in time",
    env=answered(hangs),
)
cut_off = on_the_way(
    "Microsoft's answers are cut off",
    "The connection ends after the first byte of the body.",
    "the connection broke off",
    env=answered(cuts),
)
proxy_dropped = on_the_way(
    "A firewall drops what is sent to the company's proxy",
    "Connections to its port never come about.",
    "127.0.0.1 does not answer on port",
    env=lambda stage: {
        "MICROSOFT_PROXY_URL": f"http://127.0.0.1:{enter(stage, Deaf()).number}",
        "MICROSOFT_LOGIN_URL": "https://login.microsoftonline.us",
    },
)

# --- names ---------------------------------------------------------------------------------------


def silent_resolver(stage: Stage, options: str = "") -> Mapping[str, str]:
    """A DNS server that takes every question, and answers none; `options` of resolv.conf."""
    mute = stage.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    high, low = divmod(free_port(), 256)
    nameserver = f"127.1.{high}.{low}"  # nobody else's: every resolver is at port 53
    mute.bind((nameserver, 53))
    file = Path(scratch("resolver")) / "resolv.conf"
    file.write_text(f"nameserver {nameserver}\n{options}")
    return {RESOLV_CONF: str(file), "MICROSOFT_LOGIN_URL": "https://login.microsoftonline.us"}


resolver_silent = on_the_way(
    "The DNS server does not answer",
    "/etc/resolv.conf names one that takes every question and says nothing.",
    "the resolver did not answer in time where login.microsoftonline.us is",
    # By itself libc gives up after as many seconds as the site does, and says something else.
    env=lambda stage: silent_resolver(stage, "options timeout:20 attempts:1\n"),
)


def of_store(name: str, page: str, url: str, **how: Any) -> Fault:
    """The same DNS server, asked for the host of a store."""
    return Fault(
        f"The DNS server does not say where the host of {name} is",
        "/etc/resolv.conf names one that takes every question and says nothing.",
        env=lambda stage: {
            **silent_resolver(stage),
            "MICROSOFT_LOGIN_URL": stage.env["MICROSOFT_LOGIN_URL"],
            name: url,
            "PRIVATE_NETWORK": "true",
        },
        page=page,
        doctor=f"{'redis' if name == 'REDIS_URL' else 'database'}.reachable",
        says="The resolver does not answer",
        **how,
    )


redis_unresolved = of_store(
    "REDIS_URL", "session_store_unavailable", "redis://cache.contoso.example:6379/0"
)
database_unresolved = of_store(
    "DATABASE_URL", "database_unavailable", "postgres://site@db.contoso.example/site", record=None
)

# --- clocks --------------------------------------------------------------------------------------


def clock(sentence: str, set_up: str, record: str, doctor: str, says: str, **how: Any) -> Fault:
    expected = {"page": "token_invalid", "record": record, "doctor": doctor, "says": says}
    return Fault(sentence, set_up, **{**expected, **how})


clock_behind = clock(
    "This site's clock is ahead of Microsoft's",
    "By seventy minutes: tokens have ended when they come, and the Date header says why.",
    "exp",
    "clock.microsoft",
    "Microsoft's clock is 4200 s behind ours",
    before=lambda stage: stage.emulator.set_clock_offset(-4200),
    ask=ONLINE,
)
token_of_the_future = clock(
    "A token was issued in the future",
    "iat and nbf are five minutes ahead, while the Date header agrees with us.",
    "iat",
    "refusals.token_invalid",
    "clock checks (exp, iat, nbf): correct the server's clock",
    before=lambda stage: stage.emulator.tamper(claims=shifted(stage, 300)),
)
token_of_the_past = clock(
    "A token has ended when it comes",
    "exp is two minutes ago.",
    "exp",
    "refusals.token_invalid",
    "clock checks (exp, iat, nbf): correct the server's clock",
    before=lambda stage: stage.emulator.tamper(claims={"exp": now() - 120}),
)


def now() -> int:

    return int(time.time())


def shifted(_stage: Stage, seconds: int) -> dict[str, int]:
    return {"iat": now() + seconds, "nbf": now() + seconds, "exp": now() + seconds + 3600}
