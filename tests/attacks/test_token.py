"""Forged, borrowed and broken id_tokens: each is `token_invalid`, and the record names the check.

The sources are the OpenID Foundation's tests for relying parties (oidcc-… and fapi1-…), RFC 8725
(JSON Web Token best current practices), RFC 7519, and OWASP ASVS 5.0, V10.5.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from tests.attacks.scene import Attack, Scene, people_sign_in_as_before, withstand
from tests.emulator.ids import CLIENT_ID, OTHER_TENANT, TENANT
from tests.emulator.keys import base64url
from tests.support.visitor import Page, query_of

OTHER_CLIENT = "44444444-4444-4444-8444-444444444444"
FAPI = "fapi1-advanced-final-client-test"


def tampered(scene: Scene, **how: Any) -> Page:
    """Microsoft answers with an id_token that somebody has changed."""
    scene.emulator.tamper(**how)
    return scene.sign_in()


def forged(sentence: str, check: str, source: str, **how: Any) -> Attack:
    return Attack(sentence, partial(tampered, **how), "token_invalid", source, detail=f"{check}: ")


def claiming(sentence: str, check: str, source: str, **claims: Any) -> Attack:
    return forged(sentence, check, source, claims=claims)


SIGNATURES = [
    forged("not signed at all", "form", "oidcc-client-test-idtoken-sig-none", signing="none"),
    forged("alg none, though signed", "alg", f"{FAPI}-invalid-null-alg", header={"alg": "none"}),
    forged("alg none, in other letters", "alg", "RFC 8725 3.2", header={"alg": "nOnE"}),
    forged("alg is missing", "alg", "RFC 8725 3.1", drop_header=["alg"]),
    forged("alg is a list", "alg", "RFC 8725 3.1", header={"alg": ["RS256"]}),
    forged("HS256 with the public key as its secret", "alg", "RFC 8725 2.1",
           signing="hs256_with_public_key"),
    forged("HS256 with the key's modulus", "alg", "RFC 8725 2.1", signing="hs256_with_modulus"),
    forged("HS256 with our client secret", "alg", "oidcc-client-test-invalid-sig-hs256",
           signing="hs256_with_client_secret"),
    forged("ES256 with a key of the attacker's", "alg", "oidcc-client-test-invalid-sig-es256",
           signing="es256"),
    forged("RS384, though the key is right", "alg", f"{FAPI}-invalid-alternate-alg",
           signing="rs384"),
    forged("PS256, though the key is right", "alg", f"{FAPI}-invalid-alternate-alg",
           signing="ps256"),
    forged("one bit of the signature is wrong", "signature", "oidcc-client-test-invalid-sig-rs256",
           signing="bad"),
    forged("the signature is empty", "form", "RFC 7515 5.2", signing="empty"),
    forged("the signature is cut off", "form", "RFC 7515 5.2", signing="stripped"),
    forged("a stranger's signature under Microsoft's kid", "signature", "RFC 8725 3.10",
           signing="other_key"),
    forged("a kid that Microsoft does not have", "kid", "RFC 8725 3.10", signing="unknown_kid"),
    forged("no kid", "kid", "oidcc-client-test-kid-absent-multiple-jwks", signing="no_kid"),
    forged("kid is a list", "kid", "RFC 8725 3.10", header={"kid": ["a"]}),
    forged("kid is a path", "kid", "RFC 8725 3.10", header={"kid": "../../../../dev/null"}),
    forged("kid is SQL", "kid", "RFC 8725 3.10", header={"kid": "x' UNION SELECT 'key"}),
    forged("crit that nobody understands", "extensions", "RFC 7515 4.1.11", signing="crit"),
    forged("b64 is off", "extensions", "RFC 7797 7", header={"b64": False}),
    forged("the payload is compressed", "extensions", "RFC 8725 3.6", header={"zip": "DEF"}),
    forged("the attacker's key in jwk", "foreign_keys", "RFC 8725 3.10", signing="embedded_jwk"),
    forged("the attacker's keys at jku", "foreign_keys", "RFC 8725 3.10", signing="jku"),
    forged("the attacker's keys at x5u", "foreign_keys", "RFC 8725 3.10", signing="x5u"),
    forged("the attacker's certificate in x5c", "foreign_keys", "RFC 8725 3.10",
           header={"x5c": ["MIIB"]}),
    forged("an access token in the id_token's place", "typ", "RFC 8725 3.11",
           header={"typ": "at+jwt"}),
    forged("a logout token in the id_token's place", "typ", "RFC 8725 3.11",
           header={"typ": "logout+jwt"}),
]  # fmt: skip

AUDIENCES = [
    claiming("aud is another app", "audience", "oidcc-client-test-invalid-aud", aud=OTHER_CLIENT),
    claiming("aud lists us and another app", "audience", f"{FAPI}-invalid-secondary-aud",
             aud=[CLIENT_ID, OTHER_CLIENT]),
    claiming("aud lists us twice", "audience", "ASVS 10.5.4", aud=[CLIENT_ID, CLIENT_ID]),
    claiming("aud is an empty list", "audience", "ASVS 10.5.4", aud=[]),
    claiming("aud begins with our client id", "audience", "ASVS 10.5.4", aud=f"{CLIENT_ID}0"),
    forged("no aud", "audience", "oidcc-client-test-missing-aud", drop=["aud"]),
    claiming("azp is another app", "azp", "OpenID Connect Core 3.1.3.7, 5", azp=OTHER_CLIENT),
]  # fmt: skip

TIMES = [
    forged("expired an hour ago", "exp", f"{FAPI}-invalid-expired-exp", expires_in=-3600),
    forged("expired just beyond the skew", "exp", "Who gets in, 2", expires_in=-62),
    forged("no exp", "exp", f"{FAPI}-invalid-missing-exp", drop=["exp"]),
    claiming("exp is a text", "exp", "RFC 7519 4.1.4", exp="9999999999"),
    claiming("exp never comes", "payload", "RFC 8259 6", exp=float("inf")),
    claiming("exp is true", "exp", "RFC 7519 4.1.4", exp=True),
    forged("issued in an hour", "iat", "OpenID Connect Core 3.1.3.7, 10", iat_offset=3600),
    forged("no iat", "iat", "oidcc-client-test-missing-iat", drop=["iat"]),
    forged("not valid for another hour", "nbf", "RFC 7519 4.1.5", nbf_offset=3600),
    claiming("nbf is not a time", "nbf", "RFC 7519 4.1.5", nbf="now"),
]  # fmt: skip

IDENTITIES = [
    claiming("iss is a stranger", "issuer", "oidcc-client-test-invalid-iss",
             iss="https://login.attacker.example/v2.0"),
    claiming("iss is Microsoft's v1.0 issuer", "issuer", "Microsoft, access token reference",
             iss=f"https://sts.windows.net/{TENANT}/"),
    claiming("iss has a slash more", "issuer", "OpenID Connect Core 3.1.3.7, 2",
             iss=f"http://localhost/{TENANT}/v2.0/"),
    claiming("iss is a list", "issuer", "OpenID Connect Core 2", iss=["a", "b"]),
    forged("no iss", "issuer", f"{FAPI}-invalid-missing-iss", drop=["iss"]),
    forged("no sub", "sub", "oidcc-client-test-missing-sub", drop=["sub"]),
    claiming("sub is empty", "sub", "OpenID Connect Core 2", sub=""),
    forged("no oid", "oid", "Who gets in, 2", drop=["oid"]),
    claiming("oid is a number", "oid", "Who gets in, 2", oid=1),
    forged("no tid", "tid", "Who gets in, 2", drop=["tid"]),
    claiming("tid is a list that holds ours", "tid", "Who gets in, 2", tid=[TENANT]),
    claiming("a token of the v1.0 endpoint", "ver", "Who gets in, 2", ver="1.0"),
    claiming("email is a list that holds the victim's", "email", "GHSA, claims as arrays",
             email=["staff@contoso.example"]),
    claiming("email ends in a null byte", "email", "CWE-158", email="staff@contoso.example\0"),
    claiming("email holds half a character", "email", "CWE-176",
             email="staff\ud800@contoso.example"),
    claiming("preferred_username is an object", "preferred_username", "RFC 7519 7.2",
             email=None, preferred_username={"a": "staff@contoso.example"}),
]  # fmt: skip

NONCES = [
    claiming("nonce of another sign-in", "nonce", "oidcc-client-test-nonce-invalid",
             nonce="x" * 43),
    forged("no nonce", "nonce", f"{FAPI}-invalid-missing-nonce", drop=["nonce"]),
    claiming("nonce is null", "nonce", "ASVS 10.5.1", nonce=None),
    claiming("nonce is a list", "nonce", "ASVS 10.5.1", nonce=["x"]),
]  # fmt: skip


SHAPES = [
    forged("aud twice, the right one last", "payload", "RFC 8725 2.4, RFC 7519 4",
           payload_replace=[['"aud":', f'"aud":"{OTHER_CLIENT}","aud":']]),
    forged("alg twice, none first", "header", "RFC 7515 4",
           header_replace=[['"alg":', '"alg":"none","alg":']]),
    forged("the payload is not JSON", "payload", "RFC 7519 7.2", payload_replace=[['{"', '{{"']]),
    forged("no token but a word", "form", "RFC 7519 7.2", raw_id_token="token"),
    forged("five parts, as if encrypted (JWE)", "form", "RFC 8725 2.7", raw_id_token="e30.a.b.c.d"),
    forged("a token in JSON serialization", "id_token", "RFC 7515 7.2",
           raw_id_token={"payload": "e30", "signature": "e30"}),
    forged("the header is a list", "header", "RFC 7519 7.2", raw_id_token="W10.e30.c2ln"),
    forged("a header as deep as a well", "header", "CWE-674",
           raw_id_token=f"{base64url(b'[' * 30000)}.e30.c2ln"),
    forged("a token of 100 kB", "size", "CWE-400", claims={"junk": "x" * 100_000}),
    forged("a number instead of a token", "id_token", "RFC 7519 7.2", raw_id_token=7),
]  # fmt: skip


def replayed(scene: Scene) -> Page:
    """An id_token that was good once, for the same person, in another sign-in."""
    earlier = query_of(scene.browser().press_button())["nonce"]
    return tampered(scene, raw_id_token=scene.emulator.id_token("staff", nonce=earlier))


def of_the_other_tenant(scene: Scene) -> Page:
    """Whole, rightly signed, and of a tenant that may not come in."""
    issuer = f"{scene.emulator.url}/{OTHER_TENANT}/v2.0"
    return tampered(scene, claims={"tid": OTHER_TENANT, "iss": issuer})


def with_our_tid_and_the_other_issuer(scene: Scene) -> Page:
    return tampered(scene, claims={"iss": f"{scene.emulator.url}/{OTHER_TENANT}/v2.0"})


def with_an_issuer_that_begins_like_ours(scene: Scene) -> Page:
    return tampered(scene, claims={"iss": f"{scene.emulator.url}/{TENANT}/v2.0.attacker.example"})


STORIES = [
    Attack("an id_token of an earlier sign-in", replayed, "token_invalid", "ASVS 10.5.1",
           detail="nonce: "),
    Attack("a whole token of a tenant that is not ours", of_the_other_tenant, "wrong_tenant",
           "nOAuth (Descope 2023)"),
    Attack("our tid under another tenant's issuer", with_our_tid_and_the_other_issuer,
           "token_invalid", "Microsoft, validate claims: iss and tid", detail="issuer: "),
    Attack("an issuer that begins like ours", with_an_issuer_that_begins_like_ours,
           "token_invalid", "OpenID Connect Core 3.1.3.7, 2", detail="issuer: "),
]  # fmt: skip

TABLE = [*SIGNATURES, *AUDIENCES, *TIMES, *IDENTITIES, *NONCES, *SHAPES, *STORIES]


@pytest.mark.parametrize("attack", TABLE, ids=str)
def test_a_token_that_cannot_be_believed_lets_nobody_in(scene: Scene, attack: Attack) -> None:
    withstand(scene, attack)
    assert scene.emulator.counts.get("attacker", 0) == 0


def test_fifty_unknown_keys_cost_microsoft_one_request(scene: Scene) -> None:
    """RFC 8725 3.10; Who gets in, 1: an unknown kid fetches the keys at most once in 10 s."""
    for _ in range(4):  # each worker has the keys before
        assert scene.let_in().is_in()
    scene.emulator.tamper(signing="unknown_kid")
    before, began = scene.emulator.counts.get("jwks", 0), time.monotonic()
    with ThreadPoolExecutor(5) as pool:  # what one address may ask of Microsoft at once
        reasons = list(pool.map(lambda _: scene.sign_in().reason, range(50)))
    assert set(reasons) == {"token_invalid"}
    asked = scene.emulator.counts.get("jwks", 0) - before
    assert asked <= 1 + (time.monotonic() - began) // 10
    people_sign_in_as_before(scene)


@pytest.mark.parametrize(("sentence", "how"), [
    ("aud is a list of just us", {"claims": {"aud": [CLIENT_ID]}}),
    ("azp is us", {"claims": {"azp": CLIENT_ID}}),
    ("expired within the skew", {"expires_in": -30}),
    ("issued within the skew", {"iat_offset": 30, "nbf_offset": 30}),
    ("no nbf, no ver", {"drop": ["nbf", "ver"]}),
    ("claims that nobody knows", {"claims": {"new": {"a": [1, None]}}}),
])  # fmt: skip
def test_what_the_contract_allows_lets_the_right_person_in(
    scene: Scene, sentence: str, how: dict[str, Any]
) -> None:
    scene.emulator.tamper(**how)
    assert scene.let_in().is_in(), sentence
