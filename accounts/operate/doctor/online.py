"""What only Microsoft can tell: is it reachable, are the tenant, the secret, the redirect right?

Reads the registration afresh and asks Microsoft anew: no cache of ours may hide what changed.
Nothing that Microsoft sent is shown, save matched numbers.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import DatabaseError

from accounts import registration
from accounts.entra.errors import refusal_of
from accounts.entra.jwks import read_keys
from accounts.entra.metadata import authority_origin, document_url, read_discovery
from accounts.http.client import get_client
from accounts.ids import tenant_of_issuer
from accounts.operate.doctor import app, clock, online_redirect, online_secret
from accounts.operate.doctor.finding import Finding, error, ok, refused
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from accounts.entra.metadata import Discovery
    from accounts.http.answer import JsonResponse
    from accounts.http.client import HttpClient
    from accounts.registration import Registration

DISCOVERY: Final = "online.discovery"
KEYS: Final = "online.keys"


def look() -> Iterator[Finding]:
    """Ask Microsoft everything that a sign-in will ask."""
    try:
        found = registration.read_afresh()
    except (Refused, DatabaseError) as problem:
        away = Refused("database_unavailable", type(problem).__name__)
        refusal = problem if isinstance(problem, Refused) else away
        yield refused(app.IN_FORCE, "No app registration is in force", refusal)
        return
    http = get_client()
    discovery = yield from _discovery(http, found)
    if discovery is None:
        return
    yield from _tenant(found, discovery)
    yield from _caught(KEYS, "Microsoft's keys cannot be read", lambda: [_keys(http, discovery)])
    yield from online_secret.look(http, found, discovery)
    yield from online_redirect.look(found, discovery)


def _discovery(http: HttpClient, found: Registration) -> Generator[Finding, None, Discovery | None]:
    """The document; None when a sign-in could not even start."""
    url = document_url(settings.MICROSOFT_LOGIN_URL, found.tenant, found.client_id)
    began = time.time()
    try:
        answer = http.get_json(url)
        middle = (began + time.time()) / 2
        if answer.status != 200:
            raise refusal_of(answer.body)
        home = authority_origin(settings.MICROSOFT_LOGIN_URL)
        discovery = read_discovery(answer.body, home, found.tenant)
    except Refused as refusal:
        yield refused(DISCOVERY, f"The discovery document cannot be used: {url}", refusal)
        return None
    yield ok(DISCOVERY, f"Microsoft answers in {answer.elapsed_ms} ms: {url}")
    yield from _clock(answer, middle)
    return discovery


def _clock(answer: JsonResponse, middle: float) -> Iterator[Finding]:
    """The Date header has no fractions: half a second is its middle."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() + 0.5
    except ValueError:
        return
    yield clock.compare("microsoft", "Microsoft's clock", theirs, middle)


def _tenant(found: Registration, discovery: Discovery) -> Iterator[Finding]:
    """A domain may belong to another tenant than the one that is allowed."""
    named = tenant_of_issuer(discovery.issuer)
    allowed = registration.rules_for(found).tenants
    if named == "{tenantid}" or named in allowed:
        yield ok("online.tenant", f"Tokens come from {discovery.issuer}")
        return
    yield error(
        "online.tenant",
        f"The tenant {found.tenant} is {named}, which is not allowed",
        f"MICROSOFT_ALLOWED_TENANTS is {', '.join(sorted(allowed))}.",
        shows_as=("wrong_tenant",),
        fix=f"Add {named} to MICROSOFT_ALLOWED_TENANTS, or set MICROSOFT_TENANT_ID to yours.",
    )


def _keys(http: HttpClient, discovery: Discovery) -> Finding:
    answer = http.get_json(discovery.jwks_uri)
    count = len(read_keys(answer.body)) if answer.status == 200 else 0
    if not count:
        raise Refused("microsoft_unreachable", f"keys: HTTP {answer.status}, none can be used")
    return ok(KEYS, f"Microsoft signs with {count} keys")


def _caught(id_: str, title: str, work: Callable[[], list[Finding]]) -> Iterator[Finding]:
    try:
        yield from work()
    except Refused as refusal:
        yield refused(id_, title, refusal)
