"""Sites that signed people in with another package: each is in at the first press of ours.

Sites of stock allauth really sign people in with it first. django-microsoft-sso asks Microsoft's
own addresses only, so its rows are made by its own model.
"""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.people import DEFAULT_PEOPLE
from tests.emulator.server import Emulator
from tests.hosts import edit
from tests.hosts.projects import Project, Served
from tests.support.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAM, EDA = (next(p for p in DEFAULT_PEOPLE if p.key == key) for key in ("staff", "editor"))
ADD = """
from django.contrib.auth.models import User
for name in ("sam", "eda"):
    email = {"sam": "staff", "eda": "editor"}[name] + "@contoso.example"
    User.objects.create_user(name, email, is_staff=True)
"""
BOUND = """
SELECT username, uid FROM socialaccount_socialaccount JOIN auth_user ON auth_user.id = user_id
"""
SSO_USERS = f"""
from django.contrib.auth.models import User
from django_microsoft_sso.models import MicrosoftSSOUser
for name, oid in (("sam", "{SAM.oid}"), ("eda", "{EDA.oid}")):
    MicrosoftSSOUser.objects.create(user=User.objects.get(username=name), microsoft_id=oid)
"""
START = "/accounts/microsoft/login/"


@pytest.fixture(scope="module")
def entra() -> Iterator[Emulator]:
    """It takes what stock clients send, and answers them as Graph."""
    with Emulator(stock=True) as emulator:
        yield emulator


def allauth(entra: Emulator) -> tuple[str, str]:
    """Settings and URLs of stock allauth, as its own pages say."""
    app = {
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "settings": {"tenant": TENANT, "login_url": entra.url, "graph_url": entra.url},
    }
    settings = f"""
INSTALLED_APPS += ["allauth", "allauth.account", "allauth.socialaccount",
                   "allauth.socialaccount.providers.microsoft"]
MIDDLEWARE += ["allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend",
                           "allauth.account.auth_backends.AuthenticationBackend"]
SOCIALACCOUNT_PROVIDERS = {{"microsoft": {{
    "EMAIL_AUTHENTICATION": True, "VERIFIED_EMAIL": True, "APPS": [{app!r}]}}}}
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
"""
    urls = """
from django.urls import include
urlpatterns += [path("accounts/", include("allauth.urls"))]
"""
    return settings, urls


def through_allauth(site: Project, person: str) -> Visitor:
    """A browser that has signed in with the stock package."""
    visitor = Visitor(site.url)
    page = visitor.get(START)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert token
    sent = visitor.post(START, {"csrfmiddlewaretoken": token[1]})
    visitor.come_back(visitor.choose(sent.location, person))
    return visitor


def bound(site: Project) -> dict[str, str]:
    """Microsoft's id of each user name that has one."""
    with closing(sqlite3.connect(site.place / "db.sqlite3")) as database:
        return dict(database.execute(BOUND))


def before(site: Project, more: str = "") -> None:
    """Tables, and two people who are staff."""
    site.manage("migrate", "--verbosity", "0")
    site.manage("shell", "--no-imports", "-c", ADD + more)


def each_is_in_at_the_first_press(site: Project) -> None:
    """And someone else with Sam's address is not, before Sam comes or after."""
    for person in ("impostor", "staff", "editor", "impostor"):
        visitor = Visitor(site.url)
        page = visitor.sign_in(person)
        if person == "impostor":
            assert (page.reason, visitor.is_in()) == ("identity_conflict", False)
        else:
            assert (page.reason, visitor.is_in()) == ("", True), site.log()
    assert bound(site) == {"sam": f"{TENANT}:{SAM.oid}", "eda": f"{TENANT}:{EDA.oid}"}


def adopted(site: Project, package: str) -> None:
    """A preview writes nothing; then it is written."""
    was = bound(site)
    assert "Nothing was written" not in site.manage("staff", "adopt", "--from", package)
    assert bound(site) == was
    said = json.loads(site.manage("staff", "adopt", "--from", package, "--yes", "--json"))
    assert {row["what"] for row in said} == {"adopted"}


def test_a_site_of_stock_allauth(tmp_path: Path, entra: Emulator) -> None:
    site = Served(tmp_path, with_wheel=False)
    site.edit(*allauth(entra))
    with site.serve():
        before(site)
        assert through_allauth(site, "staff").is_in()
        assert through_allauth(site, "editor").is_in()
        assert bound(site) == {"sam": SAM.oid, "eda": EDA.oid}
    site.with_wheel = True
    site.edit(edit.settings_for(entra.url, site.url), edit.urls())
    with site.serve():
        site.manage("migrate", "--verbosity", "0")
        adopted(site, "allauth")
        each_is_in_at_the_first_press(site)


def test_a_site_of_django_microsoft_sso(tmp_path: Path, entra: Emulator) -> None:
    """Each command is a process, and the server is Django's own, as on a laptop."""
    site = Project(tmp_path, with_wheel=False)
    site.edit('INSTALLED_APPS += ["django_microsoft_sso"]')
    before(site, SSO_USERS)
    site.with_wheel = True
    site.edit(edit.settings_for(entra.url, site.url), edit.urls())
    site.manage("migrate", "--verbosity", "0")
    adopted(site, "django-microsoft-sso")
    with site.serve():
        each_is_in_at_the_first_press(site)
