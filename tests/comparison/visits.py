"""A browser that signs in at a site, and the failures that it meets on the way."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import requests

from tests.comparison.edits import Package
from tests.comparison.hosts import PORT
from tests.comparison.network import MICROSOFT
from tests.emulator.ids import CLIENT_SECRET
from tests.emulator.people import Person
from tests.emulator.server import Emulator

ORIGIN: Final = f"http://localhost:{PORT}"
HOPS: Final = 12
SECONDS: Final = 30
_FORM = re.compile(r"<form[^>]*>.*?</form>", re.S)
_FIELD = re.compile(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"')
_ACTION = re.compile(r'action="([^"]*)"')
_TAGS = re.compile(r"<(script|style|title|head).*?</\1>|<[^>]+>", re.S)
# Where pages say what is wrong, the most telling first; then all of the page's own part.
_TELLING = tuple(
    re.compile(pattern, re.S)
    for pattern in (
        r'id="summary">\s*<h1>(.*?)</h1>',  # of Django's page for an exception
        r'<ul class="messagelist">(.*?)</ul>',
        r'<p class="errornote">(.*?)</p>',
        r"<main[^>]*>(.*?)</main>",
        r'<div id="content"[^>]*>(.*?)<div id="footer',
        r"</nav>(.*)",
        r"(.*)",
    )
)
_WHO = re.compile(r'<div id="user-tools">.*?<strong>(.*?)</strong>', re.S)


@dataclass(frozen=True, slots=True)
class Met:
    """Where the browser ended: as whom admin opened, or "", and what the page said."""

    who: str
    status: int
    said: str


class Visit:
    """One browser, with its cookies."""

    def __init__(self, package: Package, trust: Path) -> None:
        self.package = package
        self._pressed = False
        self.session = requests.Session()
        self.session.verify = str(trust)
        self.session.trust_env = False  # else REQUESTS_CA_BUNDLE wins over what is said here

    def sign_in(self, person: str, *, lose_state: bool = False) -> Met:
        """Follow every redirect; at Microsoft, be this person."""
        answer = self._get(ORIGIN + self.package.start)
        for _ in range(HOPS):
            target = answer.headers.get("Location")
            if target is None:
                form = None if self._pressed else self._button(answer)
                if form is None:
                    break
                answer, self._pressed = form, True  # once: a refusal has a button, too
                continue
            url = urljoin(answer.url, target)
            if lose_state and url.startswith(ORIGIN) and "code=" in url:
                self.session.cookies.clear()
            answer = self._get(url, person if MICROSOFT in url else "")
        return self._met(answer)

    def _get(self, url: str, person: str = "") -> requests.Response:
        headers = {"X-Emulator-Person": person} if person else {}
        return self.session.get(url, headers=headers, allow_redirects=False, timeout=SECONDS)

    def _button(self, answer: requests.Response) -> requests.Response | None:
        """Press the page's button that goes on to Microsoft, where it has one."""
        for form in _FORM.findall(answer.text) if answer.status_code == 200 else ():
            action = _ACTION.search(form)
            url = urljoin(answer.url, html.unescape(action[1]) if action else "")
            if "microsoft" not in urlsplit(url).path:
                continue
            data = {name: html.unescape(value) for name, value in _FIELD.findall(form)}
            referer = {"Referer": answer.url, "Origin": ORIGIN}
            return self.session.post(
                url, data=data, headers=referer, allow_redirects=False, timeout=SECONDS
            )
        return None

    def _met(self, answer: requests.Response) -> Met:
        admin = self.session.get(f"{ORIGIN}/admin/", allow_redirects=False, timeout=SECONDS)
        who = _WHO.search(admin.text) if admin.status_code == 200 else None
        return Met(_plain(who[1]) if who else "", answer.status_code, _said(answer.text))


def _said(page: str) -> str:
    found = (pattern.search(page) for pattern in _TELLING)
    return next((said for match in found if match and (said := _plain(match[1]))), "")


def _plain(markup: str) -> str:
    return " ".join(html.unescape(_TAGS.sub(" ", markup)).split())


Act = Callable[[Visit, Emulator], Met]


def _expired(visit: Visit, emulator: Emulator) -> Met:
    emulator.set_secrets([], expired=[CLIENT_SECRET])
    return visit.sign_in("staff")


def _changed_hands(visit: Visit, emulator: Emulator) -> Met:
    """Sam has been in. Sam leaves, and the address is given to somebody else at Microsoft."""
    trust = Path(str(visit.session.verify))
    assert Visit(visit.package, trust).sign_in("staff").who
    address = "staff@contoso.example"
    groups = {"groups": ["django-staff"]}
    emulator.register_person(Person("newcomer", "Nell New", address, address, claims=groups))
    return visit.sign_in("newcomer")


FAILURES: Final[Mapping[str, Act]] = {
    "the client secret has expired": _expired,
    "a guest of the tenant": lambda visit, _: visit.sign_in("guest"),
    "the address has changed hands": _changed_hands,
    "an account of another tenant": lambda visit, _: visit.sign_in("foreign"),
    "the session is lost on the way": lambda v, _: v.sign_in("staff", lose_state=True),
}
