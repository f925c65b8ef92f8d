"""Doctor through the public address: real sites behind a real proxy, set up wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import override_settings

from accounts.models import SignIn
from accounts.operate.doctor import visit
from accounts.operate.doctor.finding import Finding
from tests.emulator.server import Emulator
from tests.fixtures import StartSite
from tests.servers.nginx import Nginx
from tests.servers.ports import free_port
from tests.servers.redis import Redis
from tests.servers.site import Site
from tests.support.doctoring import PER_PROCESS, bad, by_id, settings_with

OTHER_KEY = "of-a-slot-that-was-given-a-key-of-its-own-0123456789-abcdefghijklmnop"


def look(url: str, ca_file: str = "", public_url: str = "") -> dict[str, Finding]:
    with override_settings(PUBLIC_URL=public_url or url, ALLOWED_HOSTS=["localhost"]):
        return by_id(visit.run(url, ca_file))


@contextmanager
def behind(proxy: Nginx) -> Iterator[dict[str, Finding]]:
    with proxy:
        yield look(proxy.url, str(proxy.certificate) if proxy.tls else "")


def test_a_healthy_site_has_no_findings(site: Site) -> None:
    found = look(site.url)
    assert bad(found.values()) == set()
    assert "20 returns" in found["public.rounds"].title


def test_its_returns_leave_no_rows(site: Site) -> None:
    look(site.url)
    assert SignIn.objects.count() == 0


def test_without_the_sites_key_its_returns_are_recorded_as_doctors(site: Site) -> None:
    with override_settings(SECRET_KEY=OTHER_KEY):
        look(site.url)
    rows = SignIn.objects.all()
    assert {row.user_agent for row in rows} == {"doctor (django-entra-sign-in)"}
    assert rows.filter(reason="cancelled").count() >= 10


@pytest.mark.parametrize(("count", "level"), [("0", "ok"), ("1", "warning")])
def test_a_made_up_address_is_believed_where_too_many_proxies_are_trusted(
    count: str, level: str, start_site: StartSite
) -> None:
    site = start_site(workers=1, TRUSTED_PROXY_COUNT=count)
    assert look(site.url)["public.forwarded_for"].level == level


def test_sessions_of_one_process_under_two_workers_are_counted(
    start_site: StartSite, tmp_path: Path
) -> None:
    site = start_site(workers=2, **settings_with(tmp_path, PER_PROCESS))
    finding = look(site.url)["public.sessions"]
    assert finding.level == "error"
    assert finding.shows_as == ("session_not_found",)
    assert "of 20 returns reached an instance that does not share sessions" in finding.title
    assert "REDIS_URL" in finding.fix


@pytest.fixture
def proxy_port() -> int:
    return free_port()


def instances(
    start_site: StartSite, port: int, *variables: dict[str, str], scheme: str = "https"
) -> list[int]:
    public_url = f"{scheme}://localhost:{port}"
    common = {"PUBLIC_URL": public_url, "TRUSTED_PROXY_COUNT": "1"}
    return [start_site(workers=1, **common | each).port for each in variables]


def test_two_instances_that_share_all_are_well(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {}, {})
    with behind(Nginx(sites, port=proxy_port)) as found:
        assert bad(found.values()) == set()
        assert "2 processes" in found["public.rounds"].title


def test_an_instance_with_another_redis_is_counted(start_site: StartSite, proxy_port: int) -> None:
    with Redis() as other:
        sites = instances(start_site, proxy_port, {}, {"REDIS_URL": other.url})
        with behind(Nginx(sites, port=proxy_port)) as found:
            assert "does not share sessions" in found["public.sessions"].title


def test_an_instance_with_another_key_is_counted(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {}, {"SECRET_KEY": OTHER_KEY})
    with behind(Nginx(sites, port=proxy_port)) as found:
        assert "another SECRET_KEY" in found["public.secret_keys"].title
        assert found["public.secret_keys"].shows_as == ("state_not_ours",)


def test_a_proxy_that_hides_https_is_named(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {})
    with behind(Nginx(sites, port=proxy_port, forwarded_proto=False)) as found:
        assert set(found) == {"public.proxy"}
        assert "X-Forwarded-Proto" in found["public.proxy"].fix


def test_a_proxy_that_is_not_trusted_is_named(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {"TRUSTED_PROXY_COUNT": "0"})
    with behind(Nginx(sites, port=proxy_port)) as found:
        assert "TRUSTED_PROXY_COUNT" in found["public.proxy"].fix


def test_a_proxy_that_changes_the_host_is_named(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {"ALLOWED_HOSTS": "sites"})
    with behind(Nginx(sites, port=proxy_port, keep_host=False)) as found:
        assert set(found) == {"public.proxy"}


def test_a_public_url_of_another_scheme_is_named(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {}, scheme="http")
    with behind(Nginx(sites, port=proxy_port)) as found:
        assert bad(found.values()) & {"public.scheme", "public.proxy", "public.redirect_uri"}


def test_a_certificate_that_is_not_trusted_is_named(start_site: StartSite, proxy_port: int) -> None:
    sites = instances(start_site, proxy_port, {})
    with Nginx(sites, port=proxy_port) as proxy:
        found = look(proxy.url)
    assert set(found) == {"public.certificate"}
    assert "--ca-file" in found["public.certificate"].fix


def test_nothing_behind_the_proxy_is_named(proxy_port: int) -> None:
    with behind(Nginx([free_port()], port=proxy_port)) as found:
        assert found["public.page"].shows_as == ("a 502 page",)


def test_an_address_where_nothing_listens_is_named(db: None) -> None:
    found = look(f"http://localhost:{free_port()}")
    assert found["public.reachable"].level == "error"


def test_a_name_that_is_not_known_is_named(db: None) -> None:
    finding = look("http://nowhere.invalid")["public.unreachable_from_here"]
    assert "unknown host name" in finding.title
    assert finding.level == "unknown"  # split DNS may hide it from the server only


@pytest.mark.parametrize(("lines", "id_"), [
    ("SESSION_COOKIE_SECURE = True", "public.session_cookie"),
    ("SESSION_COOKIE_DOMAIN = 'other.example'", "public.session_cookie"),
    ("SESSION_COOKIE_SAMESITE = 'Strict'", "public.session_cookie"),
    ("SESSION_COOKIE_PATH = '/admin/'", "public.session_cookie"),
    ("SESSION_COOKIE_NAME = '__Host-sessionid'", "public.session_cookie"),
    ("CSRF_COOKIE_SECURE = True", "public.csrf_cookie"),
    ("CSRF_COOKIE_DOMAIN = 'other.example'", "public.csrf_cookie"),
    ("PUBLIC_URL = 'http://localhost:1'", "public.reachable"),
    ("ALLOWED_HOSTS = ['other.example']", "public.page"),
    ("SOCIALACCOUNT_PROVIDERS['microsoft']['APPS'][0]['client_id'] = 'x'", "public.client_id"),
])  # fmt: skip
def test_mistakes_in_settings_are_named(
    lines: str, id_: str, start_site: StartSite, tmp_path: Path
) -> None:
    site = start_site(workers=1, **settings_with(tmp_path, lines))
    assert id_ in bad(look(site.url).values())


def test_a_site_without_its_app_is_named(start_site: StartSite) -> None:
    site = start_site(workers=1, MICROSOFT_CLIENT_ID="", MICROSOFT_CLIENT_SECRET="")
    assert look(site.url)["public.not_configured"].shows_as == ("not_configured",)


def test_microsoft_out_of_reach_of_the_site_is_named(
    start_site: StartSite, emulator: Emulator
) -> None:
    nowhere = f"http://localhost:{free_port()}"
    site = start_site(workers=1, MICROSOFT_LOGIN_URL=nowhere)
    assert "public.microsoft_unreachable" in look(site.url)


def test_a_redis_that_is_away_is_named(start_site: StartSite) -> None:
    with Redis() as other:
        site = start_site(workers=1, REDIS_URL=other.url)
        other.stop()
        found = look(site.url)
    assert any("session_store_unavailable" in each.shows_as for each in found.values())
