"""In other Django sites, from the built wheel, by the same few lines everywhere."""

from __future__ import annotations

import html
import re
import shutil
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import expect

from tests.emulator.people import Person
from tests.emulator.server import Emulator
from tests.hosts import edit
from tests.hosts.projects import SERVE, Deployed, Project, Served
from tests.hosts.sites import HOSTS, PASSWORD, SIGN_UP, STOCK, THEMED, THEMES
from tests.journeys.admin_browser import watched
from tests.servers.once import once
from tests.servers.process import ROOT
from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.hosts.sites import Host
    from tests.servers.postgres import Postgres
    from tests.servers.redis import Redis

Site = TypeVar("Site", bound=Project)
MOST_PAGES = 150
FORGET_TWIN = """
from django.contrib.auth import get_user_model
get_user_model().objects.get(login="twin2").delete()
"""


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.register_person(Person("twin", "Twin", "twin@contoso.example"))
        yield emulator


def _stock(entra: Emulator, directory: Path) -> None:
    site = edited(Project(directory), replace(STOCK, as_stock=False), entra)
    site.python(str(SERVE), "prepare")


def edited(site: Site, host: Host, entra: Emulator) -> Site:
    """The host as it is, and the edit."""
    if host.as_stock:
        made = once("stock-host", partial(_stock, entra))
        shutil.copy(made / "host/db.sqlite3", site.place)
    site.add(host.all_files())
    file, line, lines = host.besides.instead
    if file:
        path = site.place / file
        assert line in path.read_text()
        path.write_text(path.read_text().replace(line, lines))
    ours = edit.settings_for(entra.url, site.url, host.besides)
    site.edit(f"{host.all_settings()}\n{ours}", f"{host.urls}\n{edit.urls()}")
    return site


def visitor_of(site: Project, host: Host) -> Visitor:
    return Visitor(site.url, admin=host.admin)


def sent(visitor: Visitor, path: str, **fields: str) -> str:
    """Where a form leads to, once it is filled in."""
    [token, *_] = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get(path).text)
    answer = visitor.post(path, {"csrfmiddlewaretoken": token, **fields})
    assert answer.status == 302, answer.text
    return answer.location


def walked(visitor: Visitor, host: Host) -> dict[str, int]:
    """Every page that links lead to, one of a kind, and its status, but for what needs a POST."""
    statuses: dict[str, int] = {}
    kinds: set[str] = set()
    waiting = list(host.crawled)
    while waiting and len(statuses) < MOST_PAGES:
        path = waiting.pop(0)
        kind = re.sub(r"[0-9a-f-]{32,}|\d+", "N", path)
        if kind in kinds or re.search("logout|/bulk/", kind) or not path.startswith(host.crawled):
            continue
        kinds.add(kind)
        page = visitor.get(path)
        statuses[path] = page.status
        links = re.findall(r'href="([^"#]+)"', page.text)
        waiting += [urlsplit(urljoin(page.url, html.unescape(link))).path for link in links]
    return statuses


def staff_get_in_and_others_do_not(site: Project, host: Host) -> Visitor:
    """Sam, who is in; every page answers him."""
    sam = visitor_of(site, host)
    assert sam.get(sam.get(host.next).location).form(), "it leads to the button"
    assert sam.sign_in("staff", host.next).location == f"{site.url}{host.next}"
    assert sam.get(host.next).status == 200
    for person, reason in (("notstaff", "user_not_staff"), ("nobody", "unknown_user")):
        assert visitor_of(site, host).sign_in(person, host.next).reason == reason
    statuses = walked(sam, host)
    assert len(statuses) > 15, statuses
    assert {path: status for path, status in statuses.items() if status not in (200, 302)} == {}, (
        site.log()
    )
    return sam


def its_own_sign_in_works(site: Project, host: Host) -> None:
    """By user name and password, in the host's own way; admin stays closed to it."""
    visitor = visitor_of(site, host)
    assert "The host's own page" in visitor.get(host.own_login).text
    sent(visitor, host.own_login, username="root", password=PASSWORD)
    assert len(visitor.http.cookies) == 2, "of the session and of the forms"
    assert not visitor.is_in()


def people_are_switched_off(site: Project, sam: Visitor) -> None:
    assert sam.is_in()
    site.manage("staff", "deactivate", "staff@contoso.example")
    assert not sam.is_in()
    site.manage("staff", "reactivate", "staff@contoso.example")


def in_chromium(site: Project, host: Host, page: Page) -> None:
    """From a page of staff's to a refusal, and at the second try to that page."""
    at_microsoft(page, "guest")
    page.goto(f"{site.url}{host.next}")
    page.get_by_role("button", name="Sign in with Microsoft").click()
    refusal = page.locator("[data-reason]")
    expect(refusal).to_have_attribute("data-reason", "guest_not_allowed")
    expect(refusal).to_be_visible()
    with watched(page):  # from here on: a refusal is 403, which browsers write to the console
        again = page.get_by_role("button", name="Try again")
        box = again.bounding_box()
        assert box is not None
        assert box["width"] > 60, "its text fits in"
        at_microsoft(page, "staff")
        again.click()
        page.wait_for_url(f"{site.url}{host.next}")
        page.goto(f"{site.url}{host.admin}")


def at_microsoft(page: Page, person: str) -> None:
    """Who Microsoft knows the browser as, and so asks nothing; some hosts speak German."""
    page.set_extra_http_headers({"Accept-Language": "en", "X-Emulator-Person": person})


def nothing_secret_or_broken(site: Project) -> None:
    log = site.log()
    assert "Traceback" not in log, log
    assert "callback/?code=" not in log


@pytest.mark.parametrize("name", [name for name in HOSTS if name != "sign_up"])
def test_a_host(name: str, tmp_path: Path, entra: Emulator, page: Page) -> None:
    host = HOSTS[name]
    site = edited(Served(tmp_path), host, entra)
    with site.prepared():
        sam = staff_get_in_and_others_do_not(site, host)
        its_own_sign_in_works(site, host)
        if name == "uuid":
            assert visitor_of(site, host).sign_in("twin").reason == "ambiguous_email"
            site.manage("shell", "-c", FORGET_TWIN)
        people_are_switched_off(site, sam)
        site.manage("doctor", *(("--url", site.url) if name == "moved" else ()))
        in_chromium(site, host, page)
        nothing_secret_or_broken(site)


def test_a_host_with_public_sign_up_in_production(
    tmp_path: Path, entra: Emulator, page: Page, postgres: Postgres, redis_server: Redis
) -> None:
    """gunicorn, PostgreSQL, Redis, hashed static files, DEBUG off."""
    postgres.create_database("of_a_host")
    where = {
        "PGHOST": "127.0.0.1", "PGPORT": str(postgres.port), "PGUSER": "site",
        "PGDATABASE": "of_a_host", "REDIS_URL": redis_server.url_of(7),
    }  # fmt: skip
    site = edited(Deployed(tmp_path, env=where), SIGN_UP, entra)
    with site.prepared():
        sam = staff_get_in_and_others_do_not(site, SIGN_UP)
        person = sam.get(f"{SIGN_UP.admin}people/user/1/change/", headers={"Accept-Language": "en"})
        assert "Can sign in" in person.text
        customers_sign_up(site, SIGN_UP)
        people_are_switched_off(site, sam)
        site.manage("doctor")
        in_chromium(site, SIGN_UP, page)
        nothing_secret_or_broken(site)


def customers_sign_up(site: Project, host: Host) -> None:
    """By its own pages, adapters and provider; who has signed up is no staff."""
    customer = visitor_of(site, host)
    assert [customer.get(path).status for path in host.public] == [200] * len(host.public)
    google = sent(customer, "/accounts/google/login/")
    assert google.startswith("https://accounts.google.com/")
    assert "client_id=of-customers" in google
    passwords = {"password1": PASSWORD, "password2": PASSWORD}
    sent(customer, "/accounts/signup/", email="cy@example.org", username="cy", **passwords)
    [mail] = (site.place / "mail").iterdir()
    [link] = re.findall(r"/accounts/confirm-email/[^/\s]+/", mail.read_text())
    sent(customer, link)
    customer = visitor_of(site, host)
    assert sent(customer, "/accounts/login/", login="cy", password=PASSWORD).endswith("/email/")
    assert customer.get("/accounts/email/").status == 200
    assert not customer.is_in()


def test_admin_has_any_look(tmp_path: Path, entra: Emulator, page: Page) -> None:
    site = edited(Served(tmp_path), THEMED, entra)
    for theme in THEMES:
        site.env["THEME"] = theme
        page.context.clear_cookies()
        with site.prepared():
            staff_get_in_and_others_do_not(site, THEMED)
            in_chromium(site, THEMED, page)
            site.manage("doctor")
            nothing_secret_or_broken(site)


def test_a_mistake_in_the_dictionary_stops_the_start(tmp_path: Path) -> None:
    site = Project(tmp_path)
    for mistake, said in (
        ('{"TENANT": "x"}', "MICROSOFT_ADMIN['TENANT'] is not read by anything. Did you mean"),
        ('{"TENANT_ID": "common"}', 'MICROSOFT_ADMIN["TENANT_ID"] must not be'),
        ('{"SESSION_HOURS": 0}', 'MICROSOFT_ADMIN["SESSION_HOURS"] must be'),
        ('"x"', "MICROSOFT_ADMIN must be a dictionary"),
    ):
        settings = f"from microsoft_admin.host import configure\nMICROSOFT_ADMIN = {mistake}\n"
        site.edit(f"{settings}configure(globals())\n")
        with pytest.raises(AssertionError) as stopped:
            site.manage("check")
        assert said in str(stopped.value)


@pytest.mark.parametrize("besides", [host.besides for host in HOSTS.values()])
def test_the_edit_is_at_most_ten_lines_and_documented(besides: edit.Besides) -> None:
    assert edit.lines(besides) <= 10
    page = (ROOT / "docs/hosts.md").read_text()
    written = (edit.SETTINGS, edit.URLS, besides.key, besides.setting, besides.instead[2])
    assert [text for text in written if text.strip() not in page] == []
