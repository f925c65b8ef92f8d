"""In other Django sites, from the built wheel, by the same few lines everywhere."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import pytest

from tests.emulator.people import Person
from tests.emulator.server import Emulator
from tests.hosts import edit
from tests.hosts.projects import Project
from tests.hosts.sites import HOSTS
from tests.servers.process import ROOT
from tests.support.visitor import LOGIN, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from tests.hosts.sites import Host

OURS = (
    "/admin/",
    "/admin/microsoft_admin/",
    "/admin/microsoft_admin/signin/",
    "/admin/microsoft_admin/signin/?q=sam",
    "/admin/microsoft_admin/signin/1/change/",
    "/admin/microsoft_admin/auditentry/",
    "/admin/microsoft_admin/sessions/",
    "/admin/microsoft_admin/my-sessions/",
    "/admin/microsoft_admin/rehearsal/",
)
NEXT = "/admin/microsoft_admin/signin/?outcome__exact=admitted"


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.register_person(Person("twin", "Twin", "twin@contoso.example"))
        yield emulator


ADDRESSES = """
from django.contrib.auth import get_user_model
print(sorted(map(str, get_user_model().objects.values_list(get_user_model().EMAIL_FIELD))))
"""


def made(host: Host, place: Path, entra: Emulator) -> Project:
    site = Project(place)
    for name, text in host.files.items():
        path = site.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    site.edit(host.settings, host.urls)
    for app in ("people", "accounts"):
        if f"{app}/models.py" in host.files:
            site.manage("makemigrations", app, "--verbosity", "0")
    site.manage("migrate", "--verbosity", "0")
    site.manage("shell", "--no-imports", "-c", host.people)
    before = site.manage("shell", "--no-imports", "-c", ADDRESSES)
    if host.takes:
        name, old, new = host.takes
        path = site.place / name
        path.write_text(path.read_text().replace(old, new))
    ours = edit.settings_for(entra.url, site.url)
    site.edit(f"{host.settings}\n{ours}", f"{host.urls}\n{edit.urls()}")
    site.manage("migrate", "--verbosity", "0")
    assert site.manage("shell", "--no-imports", "-c", ADDRESSES) == before
    site.manage("makemigrations", "--check", "--dry-run")
    return site


def signed_in_by_password(site: Project, path: str) -> Visitor:
    """In the host's own way."""
    visitor = Visitor(site.url)
    page = visitor.get(path)
    assert "The host's own page" in page.text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    fields = {"csrfmiddlewaretoken": token[1], "username": "root", "password": "x9-long-enough"}
    assert visitor.post(path, fields).status == 302
    return visitor


def refused_as(site: Project, person: str) -> str:
    return Visitor(site.url).sign_in(person).reason


@pytest.mark.parametrize("name", HOSTS)
def test_staff_get_in_and_others_do_not(name: str, tmp_path: Path, entra: Emulator) -> None:
    host = HOSTS[name]
    site = made(host, tmp_path, entra)
    with site.serve():
        sam = Visitor(site.url)
        assert sam.sign_in("staff", NEXT).location == f"{site.url}{NEXT}"
        answers = {path: sam.get(path).status for path in (*OURS, *host.pages)}
        answers |= {path: Visitor(site.url).get(path).status for path in host.public}
        assert {path: status for path, status in answers.items() if status != 200} == {}
        assert refused_as(site, "notstaff") == "user_not_staff"
        assert refused_as(site, "nobody") == "unknown_user"
        if name == "username":
            person = sam.get("/admin/people/user/1/change/").text
            [link] = re.findall(r'href="([^"]+)">All sign-ins of this person', person)
            assert sam.get(html.unescape(link)).status == 200
            assert "Can sign in" in person
        if name == "uuid":
            assert refused_as(site, "twin") == "ambiguous_email"
            one = "get_user_model().objects.get(login='twin2').delete()"
            shell = f"from django.contrib.auth import get_user_model; {one}"
            site.manage("shell", "--no-imports", "-c", shell)
        if host.own_login:
            root = signed_in_by_password(site, host.own_login)
            assert root.session_cookie()
            assert not root.is_in()
        assert sam.is_in()
        site.manage("staff", "deactivate", "staff@contoso.example")
        assert not sam.is_in()
        site.manage("staff", "reactivate", "staff@contoso.example")
        log = (site.place / "server.log").read_text()
        assert "Traceback" not in log
        assert "callback/?code=" not in log
    site.manage("doctor")


def test_in_chromium(tmp_path: Path, entra: Emulator, page: Page) -> None:
    site = made(HOSTS["stock"], tmp_path, entra)
    with site.serve():
        page.goto(f"{site.url}{NEXT}")
        page.get_by_role("button", name="Sign in with Microsoft").click()
        page.locator('button[name="person"][value="staff"]').click()
        page.wait_for_url(f"{site.url}{NEXT}")
        page.get_by_role("button", name=re.compile("out")).click()
        page.goto(f"{site.url}{LOGIN}")
        page.get_by_role("button", name="Sign in with Microsoft").click()
        page.locator('button[name="person"][value="guest"]').click()
        refusal = page.locator("[data-reason]")
        assert refusal.get_attribute("data-reason") == "guest_not_allowed"


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


def test_the_edit_is_at_most_ten_lines() -> None:
    assert edit.lines() <= 10


def test_the_documentation_quotes_the_edit() -> None:
    page = (ROOT / "docs/hosts.md").read_text()
    assert edit.SETTINGS in page
    assert edit.URLS in page
