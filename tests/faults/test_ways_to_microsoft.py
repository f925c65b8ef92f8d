"""The way to Microsoft: names, ports, proxies, certificates, and what answers in its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.faults.fault import NO_START, ONLINE, START_UP, Fault
from tests.faults.stage import Stage
from tests.servers.ports import free_port
from tests.servers.process import scratch
from tests.support.fake_tenant import FakeTenant
from tests.support.proxy import ConnectProxy
from tests.support.tiny_server import Exchange, TinyServer, signed

UNREACHABLE = "microsoft_unreachable"
INSPECTING = "Corp TLS Inspection CA"


def on_the_way(
    sentence: str, set_up: str, says: str, *, page: str = UNREACHABLE, **more: Any
) -> Fault:
    """Microsoft's metadata cannot be had: page, record and doctor name the same cause."""
    expected = {"doctor": "online.discovery", "says": says, "record": says, "ask": ONLINE}
    return Fault(sentence, set_up, page=page, **{**expected, **more})


# --- name and port -------------------------------------------------------------------------------

unknown_name = on_the_way(
    "MICROSOFT_LOGIN_URL has a typing error in the host",
    "The host does not exist.",
    "login.microsoftonline.invalid",
    env={"MICROSOFT_LOGIN_URL": "https://login.microsoftonline.invalid"},
)

port_refused = on_the_way(
    "The firewall rejects connections to Microsoft",
    "Nothing listens on the port of MICROSOFT_LOGIN_URL.",
    "localhost refuses connections on port",
    env=lambda _: {"MICROSOFT_LOGIN_URL": f"https://localhost:{free_port()}"},
)

# --- the company's proxy -------------------------------------------------------------------------


def through(proxy: ConnectProxy, stage: Stage, user_info: str = "") -> Mapping[str, str]:
    stage.stack.enter_context(proxy)
    return {
        "MICROSOFT_PROXY_URL": proxy.url.replace("://", f"://{user_info}"),
        "MICROSOFT_LOGIN_URL": f"https://127.0.0.1:{free_port()}",
    }


def answering(status: str) -> ConnectProxy:
    return ConnectProxy(answer=f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())


proxy_wants_credentials = on_the_way(
    "The company's proxy wants a user name and password",
    "MICROSOFT_PROXY_URL has none.",
    "answered 407 to CONNECT, offering Negotiate, Basic",
    env=lambda stage: through(ConnectProxy("user:right"), stage),
)

proxy_wants_others = on_the_way(
    "The password of the company's proxy was changed",
    "MICROSOFT_PROXY_URL has the one of before.",
    "answered 407 to CONNECT",
    env=lambda stage: through(ConnectProxy("user:right"), stage, "user:former@"),
)

proxy_forbids = on_the_way(
    "The company's proxy does not let this machine out",
    "It answers CONNECT with 403.",
    "answered 403 to CONNECT",
    env=lambda stage: through(answering("403 Forbidden"), stage),
)

proxy_cannot = on_the_way(
    "The company's proxy does not reach Microsoft",
    "It answers CONNECT with 502.",
    "answered 502 to CONNECT",
    env=lambda stage: through(answering("502 Bad Gateway"), stage),
)

proxy_is_none = on_the_way(
    "MICROSOFT_PROXY_URL leads to something else",
    "An SSH server listens on that port.",
    "or speaks no HTTP",
    env=lambda stage: through(ConnectProxy(answer=b"SSH-2.0-OpenSSH\r\n"), stage),
)

proxy_is_down = on_the_way(
    "The company's proxy is down",
    "Nothing listens on the port of MICROSOFT_PROXY_URL.",
    "127.0.0.1 refuses connections on port",
    env=lambda _: {
        "MICROSOFT_PROXY_URL": f"http://127.0.0.1:{free_port()}",
        "MICROSOFT_LOGIN_URL": "https://login.microsoftonline.com",
        "MICROSOFT_TENANT_ID": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    },
)

proxy_unknown = on_the_way(
    "The host of MICROSOFT_PROXY_URL does not exist",
    "Its name has a typing error.",
    "proxy.corp.invalid",
    env={
        "MICROSOFT_PROXY_URL": "http://proxy.corp.invalid:3128",
        "MICROSOFT_LOGIN_URL": "https://login.microsoftonline.us",
    },
)

# --- TLS -----------------------------------------------------------------------------------------


def nothing(exchange: Exchange) -> None:
    exchange.json({})


def tls(stage: Stage, *, trusted: bool = False, **how: Any) -> dict[str, str]:
    """Microsoft's place is taken by a server with this certificate."""
    path = signed(Path(scratch("faults")), **how)
    server = stage.stack.enter_context(TinyServer(nothing, path))
    bundle = {"MICROSOFT_CA_BUNDLE": str(path)} if trusted else {}
    return {"MICROSOFT_LOGIN_URL": server.url, **bundle}


def inspected(stage: Stage) -> Mapping[str, str]:
    env = tls(stage, by=INSPECTING)
    proxy = stage.stack.enter_context(ConnectProxy())
    return env | {"MICROSOFT_PROXY_URL": proxy.url}


tls_inspected = on_the_way(
    "A device of the company looks into TLS",
    "It shows certificates of the company's own authority, which this machine does not trust.",
    f"it was issued by CN={INSPECTING}",
    env=lambda stage: tls(stage, by=INSPECTING),
)

tls_inspected_by_proxy = on_the_way(
    "The company's proxy looks into TLS",
    "What is behind CONNECT shows a certificate of the company's own authority.",
    f"it was issued by CN={INSPECTING}",
    env=inspected,
)

certificate_self_signed = on_the_way(
    "Something with a self-signed certificate answers in Microsoft's place",
    "A test server's certificate is not in MICROSOFT_CA_BUNDLE.",
    "it is self-signed",
    env=tls,
)

certificate_expired = on_the_way(
    "The certificate has expired",
    "MICROSOFT_LOGIN_URL names a test server whose certificate nobody renewed.",
    "it has expired",
    env=lambda stage: tls(stage, trusted=True, days=-1),
)

certificate_of_tomorrow = on_the_way(
    "This machine's clock is days behind",
    "The certificate is not valid yet.",
    "it is not valid yet",
    env=lambda stage: tls(stage, trusted=True, since=-2, days=3),
)

certificate_of_another = on_the_way(
    "The certificate is for another host",
    "MICROSOFT_LOGIN_URL names the server by an address that its certificate does not have.",
    "it is for another address",
    env=lambda stage: tls(stage, trusted=True, address="127.0.0.2"),
)


def plain(stage: Stage) -> Mapping[str, str]:
    server = stage.stack.enter_context(TinyServer(nothing))
    return {"MICROSOFT_LOGIN_URL": server.url.replace("http:", "https:")}


no_tls = on_the_way(
    "The port speaks no TLS",
    "MICROSOFT_LOGIN_URL says https, the server behind it speaks http.",
    "TLS failed with 127.0.0.1",
    env=plain,
)

# --- what answers in its place -------------------------------------------------------------------


def instead(text: str, status: int = 200, **headers: str) -> Any:
    """A function of the stage: a server that answers everything like this."""

    def env(stage: Stage) -> Mapping[str, str]:
        server = TinyServer(lambda exchange: exchange.text(text, status, **headers))
        return {"MICROSOFT_LOGIN_URL": stage.stack.enter_context(server).url}

    return env


blocked = on_the_way(
    "A firewall answers with a page of its own",
    "Everything is answered with 403 and HTML.",
    "HTTP 403 with a body that is not JSON",
    env=instead("<h1>Blocked by policy</h1>", 403, Content_Type="text/html"),
)

captive = on_the_way(
    "A captive portal sends everybody to its own page",
    "Everything is answered with a redirect.",
    "HTTP 302, not followed",
    env=instead("", 302, Location="http://portal.example/"),
)

maintenance = on_the_way(
    "A page of maintenance answers",
    "Everything is answered with 503 and HTML.",
    "HTTP 503",
    env=instead("<h1>Back soon</h1>", 503),
)

empty = on_the_way(
    "The answers are empty",
    "A device on the way drops their bodies.",
    "HTTP 200 with a body that is empty",
    env=instead(""),
)

packed = on_the_way(
    "The answers are packed",
    "A proxy on the way compresses what was not to be.",
    "in an encoding that was not asked for",
    env=instead("{}", Content_Encoding="gzip"),
)

throttled = on_the_way(
    "Microsoft throttles the metadata",
    "Everything is answered with 429 and a date to come back.",
    "HTTP 429",
    page="microsoft_throttled",
    env=instead("{}", 429, Retry_After="Wed, 25 Nov 2099 21:00:00 GMT"),
)

elsewhere = on_the_way(
    "Metadata of another authority",
    "MICROSOFT_LOGIN_URL names another host than the document does: an alias of Microsoft's.",
    "issuer: not on",
    page="misconfigured",
    env=instead('{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}'),
)


def keyless(stage: Stage) -> Mapping[str, str]:
    tenant = stage.stack.enter_context(FakeTenant())
    tenant.keys = [{"kty": "EC", "kid": "elliptic"}]
    return {"MICROSOFT_LOGIN_URL": tenant.url}


no_usable_key = on_the_way(
    "Microsoft publishes no key that can be used",
    "The set holds an elliptic one only.",
    "none of the 1 that Microsoft lists can be used",
    page="misconfigured",
    doctor="online.keys",
    env=keyless,
)

# --- the token endpoint --------------------------------------------------------------------------


def told(stage: Stage, status: int, number: int, error: str = "invalid_client") -> None:
    stage.emulator.answer_token(status=status, body={"error": error, "error_codes": [number]})


expired_as_503 = Fault(
    "The secret has expired, and Microsoft says so with 503",
    "The status is none that such an answer should have.",
    between=lambda stage: told(stage, 503, 7000222),
    page="client_secret_expired",
    record="AADSTS7000222",
    doctor="refusals.client_secret_expired",
    says="AADSTS7000222",
)

wrong_as_403 = Fault(
    "The secret is wrong, and Microsoft says so with 403",
    "The status is none that such an answer should have.",
    between=lambda stage: told(stage, 403, 7000215),
    page="client_secret_wrong",
    record="AADSTS7000215",
    doctor="refusals.client_secret_wrong",
    says="AADSTS7000215",
)

mapped_claims = Fault(
    "The app has a claims mapping and no signing key of its own",
    "The token endpoint answers AADSTS50146.",
    between=lambda stage: told(stage, 400, 50146, "invalid_request"),
    page="misconfigured",
    record="AADSTS50146",
    doctor="refusals.misconfigured",
    says="AADSTS50146",
)


def signed_by_the_apps_own(stage: Stage) -> None:
    """The key is not listed, not even in the app's own metadata."""
    common = {"keys": [key.jwk for key in stage.emulator.world.keys.published]}
    stage.emulator.make_custom_key()
    stage.emulator.answer_jwks(body=common)


custom_signing_key = Fault(
    "The app's tokens are signed with a key that Microsoft does not list",
    "A custom signing key (claims mapping) that is not among the app's own metadata.",
    env=lambda stage: {"REDIS_URL": stage.redis().url},
    between=signed_by_the_apps_own,
    page="token_invalid",
    record="custom signing key (claims mapping)",
    doctor="refusals.token_invalid",
    says="custom signing key (claims mapping)",
)

# --- settings that are wrong ---------------------------------------------------------------------


def unset(sentence: str, name: str, value: str, says: str) -> Fault:
    expected = {"page": NO_START, "doctor": START_UP, "record": None}
    return Fault(sentence, f"{name} is {value}", env={name: value}, says=says, **expected)  # type: ignore[arg-type]


PROXY, BUNDLE = "MICROSOFT_PROXY_URL", "MICROSOFT_CA_BUNDLE"
proxy_without_scheme = unset(
    "The proxy is given without http://", PROXY, "proxy.corp:3128", "must start with http://"
)
proxy_of_another_kind = unset(
    "The proxy is a SOCKS one", PROXY, "socks5://proxy.corp:1080", "must start with http://"
)
proxy_with_path = unset(
    "The address of a proxy's configuration is given for a proxy",
    PROXY,
    "http://proxy.corp/proxy.pac",
    "must end after host and port",
)
bundle_missing = unset(
    "The company's authorities are not there", BUNDLE, "/run/not/there.pem", "cannot be read"
)
bundle_is_none = unset(
    "The company's authorities are no PEM", BUNDLE, "/etc/hostname", "without certificates in PEM"
)
bundle_relative = unset(
    "The company's authorities have no path", BUNDLE, "company.pem", "must be a path"
)
