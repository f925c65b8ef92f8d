"""The metadata document and the signing keys, in Entra's shape."""

from typing import Any

from . import failures
from .ids import TEMPLATES, real_tenant
from .wire import Request, Response, json_response
from .world import World

CACHED = {"Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*"}


def document(world: World, request: Request, tenant: str) -> Response:
    """Under a verified domain the issuer is still the tenant's GUID."""
    real = real_tenant(tenant)
    if real is None:
        return failures.tenant_not_found(tenant).response(world.now())
    found = _metadata(world, request.base, tenant, real)
    if _app(request):
        found["jwks_uri"] += f"?appid={_app(request)}"
    return json_response(found, headers=CACHED)


def signing_keys(world: World, request: Request, tenant: str) -> Response:
    real = real_tenant(tenant)
    if real is None:
        return failures.tenant_not_found(tenant).response(world.now())
    extra = {
        "cloud_instance_name": "microsoftonline.com",
        "issuer": issuer_of(request.base, real),
    }
    custom = world.keys.custom if _app(request) else None
    keys = [{**key.jwk, **extra} for key in ([custom] if custom else world.keys.published)]
    return json_response({"keys": keys}, headers=CACHED)


def _app(request: Request) -> str:
    """The app whose own metadata is asked for."""
    return dict(request.fields).get("appid", "")


def stranger_keys(world: World, request: Request) -> Response:
    """Where a forged token's `jku` points; nobody should ever ask."""
    return json_response({"keys": [world.keys.stranger.jwk]})


def issuer_of(base: str, tenant: str) -> str:
    """The issuer of a tenant, or the template that stands for any."""
    return f"{base}/{'{tenantid}' if tenant in TEMPLATES else tenant}/v2.0"


def _metadata(world: World, base: str, tenant: str, real: str) -> dict[str, Any]:
    return {
        "token_endpoint": world.url(base, tenant, "token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "jwks_uri": world.url(base, tenant, "jwks"),
        "response_modes_supported": ["query", "fragment"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer_of(base, real),
        "request_uri_parameter_supported": False,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "authorization_endpoint": world.url(base, tenant, "authorize"),
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": world.url(base, tenant, "logout"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "tid", "ver"],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }
