"""An id_token as Entra makes it, or as somebody would who should not be believed."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from .discovery import issuer_of
from .ids import CLIENT_SECRET
from .keys import Key, base64url
from .misbehave import Pairs, Tamper
from .people import Person
from .world import World

# Entra dates tokens back five minutes, for clients whose clock is behind.
BACKDATED = 300
LIFETIME = 3600
PLAIN = Tamper()


@dataclass(frozen=True, slots=True)
class For:
    """Whom a token is about, for which client, and in answer to which nonce."""

    person: Person
    base: str
    client_id: str
    nonce: str | None
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signer:
    alg: str
    key: Any
    header: Mapping[str, Any] = field(default_factory=dict)


def mint(world: World, about: For, tamper: Tamper | None = None) -> Any:
    """The compact JWT; anything at all when told to."""
    how = tamper or PLAIN
    if how.raw_id_token is not None:
        return how.raw_id_token
    signer = SIGNINGS[how.signing or "right"](world, about.base)
    header = _without({"typ": "JWT", "alg": signer.alg, **signer.header, **how.header}, how)
    head = _part(header, how.header_replace)
    body = _part(_claims(world, about, how), how.payload_replace)
    return _sign(f"{head}.{body}", signer, how.signing or "")


def _claims(world: World, about: For, how: Tamper) -> dict[str, Any]:
    now = int(world.now())
    claims = {**_times(now, how), **_person(about), **how.claims}
    return {name: value for name, value in claims.items() if name not in how.drop}


def _times(now: int, how: Tamper) -> dict[str, Any]:
    def at(offset: float | None, usual: int) -> int:
        return now + int(usual if offset is None else offset)

    return {
        "iat": at(how.iat_offset, -BACKDATED),
        "nbf": at(how.nbf_offset, -BACKDATED),
        "exp": at(how.expires_in, LIFETIME),
    }


def _person(about: For) -> dict[str, Any]:
    person = about.person
    claims = {
        "aud": about.client_id,
        "iss": issuer_of(about.base, person.tid),
        "acct": person.acct,
        "email": person.email,
        "idp": person.idp,
        "name": person.name,
        "nonce": about.nonce,
        "oid": person.oid,
        "preferred_username": person.preferred_username,
        "rh": f"1.{base64url(hashlib.sha256(person.oid.encode()).digest())}.",
        "sub": pairwise(about.client_id, person),
        "tid": person.tid,
        "uti": secrets.token_urlsafe(16),
        "ver": "2.0",
    }
    present = {name: value for name, value in claims.items() if value is not None}
    return {**present, **about.claims, **person.claims}


def pairwise(client_id: str, person: Person) -> str:
    """Another `sub` for each app, as Entra has it."""
    return base64url(hashlib.sha256(f"{client_id}:{person.tid}:{person.oid}".encode()).digest())


def _without(header: dict[str, Any], how: Tamper) -> dict[str, Any]:
    return {name: value for name, value in header.items() if name not in how.drop_header}


def _part(value: Mapping[str, Any], changes: Pairs) -> str:
    text = json.dumps(value, separators=(",", ":"))
    for old, new in changes:
        text = text.replace(old, new)
    return base64url(text.encode())


def _sign(signed: str, signer: Signer, signing: str) -> str:
    if signing == "stripped":
        return signed
    algorithm = jwt.get_algorithm_by_name(signer.alg)
    signature = algorithm.sign(signed.encode(), signer.key)
    if signing == "bad":
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return f"{signed}.{'' if signing == 'empty' else base64url(signature)}"


def _rsa(alg: str = "RS256", **header: Any) -> Callable[[World, str], Signer]:
    """With our current key, whatever else the header says."""

    def signer(world: World, base: str) -> Signer:
        key = world.keys.custom or world.keys.current
        return Signer(alg, key.private, {"kid": key.kid, **header})

    return signer


def _no_kid(world: World, base: str) -> Signer:
    return Signer("RS256", (world.keys.custom or world.keys.current).private)


def _other_key(world: World, base: str) -> Signer:
    """A stranger's signature under our key's name."""
    return Signer("RS256", world.keys.stranger.private, {"kid": world.keys.current.kid})


def _unknown_kid(world: World, base: str) -> Signer:
    stranger = world.keys.stranger
    return Signer("RS256", stranger.private, {"kid": stranger.kid})


def _old_key(world: World, base: str) -> Signer:
    if not world.keys.retired:
        world.keys.rotate(keep_old=True)
    key: Key = world.keys.retired[0]
    return Signer("RS256", key.private, {"kid": key.kid})


def _none(world: World, base: str) -> Signer:
    return Signer("none", None, {"kid": world.keys.current.kid})


def _hs256(secret: Callable[[World], bytes]) -> Callable[[World, str], Signer]:
    """Algorithm confusion: what is public, or shared, used as an HMAC key."""

    def signer(world: World, base: str) -> Signer:
        return Signer("HS256", secret(world), {"kid": world.keys.current.kid})

    return signer


def _modulus(world: World) -> bytes:
    text: str = world.keys.current.jwk["n"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _es256(world: World, base: str) -> Signer:
    return Signer("ES256", world.keys.elliptic, {"kid": world.keys.current.kid})


def _embedded_jwk(world: World, base: str) -> Signer:
    stranger = world.keys.stranger
    return Signer("RS256", stranger.private, {"kid": stranger.kid, "jwk": stranger.jwk})


def _pointer(name: str) -> Callable[[World, str], Signer]:
    """A header that says where to fetch the attacker's key."""

    def signer(world: World, base: str) -> Signer:
        stranger = world.keys.stranger
        where = {name: f"{base}/_attacker/keys"}
        return Signer("RS256", stranger.private, {"kid": stranger.kid, **where})

    return signer


SIGNINGS: dict[str, Callable[[World, str], Signer]] = {
    "right": _rsa(),
    "bad": _rsa(),
    "empty": _rsa(),
    "stripped": _rsa(),
    "none": _none,
    "hs256_with_public_key": _hs256(lambda world: world.keys.current.pem),
    "hs256_with_modulus": _hs256(_modulus),
    "hs256_with_client_secret": _hs256(lambda world: CLIENT_SECRET.encode()),
    "other_key": _other_key,
    "unknown_kid": _unknown_kid,
    "no_kid": _no_kid,
    "old_key": _old_key,
    "rs384": _rsa("RS384"),
    "rs512": _rsa("RS512"),
    "ps256": _rsa("PS256"),
    "es256": _es256,
    "crit": _rsa(crit=["exp"]),
    "embedded_jwk": _embedded_jwk,
    "jku": _pointer("jku"),
    "x5u": _pointer("x5u"),
}
