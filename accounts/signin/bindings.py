"""How the uid of a SocialAccount names a Microsoft identity.

    tid:oid              as this app binds ("ID token claims reference": the two are unique)
    oid                  as allauth's own provider binds: Graph's id, without its tenant
    sub:client_id:sub    expected, from python-social-auth: a sub is good for one client id only

The last two are completed to the first when their person next signs in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..ids import is_guid

if TYPE_CHECKING:
    from ..entra.claims import Claims

_EXPECTED: Final = "sub"


@dataclass(frozen=True, slots=True)
class Binding:
    """The parts of a uid: `tid` is "" for an object ID alone, all are "" for an unknown form."""

    tid: str = ""
    oid: str = ""
    client_id: str = ""
    sub: str = ""


def read(uid: str) -> Binding:
    """The parts of a uid."""
    first, colon, rest = uid.partition(":")
    if not colon:
        return Binding(oid=uid) if is_guid(uid) else Binding()
    if first != _EXPECTED:
        return Binding(tid=first, oid=rest)
    client_id, _, sub = rest.partition(":")
    return Binding(client_id=client_id, sub=sub)


def canonical(uid: str) -> str:
    """With its GUIDs in lower case, as Microsoft's claims have them."""
    bound = read(uid.lower())
    is_one = is_guid(bound.oid) and (not bound.tid or is_guid(bound.tid))
    return uid.lower() if is_one else uid


def is_complete(uid: str) -> bool:
    """Whether it has a tenant or an expected sub, and is written as this app writes it."""
    return ":" in uid and uid == canonical(uid)


def is_known(uid: str) -> bool:
    """Whether it names a person who could sign in: a personal account's uid does not."""
    return read(uid) != Binding()


def identity_of(claims: Claims) -> str:
    """The immutable name of a person at Microsoft."""
    return f"{claims.tid}:{claims.oid}"


def expected_sub(client_id: str, sub: str) -> str:
    """The uid of the person who has this sub at this app registration."""
    return f"{_EXPECTED}:{client_id.lower()}:{sub}"


def names_of(claims: Claims) -> tuple[str, ...]:
    """Every uid that may name the person of these claims, the most specific first."""
    names = [identity_of(claims)]
    if claims.client_id:
        names.append(expected_sub(claims.client_id, claims.sub))
    if is_guid(claims.oid):
        names.append(claims.oid)
    return tuple(names)
