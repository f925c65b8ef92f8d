"""After many sign-ins, good and bad: where is what must not be seen?

Every page, log line, Redis key and database row of a whole run is searched for each secret that
took part: the client's, the site's, codes, tokens, states, nonces, PKCE verifiers, session keys.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt
import pytest
from allauth.socialaccount.models import SocialApp
from django.db import connection
from typing_extensions import override

from accounts.models import User
from accounts.operate import break_glass
from accounts.operate.microsoft_app import Changes
from accounts.sessions.entries import opened_entry
from tests.emulator.discovery import issuer_of
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.emulator.person import meet
from tests.emulator.proofs import AUDIENCE
from tests.emulator.server import Emulator
from tests.servers.environment import SECRET_KEY
from tests.servers.identity import OBJECT_ID, IdentityEndpoint
from tests.support.certificates import both, certificate, key_pem, pem_of, public_pem
from tests.support.keys import private_key
from tests.support.operators import save_app
from tests.support.visitor import CALLBACK, LOGIN, START, Page, Visitor, query_of

if TYPE_CHECKING:
    from tests.fixtures import StartSite
    from tests.servers.redis import Redis

ACCESS_TOKEN = "access-token-that-nobody-asked-for"
REFRESH_TOKEN = "refresh-token-that-nobody-asked-for"
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.")
BREAK_GLASS = "/admin/break-glass/"


@dataclass
class Evidence:
    """What a run leaves behind, and what was secret in it: values by what they are."""

    log: str
    pages: str
    redis: str
    database: str
    secrets: dict[str, set[str]] = field(default_factory=dict)
    sessions: str = ""

    def found_in(self, place: str, *kinds: str) -> list[str]:
        """Which of the secrets stand in that place; without kinds, of all of them."""
        chosen = kinds or tuple(self.secrets)
        text = getattr(self, place)
        return [f"{kind} in {place}" for kind in chosen for value in self.secrets[kind]
                if value in text or quote(value, safe="") in text]  # fmt: skip


class Watched(Visitor):
    """A browser that keeps all it was told, save what by design leads to Microsoft."""

    def __init__(self, site_url: str, kept: list[str]) -> None:
        super().__init__(site_url)
        self.kept = kept

    @override
    def _ask(self, method: str, path: str, **kwargs: Any) -> Page:
        page = super()._ask(method, path, **kwargs)
        by_design = {"Set-Cookie"} | ({"Location"} if START in page.url else set())
        headers = {name: value for name, value in page.headers.items() if name not in by_design}
        self.kept.append(f"{headers} {page.text}")
        return page


# --- the run -------------------------------------------------------------------------------------


def _good(visitor: Watched) -> None:
    assert visitor.sign_in("staff", "/admin/accounts/user/").status == 302
    assert visitor.get("/admin/").status == 200
    assert visitor.get("/admin/socialaccount/socialapp/").status == 200


def _again(visitor: Watched) -> None:
    there = visitor.choose(visitor.press_button(), "editor")
    for _ in range(2):
        visitor.come_back(there)
    visitor.sign_out()
    visitor.come_back(there)


def _refused(visitor: Watched) -> None:
    for person in ("nobody", "guest", "no_email", "unverified", "impostor"):
        page = visitor.sign_in(person)
        assert page.reason
        visitor.submit(page)
    for error in ("not_assigned", "markup", "secret_expired", "wrong_nonce", "server_error"):
        assert visitor.come_back(meet(visitor.press_button(), error, quick=True)).reason


def _forged(visitor: Watched) -> None:
    query = query_of(visitor.choose(visitor.press_button()))
    visitor.get(CALLBACK, params={**query, "state": f"{query['state']}x"})
    visitor.get(CALLBACK, params={**query, "session_state": "x" * 9000})
    visitor.get(CALLBACK, params=[*query.items(), ("state", query["state"])])
    visitor.get(CALLBACK.rstrip("/"), params=query)
    visitor.get(LOGIN, params={**query, "next": f"{CALLBACK}?code={query['code']}"})
    visitor.get("/nothing/", params=query, headers={"Referer": f"http://x{CALLBACK}?{query}"})
    visitor._ask("POST", CALLBACK, data=query)
    visitor.get(CALLBACK, params=query, headers={"Host": "other.example"})


def _broken(visitor: Watched) -> None:
    """An error that nobody foresaw, with its traceback in the log."""
    there = visitor.choose(visitor.press_button())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE socialaccount_socialaccount RENAME TO gone")
    try:
        assert visitor.come_back(there).reason == "unexpected"
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO socialaccount_socialaccount")


def _without_microsoft(visitor: Watched) -> str:
    """Returns the link's token."""
    url = urlsplit(break_glass.make("editor@contoso.example").url)
    token = parse_qs(url.query)["token"][0]
    page = visitor.get(BREAK_GLASS, params={"token": token})
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
    visitor.kept[-1] = visitor.kept[-1].replace(token, "")  # the form has it, by design
    for _ in range(2):
        visitor.post(BREAK_GLASS, hidden)
    return token


# --- what is left --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _evidence() -> list[Evidence]:
    """What the run left, once there was one."""
    return []


@pytest.fixture
def evidence(
    _evidence: list[Evidence], start_site: StartSite, emulator: Emulator, redis_server: Redis
) -> Evidence:
    """What the whole run left: it is made for the first who asks."""
    if not _evidence:
        _evidence.append(_run(start_site, emulator, redis_server))
    return _evidence[0]


def _run(start_site: StartSite, emulator: Emulator, redis_server: Redis) -> Evidence:
    for email in ("staff@contoso.example", "editor@contoso.example"):
        User.objects.create_user(email, is_superuser=True)
    save_app(Changes(client_id=CLIENT_ID, secret=CLIENT_SECRET))
    emulator.answer_token(merge={"access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN})
    site, pages = start_site(), list[str]()
    visitors = [Watched(site.url, pages) for _ in range(6)]
    for story, visitor in zip((_good, _again, _refused, _forged, _broken), visitors, strict=False):
        story(visitor)
    token = _without_microsoft(visitors[5])
    stored, sessions = _redis(redis_server), _sessions(redis_server)
    secrets = {**_sent(emulator), **_held(visitors, sessions), **FIXED, "link's token": {token}}
    site.stop()
    return Evidence(site.log(), "\n".join(pages), stored, _database(), secrets, sessions)


FIXED = {
    "SECRET_KEY": {SECRET_KEY},
    "client secret": {CLIENT_SECRET},
    "access token": {ACCESS_TOKEN},
    "refresh token": {REFRESH_TOKEN},
}


def _sent(emulator: Emulator) -> dict[str, set[str]]:
    """What went through Microsoft's hands."""
    asked = [seen.fields for seen in emulator.requests]
    names = ("code", "state", "nonce", "code_verifier")
    return {name: {one[name] for one in asked if one.get(name)} for name in names}


def _held(visitors: list[Watched], sessions: str) -> dict[str, set[str]]:
    """What browsers and sessions hold."""
    secrets = re.findall(r'"sign_in_browser": ?"([^"]+)"', sessions)
    return {
        "session key": {visitor.session_cookie() for visitor in visitors} - {""},
        "browser secret": set(secrets),
    }


def _redis(server: Redis) -> str:
    client: Any = server.client()
    read = {b"string": client.get, b"zset": lambda name: client.zrange(name, 0, -1)}
    names = list(client.scan_iter())
    lines = (f"{name!r} {read[client.type(name)](name)!r}" for name in names)
    return "\n".join(lines)


def _sessions(server: Redis) -> str:
    """What is in the sessions, which Redis has sealed."""
    client: Any = server.client()
    names = client.scan_iter("*:session:*", _type="string")
    opened = (opened_entry(_last(name), json.loads(client.get(name))) for name in names)
    return json.dumps([entry for entry in opened if entry])


def _last(name: bytes) -> str:
    return name.decode().rpartition(":")[2]


def _database() -> str:
    """Every row of every table."""
    tables = connection.introspection.table_names()
    rows: list[str] = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f'SELECT one::text FROM "{table}" one')  # noqa: S608
            rows += (f"{table} {row}" for (row,) in cursor.fetchall())
    return "\n".join(rows)


def test_secrets_are_where_the_design_puts_them_and_nowhere_else(evidence: Evidence) -> None:
    """Redis names sessions by their keys and keeps each one's browser secret: nothing more."""
    others = set(evidence.secrets) - {"session key", "browser secret"}
    assert all(evidence.secrets.values())
    assert evidence.found_in("log") == []
    assert evidence.found_in("pages") == []
    assert evidence.found_in("database") == []
    assert evidence.found_in("redis", *others) == []
    for place in ("log", "pages", "redis", "database"):
        assert not TOKEN.search(getattr(evidence, place))


def test_the_run_was_worth_searching(evidence: Evidence) -> None:
    """A traceback, refusals, admissions, an encrypted secret and a used link are all there."""
    assert '"traceback"' in evidence.log
    assert "enc1:" in evidence.database
    for words in ("admitted", "refused", "break_glass", "identity_conflict"):
        assert words in evidence.database
    assert "_auth_user_id" in evidence.sessions


# --- what proves the app instead of a secret -------------------------------------------------


def _lines_of(pem: str) -> set[str]:
    """Any line of a key is a part of it."""
    return {line for line in pem.splitlines() if len(line) > 40 and "-----" not in line}


def _by_certificate(emulator: Emulator, folder: Path) -> Kind:
    """Kept in admin, with a next one; where they are in the rows, they are encrypted."""
    made, following = certificate(), certificate("second")
    emulator.set_certificates([pem_of(made)])
    kept = {"certificate": both(made), "next_certificate": both(following, "second")}
    app = SocialApp(provider="microsoft", name="Staff", client_id=CLIENT_ID, settings=kept)
    app.settings["credential"] = "certificate"
    app.save()
    keys = _lines_of(key_pem(private_key("first"))) | _lines_of(key_pem(private_key("second")))
    return {"MICROSOFT_CLIENT_ID": ""}, lambda: keys, lambda: emulator.set_certificates([])


def _by_token_file(emulator: Emulator, folder: Path) -> Kind:
    issuer, subject = "https://oidc.cluster.example/abc/", "system:serviceaccount:web:site"
    emulator.trust_issuer(issuer, public_pem("cluster"))
    emulator.set_federated({"issuer": issuer, "subject": subject})
    claims = {"iss": issuer, "sub": subject, "aud": AUDIENCE, "exp": int(time.time()) + 3600}
    token = jwt.encode(claims, private_key("cluster"), "RS256")
    path = folder / "token"
    path.write_text(token)
    return {"MICROSOFT_TOKEN_FILE": str(path)}, lambda: {token}, emulator.set_federated


@contextmanager
def _identity(emulator: Emulator, folder: Path) -> Iterator[Kind]:
    principal = "77777777-7777-4777-8777-777777777777"
    with IdentityEndpoint() as endpoint:
        endpoint.mint[AUDIENCE] = lambda: emulator.identity_token(principal)
        emulator.set_federated({"issuer": issuer_of(emulator.url, TENANT), "subject": principal})
        named = {"MICROSOFT_MANAGED_IDENTITY_CLIENT_ID": OBJECT_ID}
        yield named | endpoint.environment, lambda: {*endpoint.given}, emulator.set_federated


Kind = tuple[dict[str, str], Callable[[], set[str]], Callable[[], object]]
KINDS: dict[str, Callable[[Emulator, Path], AbstractContextManager[Kind]]] = {
    "certificate": lambda emulator, folder: nullcontext(_by_certificate(emulator, folder)),
    "token file": lambda emulator, folder: nullcontext(_by_token_file(emulator, folder)),
    "managed identity": _identity,
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_key_assertion_or_identity_token_is_anywhere(
    kind: str, start_site: StartSite, emulator: Emulator, redis_server: Redis, tmp_path: Path
) -> None:
    """Good and refused, with an error that nobody foresaw; every page of the app, and its test."""
    User.objects.create_user("staff@contoso.example", is_superuser=True)
    with KINDS[kind](emulator, tmp_path) as (named, held, refuse):
        site, pages = start_site(workers=1, MICROSOFT_CLIENT_SECRET="", **named), list[str]()
        visitor = Watched(site.url, pages)
        _good(visitor)
        apps = "/admin/socialaccount/socialapp/"
        for app in SocialApp.objects.all():
            for path in ("change", "history", "delete"):
                assert visitor.get(f"{apps}{app.pk}/{path}/").status == 200
        assert "Good: " in _pressed(visitor, f"{apps}test/")
        _broken(Watched(site.url, pages))
        refuse()
        assert "Error: " in _pressed(visitor, f"{apps}test/")
        assert Watched(site.url, pages).sign_in().reason == "client_credential_refused"
        sent = {seen.fields["client_assertion"] for seen in emulator.requests
                if "client_assertion" in seen.fields}  # fmt: skip
        assert sent
        assert held()
        secrets = {"key or token": held(), "assertion": sent}
    stored, sessions = _redis(redis_server), _sessions(redis_server)
    site.stop()
    evidence = Evidence(site.log(), "\n".join(pages), stored, _database(), secrets, sessions)
    for place in ("log", "pages", "redis", "database", "sessions"):
        assert evidence.found_in(place) == []
        assert not TOKEN.search(getattr(evidence, place))
    assert '"traceback"' in evidence.log


def _pressed(visitor: Watched, path: str) -> str:
    """Test connection, as its button sends it."""
    hidden = dict(re.findall(r'name="(\w+)" value="([^"]*)"', visitor.get(path[:-5]).text))
    token = {"csrfmiddlewaretoken": hidden["csrfmiddlewaretoken"]}
    return " ".join(re.sub(r"<[^>]+>", " ", visitor.post(path, token).text).split())
