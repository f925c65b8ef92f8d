"""What only Microsoft can tell: is it reachable, are the tenant, the secret, the redirect right?

Reads the registration afresh and asks Microsoft anew: no cache of ours may hide what changed.
Nothing that Microsoft sent is shown, save matched numbers.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.conf import settings
from django.db import DatabaseError
from django.views.decorators.debug import sensitive_variables

from accounts import registration
from accounts.entra.errors import reason_for, refusal_of
from accounts.entra.jwks import read_keys
from accounts.entra.metadata import Discovery, authority_origin, document_url, read_discovery
from accounts.http.client import get_client
from accounts.http.deadline import Deadline
from accounts.ids import AADSTS, tenant_of_issuer
from accounts.operate.doctor.finding import Seen, because, fault, well
from accounts.operate.doctor.probes import app, clock
from accounts.operate.doctor.visit.browser import AGENT, Reply, reply_of
from accounts.reasons import Refused
from accounts.signin import state
from accounts.web.provider import authorize_parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.http.answer import JsonResponse
    from accounts.http.client import HttpClient
    from accounts.registration import Registration

_OF_CLIENT: Final = (
    "client_secret_wrong",
    "client_secret_expired",
    "client_unknown",
    "tenant_not_found",
)
# A second secret takes over from the first in these cases only, in sign-ins too.
_NEXT_HELPS: Final = ("client_secret_wrong", "client_secret_expired")
_UNCLEAR: Final = ("microsoft_unreachable", "microsoft_throttled")
_SECONDS: Final = 8.0
# Nobody is signed in: these say that all is well so far.
_SILENT: Final = ("login_required", "interaction_required", "account_selection_required")


def look() -> Iterator[Seen]:
    """Ask Microsoft everything that a sign-in will ask."""
    try:
        found = registration.read_afresh()
    except (Refused, DatabaseError) as problem:
        away = Refused("database_unavailable", type(problem).__name__)
        refusal = problem if isinstance(problem, Refused) else away
        yield fault(app.IN_FORCE, title="No app registration is in force", **because(refusal))
        return
    http, url = (
        get_client(),
        document_url(settings.MICROSOFT_LOGIN_URL, found.tenant, found.client_id),
    )
    try:
        answer, discovery, middle = _ask(http, url, found.tenant)
    except Refused as refusal:
        yield fault("online.discovery", url=url, **because(refusal))
        return
    yield well("online.discovery", ms=answer.elapsed_ms, url=url)
    yield from _clock(answer, middle)
    yield _tenant(found, discovery)
    yield _keys(http, discovery)
    yield _secret(http, found, discovery)
    yield from _redirect_uri(http, found, discovery)


def _ask(http: HttpClient, url: str, tenant: str) -> tuple[JsonResponse, Discovery, float]:
    """The document, and our time in the middle of asking. Raises Refused."""
    began = time.time()
    answer = http.get_json(url)
    middle = (began + time.time()) / 2
    if answer.status != 200:
        raise refusal_of(answer.body)
    home = authority_origin(settings.MICROSOFT_LOGIN_URL)
    return answer, read_discovery(answer.body, home, tenant), middle


def _clock(answer: JsonResponse, middle: float) -> Iterator[Seen]:
    """The Date header has no fractions: half a second is its middle."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp() + 0.5
    except ValueError:
        return
    yield clock.compare("microsoft", "Microsoft's clock", theirs, middle)


def _tenant(found: Registration, discovery: Discovery) -> Seen:
    """A domain may belong to another tenant than the one that is allowed."""
    named = tenant_of_issuer(discovery.issuer)
    allowed = registration.rules_for(found).tenants
    if named == "{tenantid}" or named in allowed:
        return well("online.tenant", issuer=discovery.issuer)
    listed = ", ".join(sorted(allowed))
    return fault("online.tenant", tenant=found.tenant, named=named, allowed=listed)


def _keys(http: HttpClient, discovery: Discovery) -> Seen:
    try:
        answer = http.get_json(discovery.jwks_uri)
        count = len(read_keys(answer.body)) if answer.status == 200 else 0
    except Refused as refusal:
        return fault("online.keys", **because(refusal))
    if not count:
        none = Refused("microsoft_unreachable", f"keys: HTTP {answer.status}, none can be used")
        return fault("online.keys", **because(none))
    return well("online.keys", count=count)


@sensitive_variables()
def _secret(http: HttpClient, found: Registration, discovery: Discovery) -> Seen:
    """Try each secret; sign-in breaks only when none is good.

    A token request for the app itself proves it, and nobody is bothered: the client credentials
    grant with scope `CLIENT_ID/.default` needs no permission and no Graph, in any cloud. Entra
    authenticates the client before it looks at what is asked for, so every answer but a refusal
    of the client shows that the secret is good: with "assignment required" on, as it should be,
    the answer is such a refusal (AADSTS501051). The token is thrown away unread.
    """
    refusals: list[Refused] = []
    for secret in found.secrets:
        refusal = _try(http, found.client_id, secret, discovery.token_endpoint)
        if refusal is None:
            return _good(refusals)
        refusals.append(refusal)
        if refusal.reason.code not in _NEXT_HELPS:
            break
    if not refusals:
        return fault("online.secret_missing", **because(Refused("not_configured", "secret: none")))
    last = refusals[-1]
    unclear = last.reason.code in _UNCLEAR
    id_ = "online.secret_unclear" if unclear else "online.secret"
    return fault(id_, client_id=found.client_id, **because(last))


def _good(refusals: list[Refused]) -> Seen:
    if refusals:
        return fault("online.secret_second", code=refusals[0].reason.code)
    return well("online.secret")


@sensitive_variables()
def _try(http: HttpClient, client_id: str, secret: str, endpoint: str) -> Refused | None:
    """None when the secret is good."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
        "scope": f"{client_id}/.default",
    }
    try:
        answer = http.post_form(endpoint, fields)
    except Refused as unclear:
        return unclear
    if answer.status == 200:
        return None
    refusal = refusal_of(answer.body)
    about_client = answer.body.get("error") == "invalid_client"
    return refusal if about_client or refusal.reason.code in _OF_CLIENT + _UNCLEAR else None


def _redirect_uri(http: HttpClient, found: Registration, discovery: Discovery) -> Iterator[Seen]:
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
    yield from _judge(found.redirect_uri, page)


def _authorize_url(found: Registration, discovery: Discovery) -> str:
    secret = state.new_browser_secret()
    issued, text = state.issue(secret, state.ServedBy(settings.PUBLIC_URL, "doctor"), "")
    parameters = authorize_parameters(found, secret, issued, text)
    joint = "&" if "?" in discovery.authorization_endpoint else "?"
    query = urlencode(parameters | {"prompt": "none"})
    return f"{discovery.authorization_endpoint}{joint}{query}"


def _judge(uri: str, page: Reply) -> Iterator[Seen]:
    if page.location.partition("?")[0] == uri:
        yield well("online.redirect_uri", uri=uri)
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
        yield well("online.redirect_uri", uri=uri)
