"""Carries out what `Controls` asks for, from this process or over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import assertions
from .browser_sessions import MFA
from .codes import Grant
from .id_token import SIGNINGS, For, mint
from .misbehave import Misbehavior, Redirect, Tamper
from .people import Person
from .proofs import Federated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .server import Emulator


def _tamper_of(fields: dict[str, Any]) -> Tamper:
    made = Tamper(**fields)
    if made.signing not in (None, *SIGNINGS):
        raise ValueError(f"signing is one of {', '.join(SIGNINGS)}")
    return made


def _reset(emulator: Emulator) -> None:
    emulator.delay = emulator.usual_delay
    emulator.world.reset()
    emulator.doors_open()


def _tamper(emulator: Emulator, times: int | None, **fields: Any) -> None:
    emulator.world.tampers.add(_tamper_of(fields), times)


def _answer(emulator: Emulator, endpoint: str, times: int | None, **fields: Any) -> None:
    emulator.world.answers[endpoint].add(Misbehavior(**fields), times)


def _redirect_with(emulator: Emulator, times: int | None, **fields: Any) -> None:
    emulator.world.redirects.add(Redirect(**fields), times)


def _set_delay(emulator: Emulator, milliseconds: float) -> None:
    emulator.delay = milliseconds / 1000


def _set_clock_offset(emulator: Emulator, seconds: float) -> None:
    emulator.world.clock_offset = seconds


def _expire_secret(emulator: Emulator, client_id: str) -> None:
    client = emulator.world.clients[client_id]
    client.expired, client.secrets = client.expired | client.secrets, set()


def _set_certificates(emulator: Emulator, pems: Sequence[str], client_id: str) -> None:
    emulator.world.clients[client_id].proofs.register(pems)


def _set_federated(
    emulator: Emulator, credentials: Sequence[Mapping[str, str]], client_id: str
) -> None:
    made = [Federated(**fields) for fields in credentials]
    emulator.world.clients[client_id].proofs.federated = made


def _trust_issuer(emulator: Emulator, issuer: str, pem: str) -> None:
    emulator.world.issuers[issuer] = pem


def _register_redirect_uris(emulator: Emulator, uris: Sequence[str], client_id: str) -> None:
    client = emulator.world.clients[client_id]
    client.redirect_uris = (client.redirect_uris or set()) | set(uris)


def _unregister_redirect_uris(
    emulator: Emulator, uris: Sequence[str] | None, client_id: str
) -> None:
    client = emulator.world.clients[client_id]
    left = set() if uris is None else (client.redirect_uris or set()) - set(uris)
    client.redirect_uris = left


def _register_person(emulator: Emulator, **fields: Any) -> None:
    person = Person(**fields)
    emulator.world.people[person.key] = person


def _at_microsoft(emulator: Emulator, **fields: Sequence[str]) -> None:
    browsers = emulator.world.browsers
    if "demands_mfa" in fields:
        browsers.demands = dict.fromkeys(fields.pop("demands_mfa"), MFA)
    for name, values in fields.items():
        if name not in ("optional_claims", "contexts", "disabled"):
            raise ValueError(f"no {name} here")
        setattr(browsers, name, set(values))


def _id_token(
    emulator: Emulator, person: str, nonce: str | None, client_id: str, **tamper: Any
) -> Any:
    about = For(emulator.world.people[person], emulator.url, client_id, nonce)
    return mint(emulator.world, about, _tamper_of(tamper))


def _code(emulator: Emulator, person: str, **fields: Any) -> str:
    world = emulator.world
    return world.codes.issue(Grant(person=world.people[person], issued_at=world.now(), **fields))


COMMANDS: dict[str, Callable[..., Any]] = {
    "reset": _reset,
    "reset_counters": lambda emulator: emulator.world.counters.reset(),
    "tamper": _tamper,
    "answer": _answer,
    "redirect_with": _redirect_with,
    "down": lambda emulator, how, seconds: emulator.doors_shut(how, seconds),
    "up": lambda emulator: emulator.doors_open(),
    "hang_up": lambda emulator: emulator.drop_connections(),
    "make_custom_key": lambda emulator: emulator.world.keys.make_custom(),
    "rotate_keys": lambda emulator, keep_old: emulator.world.keys.rotate(keep_old=keep_old),
    "move_endpoints": lambda emulator, segment: emulator.world.move_endpoints(segment),
    "set_clock_offset": _set_clock_offset,
    "set_delay": _set_delay,
    "set_secrets": lambda emulator, **fields: emulator.world.set_secrets(**fields),
    "expire_secret": _expire_secret,
    "set_certificates": _set_certificates,
    "set_federated": _set_federated,
    "trust_issuer": _trust_issuer,
    "identity_token": lambda emulator, **fields: assertions.identity_token(
        emulator.world, emulator.url, **fields
    ),
    "register_redirect_uris": _register_redirect_uris,
    "unregister_redirect_uris": _unregister_redirect_uris,
    "register_person": _register_person,
    "at_microsoft": _at_microsoft,
    "id_token": _id_token,
    "code": _code,
}
