"""The token endpoint: who is the client, is its secret right, is the code good; then the tokens."""

import base64
import binascii
import secrets
from dataclasses import replace
from urllib.parse import unquote_plus

from . import assertions, codes, failures
from .codes import Grant
from .failures import Failure
from .id_token import For, mint
from .ids import real_tenant
from .people import Person
from .wire import Request, Response, json_response
from .world import World

KEPT_ACCESS_TOKENS = 1000
POST_ONLY = Failure(
    "invalid_request", 900561, "The endpoint only accepts POST requests. Received a GET request."
)
FORM_ONLY = Failure("invalid_request", 9002313, "Invalid request. Send a form in the body.")
GRANT_UNSUPPORTED = Failure("unsupported_grant_type", 70003, "The grant type is not supported.")

Form = dict[str, str]


def answer(world: World, request: Request, tenant: str) -> Response:
    """Entra looks at the client's secret before it looks at the code, and so do we."""
    form = dict(request.form)
    _basic(request, form)
    failure = _malformed(request, form, tenant) or _refuse_client(world, form, request, tenant)
    if failure:
        return failure.response(world.now())
    if form["grant_type"] == "client_credentials":
        return _of_the_app_itself(world, form)
    if form["grant_type"] != "authorization_code":
        return GRANT_UNSUPPORTED.response(world.now())
    return _redeem(world, request, form, tenant)


def _malformed(request: Request, form: Form, tenant: str) -> Failure | None:
    if request.method != "POST":
        return POST_ONLY
    kind = request.header("content-type") or ""
    if kind.partition(";")[0].strip() != "application/x-www-form-urlencoded":
        return FORM_ONLY
    names = [name for name, _ in request.form]
    for name in names:
        if names.count(name) > 1:
            return failures.field_repeated(name)
    if real_tenant(tenant) is None:
        return failures.tenant_not_found(tenant)
    missing = [name for name in ("grant_type", "client_id") if not form.get(name)]
    return failures.field_missing(missing[0]) if missing else None


def _of_the_app_itself(world: World, form: Form) -> Response:
    if not form.get("scope", "").endswith("/.default"):
        return failures.SCOPE_WITHOUT_DEFAULT.response(world.now())
    return json_response(_bearer(secrets.token_urlsafe(600)))


def _refuse_client(world: World, form: Form, request: Request, tenant: str) -> Failure | None:
    client_id, secret = form["client_id"], form.get("client_secret")
    client = world.clients.get(client_id)
    if client is None:
        return failures.client_unknown(client_id)
    if form.get("client_assertion"):
        return assertions.refuse(world, client, form, request, tenant)
    if not secret:
        return failures.SECRET_MISSING
    if secret in client.expired:
        return failures.secret_expired(client_id)
    return None if secret in client.secrets else failures.secret_wrong(client_id)


def _redeem(world: World, request: Request, form: Form, tenant: str) -> Response:
    code = form.get("code")
    if not code:
        return failures.field_missing("code").response(world.now())
    grant = world.codes.find(code)
    if grant is None:
        return failures.CODE_UNKNOWN.response(world.now())
    return _as_chosen(world, grant) or _redeem_grant(world, request, form, grant, tenant)


def _as_chosen(world: World, grant: Grant) -> Response | None:
    """What the person chose to meet instead of tokens; the code is not used up."""
    if grant.failure is not None:
        return grant.failure.response(world.now())
    if grant.answer is not None and grant.answer.instead:
        return grant.answer.change(grant.answer.alone(world.now()))
    return None


def _redeem_grant(
    world: World, request: Request, form: Form, grant: Grant, tenant: str
) -> Response:
    failure = codes.refuse(grant, form, tenant, world.now())
    if failure is None and not world.codes.use(form["code"]):
        failure = failures.CODE_USED
    if failure is not None:
        return failure.response(world.now())
    response = _tokens(world, request, grant)
    return response if grant.answer is None else grant.answer.change(response)


def _tokens(world: World, request: Request, grant: Grant) -> Response:
    about = For(grant.person, request.base, grant.client_id, grant.nonce, grant.claims)
    tamper = grant.tamper or world.tampers.take()
    access_token = secrets.token_urlsafe(600)
    if world.stock:
        access_token = _for_its_own_api(world, about)
        _remember(world, access_token, grant.person)
    return json_response({**_bearer(access_token), "id_token": mint(world, about, tamper)})


def _for_its_own_api(world: World, about: For) -> str:
    """A JWT, as Entra makes for a scope of the client's own; `upn` is an optional claim there."""
    claims = {**about.claims, "upn": about.person.preferred_username}
    return str(mint(world, replace(about, nonce=None, claims=claims)))


def _bearer(access_token: str) -> dict[str, object]:
    return {
        "token_type": "Bearer",
        "scope": "email openid profile",
        "expires_in": 4500,
        "ext_expires_in": 4500,
        "access_token": access_token,
    }


def _remember(world: World, access_token: str, person: Person) -> None:
    world.access_tokens[access_token] = person
    while len(world.access_tokens) > KEPT_ACCESS_TOKENS:
        world.access_tokens.pop(next(iter(world.access_tokens)))


def _basic(request: Request, form: Form) -> None:
    """client_secret_basic: the other way to say who the client is (RFC 6749, section 2.3.1)."""
    scheme, _, coded = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return
    try:
        client_id, _, secret = base64.b64decode(coded).decode().partition(":")
    except (binascii.Error, ValueError):
        return
    form.update(client_id=unquote_plus(client_id), client_secret=unquote_plus(secret))


def graph_me(world: World, request: Request) -> Response:
    """Microsoft Graph's /v1.0/me, which only stock clients ask, with the access token."""
    token = (request.header("authorization") or "").removeprefix("Bearer ")
    person = world.access_tokens.get(token)
    if person is None:
        return json_response({"error": {"code": "InvalidAuthenticationToken"}}, 401)
    fields = {"id": person.oid, "displayName": person.name, "mail": person.email}
    return json_response({**fields, "userPrincipalName": person.preferred_username})
