"""Many people sign in, each at a time of their own; what became of every try."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from tests.soak.client import Admitted, Client, NotSignedIn, has_button, has_link_to_login
from tests.soak.faults import Faults
from tests.support.visitor import Page

GATEWAY = (502, 503, 504)
Kind = Literal["in", "page", "gateway", "lost", "error"]


@dataclass(frozen=True, slots=True)
class Try:
    """`excuses` are the faults that it was in the midst of; `told` is what the person read."""

    kind: Kind
    began: float
    ended: float
    excuses: tuple[str, ...]
    told: str = ""
    reference: str = ""
    is_attempt: bool = False
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Journey:
    """One sign-in: its first try, and the presses on pages that followed until it was in."""

    client: str
    tries: list[Try]

    @property
    def is_in(self) -> bool:
        return self.tries[-1].kind == "in"


class Load:
    """`rate` sign-ins a second are begun by so many clients, however long each takes."""

    most_tries = 6

    def __init__(self, site_url: str, people: list[str], faults: Faults) -> None:
        self._faults = faults
        self._local = threading.local()
        self._numbers = iter(range(len(people)))
        self._people, self._url = people, site_url
        self._lock = threading.Lock()

    def run(self, sign_ins: int, rate: float) -> list[Journey]:
        began = time.monotonic()
        with ThreadPoolExecutor(len(self._people)) as pool:
            due = [began + number / rate for number in range(sign_ins)]
            return list(pool.map(self._at, due))

    def _at(self, due: float) -> Journey:
        client = self._client()
        time.sleep(max(0.0, due - time.monotonic()))
        client.fresh()
        return Journey(client.address, self._tries(client))

    def _client(self) -> Client:
        """Each thread is one person with one address."""
        if not hasattr(self._local, "client"):
            with self._lock:
                number = next(self._numbers)
            self._local.client = Client(self._url, number, self._people[number])
        client: Client = self._local.client
        return client

    def _tries(self, client: Client) -> list[Try]:
        tries: list[Try] = []
        page: Page | None = None
        while len(tries) < self.most_tries and (not tries or tries[-1].kind != "in"):
            if tries:
                self._wait_for_the_end_of_faults()
            made, page = self._try(client, page)
            tries.append(made)
        return tries

    def _wait_for_the_end_of_faults(self) -> None:
        time.sleep(0.5)
        while self._faults.open:
            time.sleep(0.1)

    def _try(self, client: Client, page: Page | None) -> tuple[Try, Page | None]:
        began = time.monotonic()
        try:
            admitted = client.press(page) if page and has_button(page) else client.sign_in()
        except NotSignedIn as failure:
            return self._failed(failure, began)
        return self._made("in", began, admitted=admitted), None

    def _failed(self, failure: NotSignedIn, began: float) -> tuple[Try, Page | None]:
        page = failure.page
        if page is None:
            return self._made("lost", began, told=failure.step), None
        if page.status == 500:
            return self._made("error", began, told=f"500 at {failure.step}"), page
        if page.reason and (has_button(page) or has_link_to_login(page)):
            return self._made("page", began, told=page.reason, page=page), page
        if page.status in GATEWAY:
            return self._made("gateway", began, told=f"nginx {page.status}"), None
        return self._made("error", began, told=f"{page.status} at {failure.step}"), page

    def _made(
        self,
        kind: Kind,
        began: float,
        *,
        told: str = "",
        page: Page | None = None,
        admitted: Admitted | None = None,
    ) -> Try:
        ended = time.monotonic()
        excuses = self._faults.excuses(began, ended)
        if admitted:
            found = admitted.reference, True, admitted.cookies
        else:
            found = (page.reference if page else ""), bool(page and has_button(page)), {}
        return Try(kind, began, ended, excuses, told, *found)


def still_in(site_url: str, tries: list[Try]) -> list[bool]:
    """Whether each of these sessions still opens admin."""

    def look(one: Try) -> bool:
        client = Client(site_url, 200, "")
        client.cookies = dict(one.cookies)
        return client.ask("GET", "/admin/").status == 200

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(look, tries))
