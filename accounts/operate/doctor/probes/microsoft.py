"""What only Microsoft can tell: is it reachable, are tenant, credential and redirect URI right?

Nothing comes from a cache. Nothing that Microsoft sent is shown, except matched numbers.
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
from ..finding import Observation, fault, ok, refusal_facts
from ..visit.browser import AGENT, Reply, reply_of
from . import app, clock

_SECONDS: Final = 8.0
_SWAPPED: Final = (
    "The client id is a tenant's: the two are swapped. Application (client) ID belongs into"
    " MICROSOFT_CLIENT_ID, Directory (tenant) ID into MICROSOFT_TENANT_ID."
)
# What Entra answers to prompt=none when the request is right and nobody is signed in.
_NOBODY_SIGNED_IN: Final = (
    "login_required",
    "interaction_required",
    "account_selection_required",
)


def run(
    find: Callable[[], Registration] = registration.read_afresh,
    tried: list[CheckedCredential] | None = None,
) -> Iterator[Observation]:
    """Asks Microsoft everything that a sign-in by this registration will ask.

    `tried` is filled with the result for each of its credentials.
    """
    try:
        registered = find()
    except (Refused, DatabaseError) as problem:
        unavailable = Refused("database_unavailable", type(problem).__name__)
        refusal = problem if isinstance(problem, Refused) else unavailable
        none, unusable = noop("No app registration is in force"), noop("This app cannot be used")
        title = none if find is registration.read_afresh else unusable
        yield fault(app.IN_FORCE, title=title, **refusal_facts(refusal))
        return
    http = get_client()
    url = document_url(conf.MICROSOFT_LOGIN_URL, registered.tenant, registered.client_id)
    try:
        answer, discovery, asked_at = _discover(http, url, registered.tenant)
    except Refused as refusal:
        swapped = refusal.reason.code == "tenant_not_found" and _is_tenant(
            http, registered.client_id
        )
        facts = refusal_facts(refusal) | ({"reason_fix": gettext(_SWAPPED)} if swapped else {})
        yield fault("online.discovery", url=url, **facts)
        return
    yield ok("online.discovery", ms=answer.elapsed_ms, url=url)
    yield from _clock(answer, asked_at)
    yield _tenant(registered, discovery)
    yield _keys(http, discovery)
    yield from _credential(http, registered, discovery, [] if tried is None else tried)
    yield from _redirect_uri(http, registered, discovery)


def _discover(http: HttpClient, url: str, tenant: str) -> tuple[JsonResponse, Discovery, float]:
    """The metadata, and our time at the middle of the request. Raises Refused."""
    began = time.time()
    answer = http.get_json(url)
    asked_at = (began + time.time()) / 2
    if answer.status != 200:
        raise refusal_of(answer.body)
    home = authority_origin(conf.MICROSOFT_LOGIN_URL)
    return answer, read_discovery(answer.body, home, tenant), asked_at


def _is_tenant(http: HttpClient, client_id: str) -> bool:
    """Whether a tenant has this id, as when the two were swapped."""
    try:
        return http.get_json(document_url(conf.MICROSOFT_LOGIN_URL, client_id, "")).status == 200
    except Refused:
        return False


def _clock(answer: JsonResponse, ours: float) -> Iterator[Observation]:
    """By the Date header, which has whole seconds: on average it is half a second behind."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() + 0.5
    except ValueError:
        return
    yield clock.compare("microsoft", noop("Microsoft's clock"), theirs, ours)


def _tenant(registered: Registration, discovery: Discovery) -> Observation:
    """MICROSOFT_TENANT_ID may be a domain of a tenant that is not allowed."""
    named = tenant_of_issuer(discovery.issuer)
    allowed = registration.rules_for(registered).tenants
    if named == "{tenantid}" or named in allowed:
        return ok("online.tenant", issuer=discovery.issuer)
    listed = ", ".join(sorted(allowed))
    return fault("online.tenant", tenant=registered.tenant, named=named, allowed=listed)


def _keys(http: HttpClient, discovery: Discovery) -> Observation:
    try:
        answer = http.get_json(discovery.jwks_uri)
        count = len(read_keys(answer.body)) if answer.status == 200 else 0
    except Refused as refusal:
        return fault("online.keys", **refusal_facts(refusal))
    if not count:
        return fault("online.keys", **refusal_facts(NoUsableKeys(answer.body)))
    return ok("online.keys", count=count)


def _credential(
    http: HttpClient, registered: Registration, discovery: Discovery, tried: list[CheckedCredential]
) -> Iterator[Observation]:
    """Tries each; sign-in breaks only when none is accepted."""
    if not registered.credentials:
        none = Refused("not_configured", "credential: none")
        yield fault("online.secret_missing", **refusal_facts(none))
        return
    client = Client(http, discovery.token_endpoint, registered.client_id, registered.credentials)
    tried += check_all(client)
    used = first_good(tried)
    kind = "secret" if tried[0].credential.kind == "secret" else "credential"
    if used is None:
        yield _none_accepted(kind, registered, tried)
    else:
        yield from _each_credential(kind, tried, used)


def _none_accepted(
    kind: str, registered: Registration, tried: list[CheckedCredential]
) -> Observation:
    """By the refusal at which a sign-in stops trying; else by the last."""
    final = (
        checked
        for checked in tried
        if checked.refusal and checked.refusal.reason.code not in OF_THE_CREDENTIAL
    )
    last = next(final, tried[-1])
    refusal = last.refusal or Refused("unexpected")
    id_ = f"online.{kind}_unclear" if last.is_unclear else f"online.{kind}"
    label = last.credential.label
    return fault(id_, client_id=registered.client_id, label=label, **refusal_facts(refusal))


def _each_credential(kind: str, tried: list[CheckedCredential], used: int) -> Iterator[Observation]:
    """The one in use if it is the first, and what Microsoft says of those before and after it."""
    for number, checked in enumerate(tried):
        label, refusal = checked.credential.label, checked.refusal
        which = "_second" if number < used else "" if number == used else "_next"
        if refusal is None and used == 0:
            yield ok(f"online.{kind}{which}", label=label)
        elif refusal is not None and not checked.is_unclear:
            yield fault(f"online.{kind}{which}", code=refusal.reason.code, label=label)


def _redirect_uri(
    http: HttpClient, registered: Registration, discovery: Discovery
) -> Iterator[Observation]:
    """By an authorize request with `prompt=none` and without cookies, so nobody is signed in.

    Entra redirects to a registered URI with `login_required`; for an unknown one it shows a page of
    its own with AADSTS50011. All other parameters are those of a sign-in, so whatever else Entra
    refuses in them is registered as well.
    """
    url = _authorize_url(registered, discovery)
    headers = {"Accept": "text/html", "User-Agent": AGENT}
    try:
        page = reply_of(url, http.get_page(url, Deadline(_SECONDS), headers))
    except Refused as refusal:
        yield fault("online.authorize", **refusal_facts(refusal))
        return
    yield from _of_reply(registration.redirect_uri(), page)


def _authorize_url(registered: Registration, discovery: Discovery) -> str:
    secret = state.new_browser_secret()
    issued, text = state.issue(secret, state.ServedBy(conf.PUBLIC_URL, "doctor"), "")
    parameters = authorize_parameters(registered, secret, issued, text)
    joint = "&" if "?" in discovery.authorization_endpoint else "?"
    query = urlencode(parameters | {"prompt": "none"})
    return f"{discovery.authorization_endpoint}{joint}{query}"


def _of_reply(uri: str, page: Reply) -> Iterator[Observation]:
    if page.location.partition("?")[0] == uri:
        yield ok("online.redirect_uri", uri=uri)
        fields = dict(parse_qsl(urlsplit(page.location).query))
        if fields.get("error") not in _NOBODY_SIGNED_IN and "code" not in fields:
            yield fault("online.authorize", **refusal_facts(refusal_of(fields)))
        return
    numbers = [int(number) for number in dict.fromkeys(AADSTS.findall(page.text))]
    if numbers:  # Entra's own error page: people would never come back
        code, number = reason_for(numbers, "")
        about_uri = code == "redirect_uri_mismatch"
        id_ = "online.redirect_uri" if about_uri else "online.authorize"
        yield fault(id_, uri=uri, **refusal_facts(Refused(code, aadsts=number)))
    elif page.status >= 400:
        yield fault("online.redirect_uri_unclear", uri=uri, quote=page.quote)
    else:
        yield ok("online.redirect_uri", uri=uri)
