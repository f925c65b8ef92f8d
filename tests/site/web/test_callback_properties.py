"""Whatever comes back from Microsoft: never a 500, never a redirect away, never a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urlencode, urljoin, urlsplit

import pytest
from django.test import Client
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.signin.policy import same_email
from tests.emulator import person as at_microsoft
from tests.support.visitor import CALLBACK, START, query_of

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

    from tests.emulator.server import Emulator

pytestmark = pytest.mark.usefixtures("staff", "_calm")
VICTIM = "staff@contoso.example"
SITE = "http://testserver"

often = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seldom = settings(often, max_examples=40)

NAMES = st.sampled_from([
    "state", "code", "error", "error_description", "iss", "session_state", "next", "id_token",
    "error_uri", "client_info", "prompt",
])  # fmt: skip
VALUES = st.text(max_size=40) | st.sampled_from([
    "", "access_denied", "AADSTS50105: no", "\0", "\r\nX: y", "<script>", "a" * 3000, "\ud800",
])  # fmt: skip
QUERIES = st.lists(st.tuples(NAMES | st.text(max_size=8), VALUES), max_size=6)
RAW = st.text(alphabet="abc&=;%+?#/[]{}~0123456789fFeE.-_", max_size=200)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NEAR = st.sampled_from([
    f"{VICTIM} ", f" {VICTIM}", "\u017ftaff@contoso.example", f"{VICTIM}\0", f"{VICTIM}.",
    "staff@contoso.example.", "staff\uff20contoso.example", "%", "st_ff@contoso.example",
])  # fmt: skip
CLAIMS = st.dictionaries(
    st.sampled_from([
        "email", "preferred_username", "tid", "oid", "sub", "iss", "aud", "azp", "exp", "iat",
        "nbf", "nonce", "ver", "idp", "acct", "xms_edov", "email_verified", "name", "upn", "x",
    ]),
    JSON | NEAR,
    max_size=5,
)  # fmt: skip


@pytest.fixture
def staff(db: None) -> User:
    return User.objects.create_user(VICTIM)


@pytest.fixture
def _calm(emulator: Emulator) -> None:
    """The emulator is up, and behaves unless told otherwise."""


def browser() -> Client:
    return Client(raise_request_exception=False)


def press(client: Client, next_path: str = "") -> str:
    return str(client.post(START, {"next": next_path}).headers["Location"])


def come_back(client: Client, query: str) -> Answer:
    return client.get(f"{CALLBACK}?{query}")


def fails_well(client: Client, answer: Answer) -> None:
    assert answer.status_code in (400, 403, 429, 503)
    assert "Location" not in answer.headers
    assert "/admin/login/" in client.get("/admin/").headers["Location"]


def encoded(pairs: list[tuple[str, str]]) -> str:
    return urlencode(pairs, errors="surrogatepass")


@often
@given(QUERIES.map(encoded) | RAW, st.booleans())
def test_any_query_fails_well(query: str, started: bool) -> None:
    client = browser()
    if started:
        press(client)
    fails_well(client, come_back(client, query))


@often
@given(QUERIES)
def test_anything_beside_a_good_state_fails_well(pairs: list[tuple[str, str]]) -> None:
    client = browser()
    state = query_of(press(client))["state"]
    fails_well(client, come_back(client, f"state={state}&{encoded(pairs)}"))


@often
@given(st.integers(0, 500), st.characters(codec="utf-8"))
def test_a_state_with_any_letter_changed_fails_well(place: int, letter: str) -> None:
    client = browser()
    way_back = query_of(at_microsoft.sign_in_as(press(client), "staff", quick=True))
    state = way_back["state"]
    place %= len(state)
    assume(state[place] != letter)
    changed = state[:place] + letter + state[place + 1 :]
    answer = come_back(client, f"code={way_back['code']}&state={quote_plus(changed)}")
    assert answer.status_code == 400
    fails_well(client, answer)


@often
@given(CLAIMS)
def test_any_claims_let_nobody_in(emulator: Emulator, claims: dict[str, Any]) -> None:
    emulator.tamper(claims=claims)
    assume(not same_email(str(claims.get("email")), VICTIM))
    fails_well(client := browser(), _signed_in_as(client, "nobody"))


@seldom
@given(st.text(max_size=80) | JSON)
def test_anything_in_the_tokens_place_lets_nobody_in(emulator: Emulator, token: Any) -> None:
    emulator.answer_token(merge={"id_token": token})
    fails_well(client := browser(), _signed_in_as(client, "staff"))


@seldom
@given(st.integers(200, 499), st.binary(max_size=60) | JSON)
def test_any_answer_of_the_token_endpoint_lets_nobody_in(
    emulator: Emulator, status: int, body: Any
) -> None:
    """From 500 on Microsoft is down, and this process would stop asking for a while."""
    content = {"raw": body} if isinstance(body, bytes) else {"body": body}
    emulator.answer_token(status=status, **content)
    fails_well(client := browser(), _signed_in_as(client, "staff"))


@often
@given(st.text(max_size=60) | st.text(max_size=60).map("/admin/{}".format))
def test_any_next_ends_on_the_site(next_path: str) -> None:
    client = browser()
    way_back = at_microsoft.sign_in_as(press(client, next_path), "staff", quick=True)
    there = urlsplit(urljoin(SITE, client.get(way_back).headers["Location"]))
    assert (there.scheme, there.netloc) == ("http", "testserver")
    assert there.path.startswith("/admin/") or there.path == "/admin"


def _signed_in_as(client: Client, who: str) -> Answer:
    return client.get(at_microsoft.sign_in_as(press(client), who, quick=True))
