"""Operators' mishaps: addresses and rights of stores, processes left behind, pages in front."""

from tests.emulator.ids import CLIENT_SECRET
from tests.faults.fault import GETS_IN, URL, Fault, fault
from tests.faults.stage import UNKNOWN, Stage
from tests.fixtures import ENVIRONMENT
from tests.servers.ports import free_port
from tests.support.tiny_server import Exchange, TinyServer

NO_DATABASE = "database_unavailable"
NO_STORE = "session_store_unavailable"


def _database(stage: Stage, **change: str) -> dict[str, str]:
    url = stage.env["DATABASE_URL"]
    for old, new in change.items():
        url = url.replace({"user": "site@", "host": "127.0.0.1"}[old], new)
    return {"DATABASE_URL": url, "PRIVATE_NETWORK": "true"}


database_name = Fault(
    "The database's name is wrong",
    "DATABASE_URL ends in a database that was never made.",
    env=lambda stage: {"DATABASE_URL": f"{stage.env['DATABASE_URL']}_old"},
    page=NO_DATABASE,
    record=None,
    log="does not exist",
    doctor="database.reachable",
    says="That database does not exist",
)
database_role = Fault(
    "The database's role does not exist",
    "DATABASE_URL's user is a role that the server does not have.",
    env=lambda stage: _database(stage, user="nobody@"),
    page=NO_DATABASE,
    record=None,
    log="does not exist",
    doctor="database.reachable",
    says="The server refuses this role",
)
database_tls = Fault(
    "DATABASE_URL demands TLS, the server has none",
    "sslmode=require, and PostgreSQL runs without ssl.",
    env=lambda stage: {"DATABASE_URL": f"{stage.env['DATABASE_URL']}?sslmode=require"},
    page=NO_DATABASE,
    record=None,
    log="SSL",
    doctor="database.reachable",
    says="The server does not offer TLS",
)
database_host = Fault(
    "The host name in DATABASE_URL is unknown",
    "A typing error, or a private DNS zone that is not linked.",
    env=lambda stage: _database(stage, host="nowhere.invalid"),
    page=NO_DATABASE,
    record=None,
    doctor="database.reachable",
    says="The host name in DATABASE_URL is not known here",
)


def _redis_as(stage: Stage, *rights: str) -> dict[str, str]:
    """A Redis user of the site's own with these rights."""
    redis = stage.redis()
    client = redis.client()
    client.execute_command("ACL SETUSER", "site", "on", ">word", *rights)  # type: ignore[no-untyped-call]
    return {"REDIS_URL": redis.url.replace("redis://", "redis://site:word@")}


acl_without_scripts = Fault(
    "The Redis user may not run scripts",
    "ACL SETUSER site +@all -@scripting: throttles count in a script.",
    env=lambda stage: _redis_as(stage, "~*", "&*", "+@all", "-@scripting"),
    page=NO_STORE,
    log="NoPermissionError",
    doctor="redis.rights",
    says="The Redis user may not do what a throttle needs",
)
acl_of_other_keys = Fault(
    "The Redis user has the keys of another site",
    "ACL SETUSER site ~other:*.",
    env=lambda stage: _redis_as(stage, "~other:*", "&*", "+@all"),
    page=NO_STORE,
    log="NoPermissionError",
    doctor="redis.writable",
    says="allow it by ACL SETUSER",
)
acl_without_set = Fault(
    "The Redis user may only read",
    "ACL SETUSER site +@read.",
    env=lambda stage: _redis_as(stage, "~*", "&*", "+@read", "+@connection"),
    page=NO_STORE,
    log="NoPermissionError",
    doctor="redis.writable",
    says="allow it by ACL SETUSER",
)
redis_database = Fault(
    "REDIS_URL names a database that does not exist",
    "REDIS_URL ends in /99, Redis has sixteen.",
    env=lambda stage: {"REDIS_URL": stage.redis().url.removesuffix("/0") + "/99"},
    page=NO_STORE,
    doctor="redis.reachable",
    says="end REDIS_URL with /0",
)
redis_without_password = Fault(
    "REDIS_URL lacks the password",
    "Redis demands one, REDIS_URL has none.",
    env=lambda stage: {"REDIS_URL": stage.redis("--requirepass", "a-word").url},
    page=NO_STORE,
    doctor="redis.reachable",
    says="REDIS_URL needs the password",
)
redis_host_unknown = Fault(
    "The host name in REDIS_URL is unknown",
    "A typing error, or a private DNS zone that is not linked.",
    env={"REDIS_URL": "redis://nowhere.invalid:6379/0", "PRIVATE_NETWORK": "true"},
    page=NO_STORE,
    doctor="redis.reachable",
    says="The host name in REDIS_URL is not known here",
)
redis_port = Fault(
    "Nothing listens where REDIS_URL leads",
    "The port in REDIS_URL is another one than Redis's.",
    env=lambda stage: {"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"},
    page=NO_STORE,
    doctor="redis.reachable",
    says="Start Redis",
)


def _stale(stage: Stage, name: str, old: str) -> str:
    """The site runs with the old value; a shell, and so doctor, has the new one."""
    new = stage.env.get(name, ENVIRONMENT.get(name, ""))
    env: dict[str, str] = {"REDIS_URL": stage.redis("--appendonly", "yes").url, name: old}
    stage.start(mistake="", workers=1, **env)
    said = stage.sign_in()
    stage.env = {**stage.env, name: new}
    return said


@fault(
    "A process runs with the secret of before",
    page="client_secret_wrong",
    record="AADSTS7000215",
    doctor="processes.settings",
    says="has another MICROSOFT_CLIENT_SECRET",
)
def stale_secret(stage: Stage) -> str:
    """The environment was corrected, the process was not restarted."""
    return _stale(stage, "MICROSOFT_CLIENT_SECRET", "the~secret~of~before~which~is~gone")


@fault(
    "A process runs with another count of proxies",
    page=GETS_IN,
    doctor="processes.settings",
    says="has another TRUSTED_PROXY_COUNT",
)
def stale_proxies(stage: Stage) -> str:
    """TRUSTED_PROXY_COUNT was set to 0, the process was not restarted."""
    stage.env = {**stage.env, "TRUSTED_PROXY_COUNT": "0"}
    return _stale(stage, "TRUSTED_PROXY_COUNT", "1")


@fault(
    "A process allows another tenant",
    page="wrong_tenant",
    doctor="processes.settings",
    says="MICROSOFT_ALLOWED_TENANTS",
)
def stale_tenants(stage: Stage) -> str:
    """MICROSOFT_ALLOWED_TENANTS was corrected, the process was not restarted."""
    return _stale(stage, "MICROSOFT_ALLOWED_TENANTS", UNKNOWN)


too_many_proxies = Fault(
    "TRUSTED_PROXY_COUNT is higher than the number of proxies",
    "It is 1, and people reach the site directly.",
    env={"TRUSTED_PROXY_COUNT": "1"},
    page=GETS_IN,
    doctor="public.forwarded_for",
    says="TRUSTED_PROXY_COUNT is higher than the number of proxies",
    ask=URL,
)


@fault(
    "Nobody has been admitted for an hour",
    page="client_secret_expired",
    record="AADSTS7000222",
    doctor="refusals.nobody_admitted",
    says="3 times client_secret_expired (AADSTS7000222)",
)
def nobody_admitted(stage: Stage) -> str:
    """Three people try while the secret has expired; doctor does not ask Microsoft."""
    stage.emulator.set_secrets((), expired={CLIENT_SECRET})
    return [stage.sign_in() for _ in range(3)][-1]


def _in_front(stage: Stage, status: int, title: str, server: str) -> str:
    """A page of somebody else answers at the public address."""

    def answer(exchange: Exchange) -> None:
        exchange.text(f"<title>{title}</title>", status, Server=server)

    stage.url = stage.env["PUBLIC_URL"] = stage.stack.enter_context(TinyServer(answer)).url
    return stage.sign_in()


@fault(
    "A maintenance page stands in front",
    page="a bare 503 page",
    record=None,
    log=None,
    doctor="public.page",
    says='HTTP 503 "Back soon"',
    ask=URL,
)
def maintenance_in_front(stage: Stage) -> str:
    """The load balancer answers 503 with a page of its own."""
    return _in_front(stage, 503, "Back soon", "balancer")


@fault(
    "A firewall's page stands in front",
    page="a bare 403 page",
    record=None,
    log=None,
    doctor="public.page",
    says='HTTP 403 "Request blocked"',
    ask=URL,
)
def firewall(stage: Stage) -> str:
    """The WAF answers 403 with a page of its own."""
    return _in_front(stage, 403, "Request blocked", "waf")


@fault(
    "A proxy limits requests",
    page="a bare 429 page",
    record=None,
    log=None,
    doctor="public.page",
    says="the proxy limits requests",
    ask=URL,
)
def limited(stage: Stage) -> str:
    """The proxy answers 429 to everyone of an office."""
    return _in_front(stage, 429, "Slow down", "proxy")


@fault(
    "The path is not sent to the site",
    page="a bare 404 page",
    record=None,
    log=None,
    doctor="public.page",
    says="Let the proxy pass every path on to the site",
    ask=URL,
)
def not_routed(stage: Stage) -> str:
    """The proxy knows no route for /admin/."""
    return _in_front(stage, 404, "Not here", "proxy")
