"""The address that people use: names, ports and certificates, and pages of ours that refuse."""

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import requests

from tests.faults.fault import GETS_IN, URL, Fault
from tests.faults.stage import Stage
from tests.faults.test_ways_to_microsoft import instead, nothing
from tests.servers import forked
from tests.servers.ports import free_port
from tests.servers.process import clean_environment, scratch
from tests.servers.release import copy_of_today
from tests.servers.site import Site
from tests.support.chains import chain
from tests.support.silent import Deaf, Speaker
from tests.support.tiny_server import TinyServer

SOON = 2.0  # seconds; people wait longer
BROWSERS_OWN = "the browser's own error page"


def at(sentence: str, set_up: str, url: Any, doctor: str, says: str) -> Fault:
    """PUBLIC_URL leads to where no site is met; `url` makes the address."""

    def play(stage: Stage) -> str:
        stage.url = stage.env["PUBLIC_URL"] = url(stage)
        try:
            requests.get(stage.url, timeout=SOON, verify=stage.trust)
            return "some page"
        except requests.exceptions.RequestException:
            return BROWSERS_OWN

    return Fault(
        sentence, set_up, play=play, page=BROWSERS_OWN, record=None, log=None,
        doctor=doctor, says=says, ask=URL,
    )  # fmt: skip


def enter(stage: Stage, server: Any) -> Any:
    return stage.stack.enter_context(server)


def localhost(port: int) -> str:
    return f"https://localhost:{port}"


# --- names and ports -----------------------------------------------------------------------------

public_name_unknown = at(
    "The host of PUBLIC_URL has no DNS entry",
    "The custom domain was never entered.",
    lambda _: "https://staff.contoso.invalid",
    "public.unreachable_from_here",
    "it has an unknown host name",
)
nothing_listens = at(
    "Nothing listens at PUBLIC_URL",
    "The proxy is not started.",
    lambda _: localhost(free_port()),
    "public.reachable",
    "Start the site or its proxy",
)
packets_dropped = at(
    "A firewall drops what is sent to PUBLIC_URL",
    "Connections never come about.",
    lambda stage: localhost(enter(stage, Deaf()).number),
    "public.reachable",
    "does not answer in time",
)
no_handshake = at(
    "What listens at PUBLIC_URL does no TLS",
    "It takes connections, and says nothing.",
    lambda stage: localhost(enter(stage, Speaker()).number),
    "public.certificate",
    "the handshake was not done in time",
)
plain_port = at(
    "PUBLIC_URL says https, and its port speaks http",
    "TLS was never set up at the proxy.",
    lambda stage: localhost(port_of(enter(stage, TinyServer(nothing)))),
    "public.certificate",
    "That port does not use TLS",
)


def port_of(server: TinyServer) -> int:
    return int(server.url.rpartition(":")[2])


# --- certificates --------------------------------------------------------------------------------


def certified(sentence: str, set_up: str, says: str, **certificate: Any) -> Fault:
    def url(stage: Stage) -> str:
        made = chain(Path(scratch("chain")), **certificate)
        stage.trust = str(made.root)
        return localhost(port_of(enter(stage, TinyServer(nothing, made.shown))))

    return at(sentence, set_up, url, "public.certificate", says)


public_certificate_expired = certified(
    "The site's certificate has expired",
    "Nobody renewed it.",
    "The certificate has expired: renew it",
    days=-1,
)
certificate_alone = certified(
    "The site's certificate comes without the one between",
    "nginx was given cert.pem instead of fullchain.pem.",
    "serve the whole chain (fullchain.pem)",
    whole=False,
)
certificate_of_another_name = certified(
    "The site's certificate is for another host",
    "The certificate of the former domain.",
    "The certificate is for another name: get one for this host",
    names=("old.contoso.example",),
)

# --- pages of ours that refuse -------------------------------------------------------------------

another_authority = Fault(
    "The button says that sign-in is not set up correctly, and no proxy is to blame",
    "MICROSOFT_LOGIN_URL names another host than Microsoft's document does.",
    env=instead('{"issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"}'),
    page="misconfigured",
    record="issuer: not on",
    doctor="public.misconfigured",
    says="The button is refused. A setting or the app registration is wrong; the detail says which."
    " (issuer: not on",
    ask=URL,
)
microsoft_away = Fault(
    "The button says that Microsoft cannot be reached",
    "Nothing listens where MICROSOFT_LOGIN_URL leads; doctor asks the site, not Microsoft.",
    env=lambda _: {"MICROSOFT_LOGIN_URL": f"http://localhost:{free_port()}"},
    page="microsoft_unreachable",
    record="refuses connections",
    doctor="public.microsoft_unreachable",
    says="localhost refuses connections on port",
    ask=URL,
)

# --- files of another release --------------------------------------------------------------------


@cache
def collected() -> Path:
    """What collectstatic makes of this release, in a copy of it."""
    copy = copy_of_today("collected").root
    command = ("manage.py", "collectstatic", "--noinput", "-v", "0")
    done = forked.run(*command, env=clean_environment(), cwd=copy)
    assert done.returncode == 0, done.stderr
    return copy / "staticfiles"


def static(sentence: str, set_up: str, spoil: Any, says: str) -> Fault:
    def play(stage: Stage) -> str:
        root = Path(scratch("static")) / "staticfiles"
        shutil.copytree(collected(), root)
        spoil(root)
        stage.start(mistake="static_root", STATIC_FILES=str(root))
        return stage.sign_in()

    return Fault(sentence, set_up, play=play, page=GETS_IN, doctor="accounts.W010", says=says)


def cut(root: Path) -> None:
    manifest = root / "staticfiles.json"
    manifest.write_text(manifest.read_text()[:900])


static_list_cut = static(
    "The list of static files is cut off",
    "staticfiles.json was written to a full disk, or copied in part.",
    cut,
    "staticfiles.json cannot be read",
)
static_of_another_release = static(
    "The static files are another release's",
    "The image's layer with staticfiles/ is older than its code.",
    lambda root: next(root.rglob("sign_in.css")).write_text("/* of before */"),
    "run: ./manage.py collectstatic --noinput",
)


def left_behind(stage: Stage) -> str:
    """Its files were replaced, and it was not restarted."""
    release = copy_of_today("before")
    changed = release.root / "accounts/web/health.py"
    changed.write_text(changed.read_text().replace('"ok\\n"', '"former code\\n"'))
    shared = {name: value for name, value in stage.env.items() if name != "PUBLIC_URL"}
    site = Site({**shared, "REDIS_URL": stage.redis().url}, workers=1, root=release.root)
    stage.stack.callback(site.process.kill)
    stage._logs.append((site, 0))
    stage._go_to(site.url, site)
    site.start()
    return stage.sign_in()


code_of_before = Fault(
    "A process runs the code of the release before",
    "The files were replaced, and nothing was restarted: neither HUP nor systemctl reload came.",
    play=left_behind,
    page=GETS_IN,
    doctor="processes.release",
    says="runs other code",
)
