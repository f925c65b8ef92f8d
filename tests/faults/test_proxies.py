"""Mistakes of what stands in front: TLS, Host, caches, cookies, another sign-in."""

import requests
from typing_extensions import override

from tests.faults.fault import URL, Fault, fault
from tests.faults.stage import Stage
from tests.servers.nginx import Nginx
from tests.servers.ports import free_port
from tests.support.visitor import CALLBACK, LOGIN

START_PATH = "= /accounts/microsoft/login/"
HEADERS = (
    "proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;"
    " proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
)


class Mistaken(Nginx):
    """nginx with further lines: `location` where the site is passed on, `http` around it."""

    def __init__(self, location: str = "", http: str = "", server: str = "") -> None:
        super().__init__([], tls=False)
        self._lines = {"location / {": location, "http {": http, "server_name _;": server}

    @override
    def _configuration(self) -> str:
        text = super()._configuration().replace("DIRECTORY", str(self._directory))
        for place, lines in self._lines.items():
            text = text.replace(place, f"{place}\n{lines}", 1)
        return text.replace("DIRECTORY", str(self._directory))


proxy_not_trusted = Fault(
    "A proxy ends TLS, and TRUSTED_PROXY_COUNT is 0",
    "nginx with TLS in front; the site believes none of its headers and sees http.",
    before=lambda stage: stage.start_behind(Nginx([]), TRUSTED_PROXY_COUNT="0"),
    page="misconfigured",
    doctor="public.proxy",
    says="set TRUSTED_PROXY_COUNT",
    ask=URL,
)


@fault(
    "On App Service, TRUSTED_PROXY_COUNT is 0",
    page="misconfigured",
    doctor="accounts.E008",
    says="TRUSTED_PROXY_COUNT is 0, yet a proxy ends TLS here (WEBSITE_HOSTNAME is set)",
)
def app_service_without_count(stage: Stage) -> str:
    """WEBSITE_HOSTNAME is set as App Service does, TLS ends in front."""
    proxy = Nginx([])
    name = proxy.url.removeprefix("https://")
    stage.start_behind(proxy, TRUSTED_PROXY_COUNT="0", WEBSITE_HOSTNAME=name)
    return stage.sign_in()


no_forwarded_proto = Fault(
    "The proxy does not say that people come by https",
    "nginx with TLS sends no X-Forwarded-Proto; TRUSTED_PROXY_COUNT is 1.",
    before=lambda stage: stage.start_behind(Nginx([], forwarded_proto=False)),
    page="misconfigured",
    doctor="public.proxy",
    says="proxy_set_header X-Forwarded-Proto $scheme",
    ask=URL,
)

host_rewritten = Fault(
    "The proxy puts its own name instead of the host",
    "nginx sends the upstream's name as Host.",
    before=lambda stage: stage.start_behind(Nginx([], keep_host=False)),
    page="misconfigured",
    doctor="public.proxy",
    says="proxy_set_header Host $http_host",
    ask=URL,
)


@fault(
    "PUBLIC_URL is http, people come by https",
    page="a bare 400 page",
    record=None,
    log=None,
    doctor="public.scheme",
    says="from https to http",
    ask=URL,
)
def redirect_to_http(stage: Stage) -> str:
    """PUBLIC_URL was left at http behind nginx with TLS: the site sends people to http."""
    proxy = Nginx([])
    stage.start_behind(proxy, PUBLIC_URL=proxy.url.replace("https", "http"))
    return stage.sign_in()


@fault(
    "A proxy keeps the button's redirect and gives it to everybody",
    page="cookie_not_sent",
    doctor="public.session_cookie",
    says="Let the proxy or CDN pass Set-Cookie through, and not cache it",
    ask=URL,
)
def cached_redirect(stage: Stage) -> str:
    """nginx caches POSTs under /accounts/ for all, without Set-Cookie; another was there before."""
    keep = "proxy_cache kept; proxy_cache_methods GET POST; proxy_cache_valid 302 1m;"
    ignore = "proxy_ignore_headers Cache-Control Expires Vary Set-Cookie;"
    key = 'proxy_cache_key "$request_method$uri"; proxy_hide_header Set-Cookie;'
    inner = f"location {START_PATH} {{ proxy_pass http://sites; {HEADERS} {keep} {ignore} {key} }}"
    path = "proxy_cache_path DIRECTORY/kept keys_zone=kept:1m;"
    stage.start_behind(Mistaken(server=inner, http=path))
    stage.sign_in()
    return stage.sign_in()


cookies_stripped = Fault(
    "A proxy strips cookies",
    "nginx hides Set-Cookie, as a CDN does that wants to cache.",
    before=lambda stage: stage.start_behind(Mistaken("proxy_hide_header Set-Cookie;")),
    page="form_refused",
    log="CSRF cookie not set",
    doctor="public.csrf_cookie",
    says="no Set-Cookie comes with the page",
    ask=URL,
)


@fault(
    "A proxy changes the path of cookies",
    page="cookie_not_sent",
    doctor="public.session_cookie",
    says="proxy_cookie_path",
    ask=URL,
)
def cookie_path_rewritten(stage: Stage) -> str:
    """nginx makes the session cookie's path /admin/."""
    inner = (
        f"location {START_PATH} {{ proxy_pass http://sites; {HEADERS}"
        " proxy_cookie_path / /admin/; }"
    )
    stage.start_behind(Mistaken(server=inner))
    return stage.sign_in()


query_dropped = Fault(
    "A proxy drops the callback's query",
    "nginx rewrites the callback's address and loses what comes after the question mark.",
    before=lambda stage: stage.start_behind(
        Mistaken(f"if ($uri = {CALLBACK}) {{ set $args ''; }}")
    ),
    page="state_not_ours",
    doctor="public.secret_keys",
    says="look for a proxy that drops or changes the query string",
    ask=URL,
)


@fault(
    "Easy Auth of App Service stands in front",
    page="sent to another sign-in",
    record=None,
    log=None,
    doctor="public.easy_auth",
    says="turn it off (Easy Auth)",
    ask=URL,
)
def easy_auth(stage: Stage) -> str:
    """WEBSITE_AUTH_ENABLED is set, and the front sends everybody to /.auth/login/aad."""
    stage.start_behind(
        Mistaken(server="location /admin { return 302 /.auth/login/aad; }"),
        WEBSITE_AUTH_ENABLED="true",
    )
    page = stage.browser().get(LOGIN)
    return "sent to another sign-in" if "/.auth/login/" in page.location else page.reason


@fault(
    "The site behind the proxy is down",
    page="a bare 502 page",
    record=None,
    log=None,
    doctor="public.page",
    says="the site behind the proxy does not answer",
    ask=URL,
)
def site_down(stage: Stage) -> str:
    """nginx passes on to a port where nothing listens."""
    proxy = Mistaken()
    proxy.upstreams = [free_port()]
    stage.stack.enter_context(proxy)
    stage.url = stage.env["PUBLIC_URL"] = proxy.url
    return stage.sign_in()


@fault(
    "The certificate is not trusted",
    page="the browser's own error page",
    record=None,
    log=None,
    doctor="public.certificate",
    says="The certificate is self-signed",
    ask=URL,
)
def certificate_not_trusted(stage: Stage) -> str:
    """nginx has a self-signed certificate that the browser does not know."""
    proxy = Nginx([free_port()])
    stage.stack.enter_context(proxy)
    stage.url = stage.env["PUBLIC_URL"] = proxy.url
    try:
        return stage.sign_in()
    except requests.exceptions.SSLError:
        return "the browser's own error page"


hosts_without_ours = Fault(
    "ALLOWED_HOSTS leaves the public host out",
    "ALLOWED_HOSTS was set by hand to the host of another site.",
    mistake="hosts_without_ours",
    page="a bare 400 page",
    record=None,
    log="Invalid HTTP_HOST header",
    doctor="accounts.E006",
    says="PUBLIC_URL's host localhost is not in ALLOWED_HOSTS",
)


def in_front(sentence: str, set_up: str, page: str, doctor: str, says: str, **lines: str) -> Fault:
    """nginx with these lines; the site is not reached, or what it says does not arrive."""
    return Fault(
        sentence,
        set_up,
        before=lambda stage: stage.start_behind(Mistaken(**lines)),
        page=page,
        record=None,
        log=None,
        doctor=doctor,
        says=says,
        ask=URL,
    )


posts_barred = in_front(
    "What stands in front lets no POST through", "A CDN or firewall allows GET and HEAD only.",
    "a bare 403 page", "public.page", "The button: access is forbidden before the request reaches",
    location="limit_except GET { deny all; }",
)  # fmt: skip
method_barred = in_front(
    "What stands in front answers 405 to POST", "A host for static sites is in front.",
    "a bare 405 page", "public.page", "does not pass on this kind of request",
    location="if ($request_method = POST) { return 405; }",
)  # fmt: skip
password_in_front = in_front(
    "A proxy asks for a password of its own", "auth_basic was left on from the time before.",
    "a bare 401 page", "public.page", "nginx: auth_basic off", location="return 401;",
)  # fmt: skip
sandboxed = Fault(
    "A proxy puts the site into a sandbox",
    "It adds Content-Security-Policy: sandbox, in which browsers send no form.",
    before=lambda stage: stage.start_behind(
        Mistaken('add_header Content-Security-Policy "sandbox" always;')
    ),
    page="gets in",
    doctor="public.csp",
    says="Remove form-action and sandbox from the policy",
    ask=URL,
)


@fault(
    "A proxy rewrites the redirect to Microsoft",
    page="sent to the proxy's own host",
    record=None,
    doctor="public.rewritten",
    says="nginx: proxy_redirect off",
    log=None,
    ask=URL,
)
def redirect_rewritten(stage: Stage) -> str:
    """proxy_redirect puts the proxy's name in the place of every host."""
    rule = "proxy_redirect ~^https?://[^/]+(/.*)$ http://127.0.0.1$1;"
    stage.start_behind(Mistaken(rule))
    browser = stage.browser()
    start = browser.submit(browser.get(LOGIN))
    is_own = start.location.startswith("http://127.0.0.1/")
    return "sent to the proxy's own host" if is_own else start.location


def form_spoiled(sentence: str, set_up: str, line: str, record: str, says: str) -> Fault:
    """The button's POST reaches the site without a part that the CSRF check needs."""
    return Fault(
        sentence,
        set_up,
        before=lambda stage: stage.start_behind(Mistaken(line)),
        page="form_refused",
        record=record,
        doctor="public.csrf",
        says=says,
        ask=URL,
    )


request_cookies_stripped = form_spoiled(
    "A proxy strips the cookies of requests", "Cookie is emptied on the way to the site.",
    'proxy_set_header Cookie "";', "cookie:", "pass on the Cookie header of requests",
)  # fmt: skip
body_dropped = form_spoiled(
    "A proxy drops the body of POSTs", "proxy_pass_request_body is off.",
    "proxy_pass_request_body off; proxy_set_header Content-Length 0;", "token:",
    "pass on the whole body of POSTs",
)  # fmt: skip
origin_hidden = form_spoiled(
    "A proxy puts null in the place of Origin", "A filter for privacy is in front.",
    'proxy_set_header Origin "null";', "origin:", "pass on Origin and Referer unchanged",
)  # fmt: skip
