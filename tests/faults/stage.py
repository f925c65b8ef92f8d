"""Where a fault is played: real sites and proxies, a browser, and doctor beside them."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http.cookiejar import Cookie
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tests.emulator.person import Stopped, meet
from tests.emulator.server import Emulator
from tests.faults.fault import GETS_IN, NO_START, Fault
from tests.fixtures import POSTGRES
from tests.servers.forked import run
from tests.servers.nginx import Nginx
from tests.servers.ports import free_port
from tests.servers.process import NotStarted, clean_environment
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.servers.site import answers as serves
from tests.support.visitor import LOGIN, Page, Visitor

if TYPE_CHECKING:
    from tests.faults.fault import Step

HOPS = 4
TRIES = 40
UNKNOWN = "44444444-4444-4444-8444-444444444444"  # a GUID that nobody here has given out
OTHER_KEY = "of-the-other-slot-and-long-enough-for-every-check-0123456789-abcdefghij"
MISTAKES = "tests.faults.mistakes"


class Browser(Visitor):
    """A visitor who withholds SameSite=Strict cookies on the way back from another site."""

    @override
    def come_back(self, callback_url: str) -> Page:
        withheld = [cookie for cookie in self.http.cookies if _is_strict(cookie)]
        for cookie in withheld:
            self.http.cookies.clear(cookie.domain, cookie.path, cookie.name)
        page = super().come_back(callback_url)
        for cookie in withheld:
            self.http.cookies.set_cookie(cookie)
        return page


def _is_strict(cookie: Cookie) -> bool:
    return str(cookie.get_nonstandard_attr("SameSite", "")).lower() == "strict"


@dataclass(frozen=True)
class Said:
    """What doctor said: its document, or why it did not even start."""

    code: int
    document: Mapping[str, Any]
    errors: str

    @property
    def problems(self) -> dict[str, str]:
        """The text of each warning and error, by id."""
        found = self.document.get("findings", ())
        return {
            finding["id"]: f"{finding['title']}. {finding['detail']} {finding['fix']}"
            for finding in found
            if finding["level"] != "ok"
        }


class Stage:
    """Stands on the site that all tests share until a fault starts another.

    `url` is what people open; `env` is the environment in which doctor is run; `reference` is
    that of the last page.
    """

    def __init__(
        self, shared: Site, emulator: Emulator, env: Mapping[str, str], stack: ExitStack
    ) -> None:
        self.emulator, self.stack = emulator, stack
        self._base = dict(env)
        self.url, self.env = shared.url, {**env, "PUBLIC_URL": shared.url}
        self.trust: str | bool = True
        self.reference = ""
        # Each site whose log tells of this fault, and where in it the fault began.
        self._logs = [(shared, len(shared.log()))]

    def log(self) -> str:
        """What all sites wrote meanwhile."""
        return "".join(site.log()[start:] for site, start in self._logs)

    def play(self, fault: Fault) -> str:
        """Set the fault up and sign in; the reason that ends it, or a phrase."""
        if fault.play:
            return fault.play(self)
        if fault.before:
            fault.before(self)
        env = fault.env(self) if callable(fault.env) else fault.env
        try:
            if env or fault.mistake or fault.workers:
                self.start(mistake=fault.mistake, workers=fault.workers or 1, **env)
        except NotStarted:
            return NO_START
        return self.sign_in(
            fault.person, between=partial(_do, fault.between, self), error=fault.error
        )

    def start(self, *, mistake: str = "", workers: int = 1, **env: str) -> Site:
        """A site of the fault's own; from now on people go there, and doctor has its settings."""
        site = self._new(mistake, workers, env)
        self._go_to(site.url, site)
        site.start()
        return site

    def start_both(self, first: Mapping[str, str], second: Mapping[str, str]) -> list[Site]:
        """Two instances behind a proxy that takes turns; doctor has the settings of the first."""
        port = free_port()
        front = {"PUBLIC_URL": f"http://localhost:{port}", "TRUSTED_PROXY_COUNT": "1"}
        sites = [
            self._new(env.get("MISTAKE", ""), 1, {**front, "WEBSITE_INSTANCE_ID": name, **env})
            for name, env in (("first", first), ("second", second))
        ]
        for site in sites:
            site.process.start()
        for site in sites:
            site.process.wait_until(partial(serves, site.port))
        self.stack.enter_context(Nginx([site.port for site in sites], port=port, tls=False))
        self._go_to(front["PUBLIC_URL"], sites[0])
        return sites

    def start_behind(self, proxy: Nginx, **env: str) -> Site:
        """A site behind a proxy, which people come through; `proxy.upstreams` is filled in."""
        site = self._new("", 1, {"PUBLIC_URL": proxy.url, "TRUSTED_PROXY_COUNT": "1", **env})
        site.start()
        proxy.upstreams = proxy.upstreams or [site.port]
        self.stack.enter_context(proxy)
        self._go_to(proxy.url, site)
        self.trust = str(proxy.certificate) if proxy.tls else True
        return site

    def redis(self, *arguments: str) -> Redis:
        """A Redis of the fault's own, which keeps nothing over a restart."""
        return self.stack.enter_context(Redis(*arguments))

    def empty_database(self, name: str) -> str:
        """The address of a database with nothing in it, which goes with the fault."""
        self.stack.callback(POSTGRES.drop_database, name)
        return POSTGRES.create_database(name)

    def browser(self, **headers: str) -> Browser:
        """A fresh browser profile at the address that people use."""
        return Browser(self.url, verify=self.trust, headers=headers)

    def sign_in(
        self,
        person: str = "staff",
        *,
        browser: Browser | None = None,
        between: Callable[[], object] = lambda: None,
        way: Callable[[str], str] = lambda callback: callback,
        error: str = "",
    ) -> str:
        """Sign in as a person would; the reason that ends it, or a phrase.

        `between` happens while the person is at Microsoft, which then answers with `error` if
        there is one; `way` changes the callback's address.
        """
        browser = browser or self.browser()
        page = self._open(browser)
        if page.status != 200:
            return self.outcome(page, browser)
        start = browser.submit(page)
        if not start.location:
            return self.outcome(start, browser)
        try:
            if error:
                callback = meet(start.location, error, quick=True)
            else:
                callback = browser.choose(start.location, person)
        except Stopped as stopped:
            return at_microsoft(stopped)
        between()
        return self.outcome(browser.come_back(way(callback)), browser)

    def outcome(self, page: Page, browser: Browser) -> str:
        """The page's reason, or a phrase; its reference is kept."""
        self.reference = page.reference
        return outcome(page, browser)

    def sign_in_until(self, reason: str) -> str:
        """Sign in until chance has led start and callback to different workers."""
        said = ""
        for _ in range(TRIES):
            said = self.sign_in(browser=self.browser(Connection="close"))
            if said == reason:
                break
        return said

    def doctor(self, *options: str) -> Said:
        """`manage.py doctor --json` in the site's environment, in a process of its own."""
        env = clean_environment(**self.env)
        words = self._words(options)
        command = ("manage.py", "doctor", "--json", *words)
        ended = run(*command, env=env, timeout=90)
        document = json.loads(ended.stdout) if ended.stdout.startswith("{") else {}
        return Said(ended.returncode, document, ended.stderr)

    def _words(self, options: tuple[str, ...]) -> Iterator[str]:
        for option in options:
            yield option
            if option == "--url":
                yield self.url
                if isinstance(self.trust, str):
                    yield from ("--ca-file", self.trust)

    def _new(self, mistake: str, workers: int, env: Mapping[str, str]) -> Site:
        settings = {"DJANGO_SETTINGS_MODULE": MISTAKES, "MISTAKE": mistake} if mistake else {}
        site = Site({**self._base, **settings, **env}, workers=workers)
        self._logs.append((site, 0))
        self.stack.callback(site.process.kill)
        return site

    def _go_to(self, url: str, site: Site) -> None:
        self.url = url
        self.env = {k: v for k, v in site.process.env.items() if k not in ("PATH", "HOME", "LANG")}

    def _open(self, browser: Browser) -> Page:
        page = browser.get(LOGIN)
        for _ in range(HOPS):
            if not page.location:
                break
            page = browser.get(page.location)
        return page


def _do(step: "Step | None", stage: Stage) -> None:
    if step:
        step(stage)


def outcome(page: Page, browser: Browser) -> str:
    """The page's reason code, or what people see where no page of ours is met."""
    if page.reason:
        return page.reason
    if page.status == 302 and page.location.endswith("/admin/"):
        return GETS_IN if browser.is_in() else "back at the login page"
    return f"a bare {page.status} page" if page.status >= 400 else f"sent to {page.location}"


def at_microsoft(stopped: Stopped) -> str:
    """The person is stuck at Microsoft, whose page names a number."""
    number = re.search(r"AADSTS\d+", str(stopped))
    return f"Microsoft's own page, {number[0] if number else 'without a number'}"
