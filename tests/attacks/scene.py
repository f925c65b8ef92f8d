"""An attack on the running site, and what must hold after every one of them.

A row of the tables in this folder is an `Attack`: a sentence, what the attacker does, the reason
that the page gives, and who described the attack. `withstand` carries it out and then checks the
same for each: nobody got in, nothing changed but the record, nothing broke or leaked, and people
sign in as before.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import Redis
from typing_extensions import override

from accounts.models import SignIn
from accounts.sessions.index import sessions
from accounts.web import throttle
from project.redis_cache import key_prefix
from tests.emulator.server import Emulator
from tests.servers.site import Site
from tests.support.visitor import LOGIN, Page, Visitor

VICTIM = "staff@contoso.example"
BYSTANDER = "editor@contoso.example"
PEOPLE: Mapping[str, Mapping[str, bool]] = {
    VICTIM: {"is_superuser": True},
    BYSTANDER: {},
    "kim@contoso.example": {},
    "inactive@contoso.example": {"is_active": False},
    "notstaff@contoso.example": {"is_staff": False},
    "guest@fabrikam.example": {},
    "other@fabrikam.example": {},
}
# In the order in which their rows can be deleted.
TABLES = (
    "accounts_breakglasslink", "socialaccount_socialtoken", "socialaccount_socialapp",
    "socialaccount_socialaccount", "django_admin_log", "accounts_signin", "accounts_user",
)  # fmt: skip
_ROWS = """
    SELECT '{table}', string_agg(line, '; ' ORDER BY line)
    FROM (SELECT row::text AS line FROM {table} row WHERE row::text NOT LIKE '%,refused,%') lines
"""
BROKEN = ("Traceback (most recent call last)", '"traceback"', "unexpected error", "Internal Server")
SECRET_FIELDS = ("code", "code_verifier", "client_secret", "state", "nonce")

LOOKED_UP_EVERY = 10.5  # seconds: how often a site asks for keys that it does not know


class Scene:
    """The site, the local Microsoft, and the browsers that take part."""

    def __init__(
        self,
        site: Site,
        emulator: Emulator,
        redis: Redis,
        *,
        calm_site: Site | None = None,
        verify: bool | str = True,
    ) -> None:
        """`calm_site` is where people sign in afterwards, if not where the attack was."""
        self.site, self.emulator, self.redis = site, emulator, redis
        self.calm_site, self.verify = calm_site or site, verify
        self.browsers: list[Visitor] = []
        self._log_before = len(site.log())

    def browser(self, **headers: str) -> Visitor:
        """One more browser, which must not be signed in at the end."""
        self.browsers.append(self.visitor(**headers))
        return self.browsers[-1]

    def visitor(self, **headers: str) -> Visitor:
        """A browser of someone who means no harm."""
        return Visitor(self.site.url, verify=self.verify, headers=headers)

    def sign_in(self, person: str = "staff") -> Page:
        """A whole sign-in in a new browser of the attacker's."""
        return self.browser().sign_in(person)

    def let_in(self, person: str = "staff") -> Visitor:
        """A browser that is rightly in, before the attack."""
        visitor = self.visitor()
        assert visitor.sign_in(person).location == f"{self.site.url}/admin/"
        return visitor

    def attempted(self, limit: throttle.Limit, who: str, times: int) -> None:
        """So many attempts have been counted already, where the site counts."""
        prefix = f"{key_prefix(self.site.url)}:throttle"
        pool = self.redis.connection_pool
        storage = RedisStorage("redis://", connection_pool=pool, key_prefix=prefix)
        counting = FixedWindowRateLimiter(storage)
        counting.hit(limit.item, limit.purpose, throttle._hidden(who), cost=times)

    def log(self) -> str:
        """What the site has logged since the scene began."""
        return self.site.log()[self._log_before :]

    def log_with(self, text: str, seconds: float = 5) -> str:
        """The same, once this stands in it: the access log is written after the answer."""
        deadline = time.monotonic() + seconds
        while text not in self.log():
            assert time.monotonic() < deadline, f"not in the log: {text}"
            time.sleep(0.02)
        return self.log()

    def redeemed(self) -> int:
        """How many codes the site has tried to redeem."""
        return self.emulator.counts.get("token", 0)

    def secrets(self) -> set[str]:
        """Codes, states and the like that Microsoft got to see, which no page or log may show."""
        seen = (request.fields for request in self.emulator.requests)
        return {fields[name] for fields in seen for name in SECRET_FIELDS if fields.get(name)}


def nothing_before(scene: Scene) -> None:
    """Most attacks need no preparation."""


@dataclass(frozen=True, slots=True)
class Attack:
    """`given` happens before; `status` is for answers without a reason; `detail` is how the
    record's detail starts; `redeemed` how many codes the site may have redeemed.
    """

    sentence: str
    do: Callable[[Scene], Page]
    reason: str = ""
    source: str = ""
    status: int = 0
    detail: str = ""
    given: Callable[[Scene], object] = nothing_before
    redeemed: int | None = field(default=None)

    @override
    def __str__(self) -> str:
        return self.sentence


def withstand(scene: Scene, attack: Attack) -> Page:
    """Carry the attack out, and check that it came to nothing."""
    attack.given(scene)
    scene.emulator.reset_counters()
    before = house(scene)
    page = attack.do(scene)
    refused_for_the_right_reason(scene, attack, page)
    nobody_got_in(scene)
    assert house(scene) == before
    nothing_broke_or_leaked(scene, page)
    people_sign_in_as_before(scene)
    return page


def house(scene: Scene) -> dict[str, Any]:
    """All that an attack could change, save the record of refusals."""
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(_ROWS.format(table=table) for table in TABLES))
        return {**dict(cursor.fetchall()), "signed in": signed_in()}


def signed_in() -> set[str]:
    """The handles of the sessions of people who are in."""
    return {session.handle for session in sessions().all()}


def refused_for_the_right_reason(scene: Scene, attack: Attack, page: Page) -> None:
    assert (page.reason, page.status) == (attack.reason, attack.status or page.status)
    assert page.status != 500
    assert attack.reason or attack.status
    if attack.redeemed is not None:
        assert scene.redeemed() == attack.redeemed
    if attack.reason:
        row = SignIn.objects.filter(reference=page.reference).latest()
        assert (row.reason, row.outcome) == (attack.reason, "refused")
        assert row.detail.startswith(attack.detail), row.detail


def nobody_got_in(scene: Scene) -> None:
    for browser in scene.browsers:
        answer = browser.get("/admin/")
        assert (answer.status, "/admin/login/" in answer.location) == (302, True)


def nothing_broke_or_leaked(scene: Scene, page: Page) -> None:
    shown = page.text + scene.log()
    assert [words for words in BROKEN if words in shown] == []
    assert [secret for secret in scene.secrets() if secret in shown] == []
    assert "no-store" in page.headers.get("Cache-Control", "") or not page.reason


def people_sign_in_as_before(scene: Scene) -> None:
    scene.emulator.reset()
    bystander = Visitor(scene.calm_site.url, verify=scene.verify)
    answer = bystander.sign_in("editor")
    if answer.reason == "token_invalid":  # an attack rotated Microsoft's keys
        time.sleep(LOOKED_UP_EVERY)
        answer = bystander.sign_in("editor")
    home = f"{scene.calm_site.url}/admin/"
    assert answer.location == home, (answer.reason, answer.status)
    assert bystander.get(LOGIN).location == home
