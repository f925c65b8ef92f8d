"""Client assertions as Entra judges them: a certificate's signature, or a federated credential."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from . import failures
from .discovery import issuer_of
from .failures import Failure
from .ids import TENANT
from .proofs import AUDIENCE, Federated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

    from .wire import Request
    from .world import Client, World

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW: Final = 300
DAY: Final = 24 * 3600
# What marks a token as one of a user-assigned managed identity, and not an id_token of ours.
OF_IDENTITY: Final = "xms_mirid"


def refuse(
    world: World, client: Client, form: Mapping[str, str], request: Request, tenant: str
) -> Failure | None:
    """What Entra would say of the assertion in the form; None when it is good."""
    if form.get("client_assertion_type") != TYPE or form.get("client_secret"):
        return failures.ASSERTION_MALFORMED
    try:
        header = jwt.get_unverified_header(form["client_assertion"])
        claims = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return failures.ASSERTION_MALFORMED
    if claims.get("iss") == form["client_id"] or "x5t#S256" in header or "x5t" in header:
        return _by_certificate(world, client, form, header, claims, request, tenant)
    return _by_federation(world, client, form["client_assertion"], claims, request)


def _by_certificate(
    world: World,
    client: Client,
    form: Mapping[str, str],
    header: Mapping[str, Any],
    claims: Mapping[str, Any],
    request: Request,
    tenant: str,
) -> Failure | None:
    certificate = client.proofs.certificates.get(header.get("x5t#S256") or header.get("x5t") or "")
    if certificate is None:
        return failures.key_not_found(form["client_id"])
    expected = world.url(request.base, tenant, "token")
    return (
        _ill_formed(header, claims)
        or _wrong_signature(form["client_assertion"], certificate.public_key(), header["alg"])
        or _outside_its_time(world, claims)
        or _expired(world, certificate)
        or _not_about(claims, form["client_id"], expected)
    )


def _ill_formed(header: Mapping[str, Any], claims: Mapping[str, Any]) -> Failure | None:
    wanted = "PS256" if "x5t#S256" in header else "RS256"
    there = ("aud", "exp", "iss", "jti", "sub", "nbf")
    is_good = header.get("alg") == wanted and all(name in claims for name in there)
    return None if is_good else failures.ASSERTION_MALFORMED


def _wrong_signature(assertion: str, key: Any, algorithm: str) -> Failure | None:
    try:
        jwt.decode(assertion, key, [algorithm], options=_ONLY_SIGNATURE)
    except jwt.InvalidTokenError:
        return failures.SIGNATURE_WRONG
    return None


_ONLY_SIGNATURE: Final[Any] = {
    f"verify_{name}": False for name in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
}


def _outside_its_time(world: World, claims: Mapping[str, Any]) -> Failure | None:
    now = world.now()
    begins, ends = claims.get("nbf", claims.get("iat", 0)), claims.get("exp", 0)
    return None if begins - SKEW <= now < ends + SKEW else failures.ASSERTION_OUTSIDE_ITS_TIME


def _expired(world: World, certificate: x509.Certificate) -> Failure | None:
    until = certificate.not_valid_after_utc.timestamp()
    return None if world.now() < until else failures.KEY_EXPIRED


def _not_about(claims: Mapping[str, Any], client_id: str, expected: str) -> Failure | None:
    if claims["iss"] != client_id or claims["sub"] != client_id:
        return failures.ASSERTION_OF_ANOTHER_CLIENT
    return None if claims["aud"] == expected else failures.ASSERTION_FOR_ANOTHER


def _by_federation(
    world: World, client: Client, assertion: str, claims: Mapping[str, Any], request: Request
) -> Failure | None:
    issuer, subject, audience = (str(claims.get(name)) for name in ("iss", "sub", "aud"))
    keys = _keys_of(world, issuer, request)
    if keys is not None and all(_wrong_signature(assertion, key, "RS256") for key in keys):
        return failures.FEDERATED_SIGNATURE_WRONG
    if issuer == issuer_of(request.base, TENANT) and OF_IDENTITY not in claims:
        return failures.NOT_AN_IDENTITY
    return _unmatched(client.proofs.federated, issuer, subject, audience) or _outside_its_time(
        world, claims
    )


def _unmatched(
    federated: list[Federated], issuer: str, subject: str, audience: str
) -> Failure | None:
    """Entra looks for the issuer, then the subject, then the audience, each letter for letter."""
    if not federated:
        return failures.NONE_FEDERATED
    left = [one for one in federated if one.issuer == issuer]
    if not left:
        return failures.no_federated(700211, "issuer", issuer)
    fitting = [one for one in left if one.subject == subject]
    if not fitting:
        near = any(one.subject.lower() == subject.lower() for one in left)
        return failures.no_federated(7002138 if near else 700213, "subject", subject)
    if not any(one.audience == audience for one in fitting):
        return failures.no_federated(700212, "audience", audience)
    return None


def _keys_of(world: World, issuer: str, request: Request) -> list[Any] | None:
    """None for an issuer that nobody here has met: it is refused by its name."""
    if issuer == issuer_of(request.base, TENANT):
        return [key.private.public_key() for key in world.keys.published]
    pem = world.issuers.get(issuer)
    return None if pem is None else [load_pem_public_key(pem.encode())]


def identity_token(
    world: World, base: str, principal: str, audience: str = AUDIENCE, life: float = DAY
) -> dict[str, Any]:
    """The token that Entra gives a managed identity, as its endpoint passes it on."""
    now = int(world.now())
    claims = {
        "aud": audience,
        "iss": issuer_of(base, TENANT),
        "iat": now,
        "nbf": now,
        "exp": now + int(life),
        "oid": principal,
        "sub": principal,
        "tid": TENANT,
        "ver": "2.0",
        "idtyp": "app",
        OF_IDENTITY: f"/subscriptions/none/userAssignedIdentities/{principal}",
        "uti": base64.urlsafe_b64encode(str(world.counters.take()).encode()).decode(),
    }
    key = world.keys.current
    token = jwt.encode(claims, key.private, "RS256", headers={"kid": key.kid})
    return {"access_token": token, "expires_on": str(claims["exp"]), "resource": audience}
