"""What only Microsoft can tell: is it reachable, are the tenant, the secret, the redirect right?

Reads the registration afresh and asks Microsoft anew: no cache of ours may hide what changed.
Nothing that Microsoft sent is shown, save matched numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.db import DatabaseError
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as noop

from .... import registration
from ....conf import conf
from ....entra.errors import reason_for, refusal_of
from ....entra.exchange import OF_THE_CREDENTIAL, Client
from ....entra.jwks import read_keys
from ....entra.metadata import (
    Discovery,
    NoUsableKeys,
    authority_origin,
    document_url,
    read_discovery,
)
from ....http.client import HttpClient, get_client
from ....http.deadline import Deadline
from ....http.json_response import JsonResponse
from ....ids import AADSTS, tenant_of_issuer
from ....reasons import Refused
from ....registration import Registration
from ....signin import state
from ....web.provider import authorize_parameters
from ...credential_test import CheckedCredential, check_all, first_good
from ..finding import Observation, because, fault, ok
from ..visit.browser import AGENT, Reply, reply_of
from . import app, clock

_NEXT_HELPS: Final = OF_THE_CREDENTIAL
_SECONDS: Final = 8.0
_SWAPPED: Final = (
    "The client id is a tenant's: the two are swapped. Application (client) ID belongs into"
    " MICROSOFT_CLIENT_ID, Directory (tenant) ID into MICROSOFT_TENANT_ID."
)
# Nobody is signed in: these say that all is well so far.
_SILENT: Final = ("login_required", "interaction_required", "account_selection_required")


def run(
    find: Callable[[], Registration] = registration.read_afresh,
    tried: list[CheckedCredential] | None = None,
) -> Iterator[Observation]:
    """Ask Microsoft everything that a sign-in by this registration will ask.

    `tried` is filled with what became of each of its credentials.
    """
    try:
        found = find()
    except (Refused, DatabaseError) as problem:
        unavailable = Refused("database_unavailable", type(problem).__name__)
        refusal = problem if isinstance(problem, Refused) else unavailable
        of_all = find is registration.read_afresh
        title = (
            noop("No app registration is in force") if of_all else noop("This app cannot be used")
        )
        yield fault(app.IN_FORCE, title=title, **because(refusal))
        return
    http, url = (
        get_client(),
        document_url(conf.MICROSOFT_LOGIN_URL, found.tenant, found.client_id),
    )
    try:
        answer, discovery, middle = _ask(http, url, found.tenant)
    except Refused as refusal:
        swapped = refusal.reason.code == "tenant_not_found" and _is_tenant(http, found.client_id)
        facts = because(refusal) | ({"reason_fix": gettext(_SWAPPED)} if swapped else {})
        yield fault("online.discovery", url=url, **facts)
        return
    yield ok("online.discovery", ms=answer.elapsed_ms, url=url)
    yield from _clock(answer, middle)
    yield _tenant(found, discovery)
    yield _keys(http, discovery)
    yield from _credential(http, found, discovery, [] if tried is None else tried)
    yield from _redirect_uri(http, found, discovery)


def _ask(http: HttpClient, url: str, tenant: str) -> tuple[JsonResponse, Discovery, float]:
    """The document, and our time in the middle of asking. Raises Refused."""
    began = time.time()
    answer = http.get_json(url)
    middle = (began + time.time()) / 2
    if answer.status != 200:
        raise refusal_of(answer.body)
    home = authority_origin(conf.MICROSOFT_LOGIN_URL)
    return answer, read_discovery(answer.body, home, tenant), middle


def _is_tenant(http: HttpClient, client_id: str) -> bool:
    """Whether the client id is a tenant's, as when the two were swapped."""
    try:
        return http.get_json(document_url(conf.MICROSOFT_LOGIN_URL, client_id, "")).status == 200
    except Refused:
        return False


def _clock(answer: JsonResponse, middle: float) -> Iterator[Observation]:
    """The Date header has no fractions: half a second is its middle."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() + 0.5
    except ValueError:
        return
    yield clock.compare("microsoft", noop("Microsoft's clock"), theirs, middle)


def _tenant(found: Registration, discovery: Discovery) -> Observation:
    """A domain may belong to another tenant than the one that is allowed."""
    named = tenant_of_issuer(discovery.issuer)
    allowed = registration.rules_for(found).tenants
    if named == "{tenantid}" or named in allowed:
        return ok("online.tenant", issuer=discovery.issuer)
    listed = ", ".join(sorted(allowed))
    return fault("online.tenant", tenant=found.tenant, named=named, allowed=listed)


def _keys(http: HttpClient, discovery: Discovery) -> Observation:
    try:
        answer = http.get_json(discovery.jwks_uri)
        count = len(read_keys(answer.body)) if answer.status == 200 else 0
    except Refused as refusal:
        return fault("online.keys", **because(refusal))
    if not count:
        return fault("online.keys", **because(NoUsableKeys(answer.body)))
    return ok("online.keys", count=count)


def _credential(
    http: HttpClient, found: Registration, discovery: Discovery, tried: list[CheckedCredential]
) -> Iterator[Observation]:
    """Try each; sign-in breaks only when none is good."""
    if not found.credentials:
        none = Refused("not_configured", "credential: none")
        yield fault("online.secret_missing", **because(none))
        return
    client = Client(http, discovery.token_endpoint, found.client_id, found.credentials)
    tried += check_all(client)
    good = first_good(tried)
    name = "secret" if tried[0].credential.kind == "secret" else "credential"
    if good is None:
        yield _none_good(name, found, tried)
        return
    yield from _others(name, tried, good)


def _none_good(name: str, found: Registration, tried: list[CheckedCredential]) -> Observation:
    ends = (one for one in tried if one.refusal and one.refusal.reason.code not in _NEXT_HELPS)
    last = next(ends, tried[-1])
    refusal = last.refusal or Refused("unexpected")
    id_ = f"online.{name}_unclear" if last.is_unclear else f"online.{name}"
    label = last.credential.label
    return fault(id_, client_id=found.client_id, label=label, **because(refusal))


def _others(name: str, tried: list[CheckedCredential], good: int) -> Iterator[Observation]:
    """The one in use, and what is wrong with those before and after it."""
    refused = [one for one in tried if one.refusal is not None and not one.is_unclear]
    if good == 0:
        yield ok(f"online.{name}", label=tried[0].credential.label)
        following = [one for one in tried[1:] if one.refusal is None]
        yield from (ok(f"online.{name}_next", label=one.credential.label) for one in following)
    for one in refused:
        code = one.refusal.reason.code if one.refusal else ""
        later = tried.index(one) > good
        id_ = f"online.{name}_next" if later else f"online.{name}_second"
        yield fault(id_, code=code, label=one.credential.label)


def _redirect_uri(
    http: HttpClient, found: Registration, discovery: Discovery
) -> Iterator[Observation]:
    """A silent authorize request tells, without anybody signing in.

    With `prompt=none` and no cookies, Entra sends a registered URI back with `login_required`;
    for one that it does not know it shows a page of its own with AADSTS50011. The request is the
    site's own, parameter for parameter, so whatever else Entra dislikes in it comes out as well.
    """
    url = _authorize_url(found, discovery)
    headers = {"Accept": "text/html", "User-Agent": AGENT}
    try:
        page = reply_of(url, http.get_page(url, Deadline(_SECONDS), headers))
    except Refused as refusal:
        yield fault("online.authorize", **because(refusal))
        return
    yield from _judge(registration.redirect_uri(), page)


def _authorize_url(found: Registration, discovery: Discovery) -> str:
    secret = state.new_browser_secret()
    issued, text = state.issue(secret, state.ServedBy(conf.PUBLIC_URL, "doctor"), "")
    parameters = authorize_parameters(found, secret, issued, text)
    joint = "&" if "?" in discovery.authorization_endpoint else "?"
    query = urlencode(parameters | {"prompt": "none"})
    return f"{discovery.authorization_endpoint}{joint}{query}"


def _judge(uri: str, page: Reply) -> Iterator[Observation]:
    if page.location.partition("?")[0] == uri:
        yield ok("online.redirect_uri", uri=uri)
        fields = dict(parse_qsl(urlsplit(page.location).query))
        if fields.get("error") not in _SILENT and "code" not in fields:
            yield fault("online.authorize", **because(refusal_of(fields)))
        return
    numbers = [int(number) for number in dict.fromkeys(AADSTS.findall(page.text))]
    if numbers:  # Entra's own page: people would be stuck there and never come back
        code, number = reason_for(numbers, "")
        about_uri = code == "redirect_uri_mismatch"
        id_ = "online.redirect_uri" if about_uri else "online.authorize"
        yield fault(id_, uri=uri, **because(Refused(code, aadsts=number)))
    elif page.status >= 400:
        yield fault("online.redirect_uri_unclear", uri=uri, quote=page.quote)
    else:
        yield ok("online.redirect_uri", uri=uri)
