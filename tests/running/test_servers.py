"""The servers that other tests stand on do what their names say."""

import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import psycopg
import pytest
import redis
from playwright.sync_api import Page
from typing_extensions import override

from tests.servers.browser import Profiles
from tests.servers.nginx import Nginx
from tests.servers.ports import LOOPBACK, answers, free_port, in_use
from tests.servers.postgres import Postgres
from tests.servers.process import ROOT, NotStarted, Process, clean_environment, state
from tests.servers.redis import ONCE, Redis, Sentinel
from tests.servers.site import Site


def test_a_free_port_is_free_until_something_listens() -> None:
    port = free_port()
    assert not in_use(port)
    with _echo(port):
        assert in_use(port)
        assert answers(port)


def test_a_free_port_is_given_once() -> None:
    assert len({free_port() for _ in range(50)}) == 50


def test_a_port_is_given_to_one_process_until_that_ends() -> None:
    """It may be long until something listens there, and others must not come first."""
    asks = f"from tests.servers.ports import _reserve; print(_reserve({free_port()}))"
    assert _python(asks) == "False"
    takes = "from tests.servers.ports import free_port; print(free_port())"
    again = f"from tests.servers.ports import _reserve; print(_reserve({_python(takes)}))"
    assert _python(again) == "True"


def test_a_server_that_ended_is_not_there_because_another_answers() -> None:
    process = Process("true", ["true"])
    process.start()
    assert process.ends_within(10)
    with pytest.raises(NotStarted, match="ended while starting"):
        process.wait_until(lambda: True)


def test_a_process_ends_with_all_that_it_started(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = Process("shell", ["sh", "-c", "sleep 60 & echo $!; wait"], log=log)
    process.start()
    process.wait_until(lambda: process.log_text().strip().isdecimal(), seconds=10)
    process.stop()
    assert _gone(int(process.log_text()))


def test_a_process_that_ignores_the_request_to_end_is_ended(tmp_path: Path) -> None:
    deaf = ["sh", "-c", "trap '' TERM; echo ready; sleep 60 & wait; wait"]
    process = Process("deaf", deaf, log=tmp_path / "log")
    process.start()
    process.wait_until(lambda: "ready" in process.log_text(), seconds=10)
    pid = process.pid
    process.stop(seconds=0.2)
    assert _gone(pid)


def test_a_process_that_fails_to_start_shows_its_log(tmp_path: Path) -> None:
    process = Process("broken", ["sh", "-c", "echo the reason; exit 3"], log=tmp_path / "log")
    process.start()
    with pytest.raises(NotStarted, match="the reason"):
        process.wait_until(lambda: False, seconds=10)


def test_servers_end_when_their_starter_is_told_to(tmp_path: Path) -> None:
    code = "import signal, sys, tests.servers.redis as r; s = r.Redis().start(); "
    code += "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); print(s.port, flush=True); "
    starter = Process(
        "starter",
        [sys.executable, "-c", code + "signal.pause()"],
        log=tmp_path / "log",
    )
    starter.start()
    starter.wait_until(lambda: starter.log_text().strip().isdecimal(), seconds=20)
    os.kill(starter.pid, signal.SIGTERM)
    assert starter.ends_within(10)
    assert not answers(int(starter.log_text()))


def test_an_environment_from_scratch_has_nothing_of_this_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    assert set(clean_environment(DEBUG="false")) == {"PATH", "HOME", "LANG", "DEBUG"}


def test_postgres_keeps_its_data_over_a_restart() -> None:
    with Postgres() as server:
        _execute(server, "CREATE TABLE kept (id int)")
        server.restart()
        assert _execute(server, "SELECT count(*) FROM kept") == (0,)


def test_postgres_keeps_its_data_over_a_crash() -> None:
    with Postgres() as server:
        _execute(server, "CREATE TABLE kept (id int)")
        server.process.kill()
        server.start()
        assert _execute(server, "SELECT count(*) FROM kept") == (0,)


def test_postgres_copies_a_database(postgres: Postgres) -> None:
    url = postgres.create_database("copied")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("copied",)
    postgres.drop_database("copied")


def test_postgres_is_as_new_as_production(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.info.server_version >= 180000


def test_redis_forgets_over_a_restart() -> None:
    with Redis() as server:
        server.client().set("kept", "1")
        server.restart()
        assert server.client().get("kept") is None


def test_redis_keeps_what_it_is_told_to_keep() -> None:
    with Redis("--appendfsync", "always", keep=True) as server:
        server.client().set("kept", "1")
        server.restart()
        assert server.client().get("kept") == b"1"


def test_redis_hangs_while_paused() -> None:
    with Redis() as server:
        server.pause()
        with pytest.raises(redis.TimeoutError):
            redis.Redis(port=server.port, socket_timeout=0.2, retry=ONCE).ping()
        server.resume()
        assert server.client().ping()


def test_sentinels_make_the_replica_master() -> None:
    with Sentinel() as group:
        assert group.master_port() == group.master.port
        group.fail_over()
        assert group.master_port() == group.replica.port


def test_a_sentinel_url_names_every_sentinel_and_the_master() -> None:
    group = Sentinel(sentinels=2)
    one, two = group.ports
    assert group.url == (f"redis+sentinel://127.0.0.1:{one},redis+sentinel://127.0.0.1:{two}/staff")


def test_nginx_goes_round_its_upstreams() -> None:
    one, two = free_port(), free_port()
    with _echo(one), _echo(two), Nginx([one, two]) as proxy:
        assert {_get(proxy)["at"] for _ in range(4)} == {str(one), str(two)}


def test_nginx_says_which_scheme_and_host_the_browser_used() -> None:
    port = free_port()
    with _echo(port), Nginx([port]) as proxy:
        seen = _get(proxy)
    assert seen["x-forwarded-proto"] == "https"
    assert seen["host"] == f"localhost:{proxy.port}"
    assert seen["x-forwarded-for"] == LOOPBACK


def test_nginx_can_keep_silent_about_the_scheme() -> None:
    port = free_port()
    with _echo(port), Nginx([port], forwarded_proto=False) as proxy:
        assert "x-forwarded-proto" not in _get(proxy)


def test_nginx_can_lose_the_host() -> None:
    port = free_port()
    with _echo(port), Nginx([port], keep_host=False) as proxy:
        assert _get(proxy)["host"] == "sites"


def test_nginx_can_do_without_tls() -> None:
    port = free_port()
    with _echo(port), Nginx([port], tls=False) as proxy:
        assert _get(proxy)["x-forwarded-proto"] == "http"


def test_chromium_opens_a_page(page: Page) -> None:
    port = free_port()
    with _echo(port), Nginx([port]) as proxy:
        page.goto(proxy.url)
        assert f"localhost:{proxy.port}" in page.content()


def test_a_profile_is_empty_when_it_is_taken_again(profiles: Profiles) -> None:
    store = """async () => {
        addEventListener('pagehide', () => { localStorage.left = 'x' });
        localStorage.typed = document.cookie = 'x=y';
        await new Promise((done) => { indexedDB.open('x').onsuccess = done });
        await caches.open('x');
    }"""
    stored = """async () => [Object.keys(localStorage), document.cookie,
        (await indexedDB.databases()).length, await caches.keys()]"""
    port, taken = free_port(), []
    with _echo(port):
        for _ in range(2):
            with profiles.page() as page:
                page.goto(f"http://localhost:{port}")
                taken.append(page.context)
                assert page.evaluate(stored) == [[], "", 0, []]
                page.evaluate(store)
                assert page.evaluate(stored) == [["typed"], "x=y", 1, ["x"]]
    assert taken[0] == taken[1]


def test_a_site_that_cannot_start_says_why() -> None:
    with pytest.raises(NotStarted, match="SECRET_KEY"):
        Site({"DEBUG": "false"}, workers=1).start()


def test_make_run_says_in_one_line_that_a_port_is_in_use() -> None:
    port = free_port()
    with _echo(port):
        ended = _run(PORT=str(port), EMULATOR_PORT=str(free_port()))
    said = f"Port {port} is in use: stop what uses it, or set PORT to another.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_make_run_says_in_one_line_that_a_port_is_no_port() -> None:
    ended = _run(PORT="eight")
    assert (ended.returncode, ended.stderr) == (
        1,
        "PORT must be a port such as 8000, not 'eight'.\n",
    )


def test_make_run_wants_two_ports() -> None:
    port = str(free_port())
    ended = _run(PORT=port, EMULATOR_PORT=port)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1


def _run(**variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.servers.run"],
        env=clean_environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _python(code: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


def _execute(server: Postgres, statement: str) -> object:
    with psycopg.connect(server.url) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None


def _gone(pid: int) -> bool:
    for _ in range(100):
        if state(pid) == "Z":
            return True
        time.sleep(0.02)
    return False


def _get(proxy: Nginx) -> dict[str, str]:
    trust = ssl.create_default_context(cafile=str(proxy.certificate)) if proxy.tls else None
    with urllib.request.urlopen(proxy.url, timeout=5, context=trust) as answer:
        pairs = [line.split(": ", 1) for line in answer.read().decode().splitlines()]
    return {name.lower(): value for name, value in pairs}


@contextmanager
def _echo(port: int) -> Iterator[None]:
    """An upstream that answers every request with the headers it got, and its own port."""
    server = ThreadingHTTPServer((LOOPBACK, port), _Echo)
    Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        lines = [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"at: {self.connection.getsockname()[1]}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join(lines).encode())

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""
