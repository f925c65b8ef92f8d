"""The authorize endpoint: show the page, and send the chosen person or error back to the site."""

from dataclasses import replace
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from . import asked as asking
from . import browser_sessions, failures, pages
from .asked import Asked
from .codes import Grant
from .discovery import issuer_of
from .failures import Failure
from .ids import TEMPLATES, real_tenant
from .misbehave import Redirect
from .people import Person
from .scenarios import SCENARIOS, Scenario
from .wire import Request, Response, redirect_response
from .world import World

AS_ASKED = Redirect()


def answer(world: World, request: Request, tenant: str) -> Response:
    asked = asking.read(request, tenant)
    stopped = asking.stop(world, asked)
    if stopped:
        return pages.stopped(stopped, world.now())
    refused = asking.refuse(asked, stock=world.stock)
    if refused:
        return _refuse(world, request, asked, refused)
    return _choose(world, request, asked)


def _choose(world: World, request: Request, asked: Asked) -> Response:
    name, key = _choice(request)
    if name == "person" and key in world.people:
        return _admit(world, request, asked, world.people[key])
    if name == "error" and key in SCENARIOS:
        return _meet(world, request, asked, SCENARIOS[key])
    if name:
        return pages.no_such(name, key)
    if asked.prompt == "none":
        return _silently(world, request, asked)
    return pages.choose(world.people.values(), asked)


def _silently(world: World, request: Request, asked: Asked) -> Response:
    """OpenID Connect Core 3.1.2.1: an error where anything would have to be shown."""
    session = world.browsers.open.get(world.browsers.of(request, asked, world.people))
    if session is None:
        return _refuse(world, request, asked, failures.NOT_SIGNED_IN)
    failure = world.browsers.silent_failure(session)
    if failure is not None:
        return _refuse(world, request, asked, failure)
    return _grant(world, request, asked, Scenario("", "", ""), world.people[session.person])


def _choice(request: Request) -> tuple[str, str]:
    """From a pressed button, or from a header: the short cut for benchmarks."""
    for name in ("person", "error"):
        key = request.header(f"x-emulator-{name}")
        if key is not None:
            return name, key
    pressed = dict(request.form) if request.method == "POST" else {}
    return next(
        ((name, pressed[name]) for name in ("person", "error") if name in pressed), ("", "")
    )


def _admit(world: World, request: Request, asked: Asked, person: Person) -> Response:
    real = real_tenant(asked.tenant)
    if person.key in world.browsers.disabled:
        return pages.stopped(browser_sessions.DISABLED, world.now())
    if person.turned_away and real not in (person.tid, *TEMPLATES):
        return _refuse(world, request, asked, failures.account_from_elsewhere(asked.tenant))
    return _grant(world, request, asked, Scenario("", "", ""), person)


def _meet(world: World, request: Request, asked: Asked, scenario: Scenario) -> Response:
    if scenario.failure is not None:
        return _refuse(world, request, asked, scenario.failure)
    return _grant(world, request, asked, scenario, world.people["staff"])


def _grant(
    world: World, request: Request, asked: Asked, scenario: Scenario, person: Person
) -> Response:
    context = browser_sessions.context_of(asked)
    if context and context not in world.browsers.contexts:
        return _refuse(world, request, asked, browser_sessions.BLOCKED)
    browser = world.browsers.begin(
        world.browsers.of(request, asked, world.people),
        person,
        world.now(),
        afresh=asked.prompt == "login",
    )
    grant = Grant(
        person=person,
        tenant=asked.tenant,
        client_id=asked.client_id,
        redirect_uri=asked.redirect_uri,
        challenge=asked.challenge,
        nonce=asked.nonce,
        issued_at=world.now(),
        failure=scenario.token_failure,
        answer=scenario.answer,
        tamper=scenario.tamper,
        claims=world.browsers.claims(browser, person, asked),
    )
    response = _send_back(world, request, asked, {"code": world.codes.issue(grant)})
    cookie = f"{browser_sessions.COOKIE}={browser}; Path=/; HttpOnly; SameSite=Lax"
    return replace(response, headers={**response.headers, "Set-Cookie": cookie})


def _refuse(world: World, request: Request, asked: Asked, failure: Failure) -> Response:
    return _send_back(world, request, asked, failure.fields(world.now()))


def _send_back(world: World, request: Request, asked: Asked, fields: dict[str, str]) -> Response:
    """The state goes back as it came; the rest as a test told us to change it."""
    how = world.redirects.take() or AS_ASKED
    state = {} if asked.state is None else {"state": asked.state}
    session = {"session_state": str(uuid4())} if "code" in fields else {}
    issuer = issuer_of(request.base, real_tenant(asked.tenant) or asked.tenant)
    pairs = how.change({**fields, **state, **session}, issuer)
    query = urlencode(pairs) if how.query is None else how.query
    joint = "#" if how.fragment or asked.response_mode == "fragment" else "?"
    return redirect_response(f"{how.to or asked.redirect_uri}{joint}{query}", how.status)


def sign_out(world: World, request: Request, tenant: str) -> Response:
    """Entra sends people on where the site asked to, if that address is registered."""
    fields = dict(request.fields) | (dict(request.form) if request.method == "POST" else {})
    world.browsers.open.pop(world.browsers.of_cookie(request), None)
    url = fields.get("post_logout_redirect_uri", "")
    client = world.clients.get(fields.get("client_id", ""))
    if url and asking.may_return(client, url):
        state = {"state": fields["state"]} if "state" in fields else {}
        joint = "&" if urlsplit(url).query else "?"
        return redirect_response(f"{url}{joint}{urlencode(state)}" if state else url)
    return pages.signed_out(ignored=url)
