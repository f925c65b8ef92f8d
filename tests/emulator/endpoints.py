"""From a request to its response: the right endpoint, changed as a test told us to."""

from collections.abc import Callable

from . import authorize, discovery, pages, token
from .ids import TENANT
from .wire import Request, Response
from .world import DISCOVERY_TAIL, World

HANDLERS: dict[str, Callable[[World, Request, str], Response]] = {
    "discovery": discovery.document,
    "jwks": discovery.signing_keys,
    "authorize": authorize.answer,
    "token": token.answer,
    "logout": authorize.sign_out,
}


def respond(world: World, request: Request) -> Response:
    name, tenant = world.route(request.path)
    if not name:
        return _elsewhere(world, request)
    world.counters.saw(name, request)
    told = world.answers[name].take()
    if told is None:
        return HANDLERS[name](world, request, tenant)
    if told.instead:
        return told.change(told.alone(world.now()))
    return told.change(HANDLERS[name](world, request, tenant))


def _elsewhere(world: World, request: Request) -> Response:
    if request.path == "/":
        return pages.home(request.base, f"{TENANT}/{DISCOVERY_TAIL}")
    if request.path == "/_attacker/keys":
        world.counters.saw("attacker", request)
        return discovery.stranger_keys(world, request)
    if request.path == "/v1.0/me" and world.stock:
        world.counters.saw("graph", request)
        return token.graph_me(world, request)
    world.counters.saw("unknown", request)
    return pages.not_found()
