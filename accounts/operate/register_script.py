"""The app registration that this site needs, as a script for `az` or a manifest for the portal.

The script adds what is missing and removes nothing: run again, it changes nothing. Sources:
Microsoft Graph "application resource type", "Configure optional claims", and the reference of
`az ad app`, `az ad sp` and `az rest`.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from .. import registration
from ..conf import conf
from ..entra.credentials import Credential
from ..entra.credentials.managed_identity import ManagedIdentity, audience_of
from ..entra.credentials.proof import TokenFile, claims_of
from ..ids import is_guid
from ..models import RoleMapping
from ..reasons import Refused
from ..registration import Registration
from .microsoft_app_summary import federated
from .optional_claims import wanted
from .roles import check_value


@dataclass(frozen=True, slots=True)
class Plan:
    """The application's fields, and the script's variables for its credential."""

    name: str
    tenant: str
    client_id: str
    application: dict[str, Any]
    credential: dict[str, Any]


def plan(roles: Sequence[str] = ()) -> Plan:
    """The registration for these settings and the app in force.

    Its app roles are those of the mapping, and `roles`. Raises OperatorError.
    """
    for value in roles:
        check_value(value)
    try:
        found: Registration | None = registration.read_afresh()
    except Refused:
        found = None
    name = f"Staff sign-in of {_host()}"
    return Plan(
        name=name,
        tenant=found.tenant if found else conf.MICROSOFT_TENANT_ID,
        client_id=found.client_id if found else conf.MICROSOFT_CLIENT_ID,
        application=_application(name, _roles(roles)),
        credential=_credential(found.credentials[0]) if found and found.credentials else {},
    )


def manifest(made: Plan) -> str:
    """For the portal: App registrations > this app > Manifest (Microsoft Graph format)."""
    return json.dumps(made.application, indent=2)


def script(made: Plan) -> str:
    """For bash where `az` is signed in, such as Azure Cloud Shell."""
    quoted = {name: shlex.quote(getattr(made, name)) for name in ("name", "tenant", "client_id")}
    values = {**quoted, "manifest": manifest(made), **made.credential}
    return render_to_string("microsoft_admin/register.sh", values)


def _credential(credential: Credential) -> dict[str, Any]:
    """The script's variables for it; none for a secret, which the script makes itself."""
    certificate = getattr(credential, "certificate", None)
    if certificate is not None:
        sha1 = bytes.fromhex(certificate.portal_thumbprint)
        return {
            "certificate": certificate.public_pem.strip(),
            "thumbprint": certificate.portal_thumbprint,
            "thumbprint_in_base64": base64.b64encode(sha1).decode(),
        }
    if isinstance(credential, ManagedIdentity | TokenFile):
        return _federated(credential)
    return {}


def _federated(credential: ManagedIdentity | TokenFile) -> dict[str, Any]:
    """Issuer, subject and audience of its token.

    Without a token, the script finds a managed identity by its client ID.
    """
    try:
        token = federated(claims_of(credential.token()) or {})
    except Refused:
        token = federated({})
    subject, identity = token["subject"], getattr(credential, "client_id", "")
    name = "".join(c if c.isalnum() else "-" for c in _host())[:80]
    fields = {
        "name": f"{name}-{uuid5(NAMESPACE_URL, subject or identity).hex[:8]}",
        "audiences": [token["audience"] or audience_of(conf.MICROSOFT_LOGIN_URL)],
    }
    return {
        "fields": json.dumps(fields, indent=2),
        "found": bool(subject or identity),
        "issuer": shlex.quote(token["issuer"]),
        "subject": shlex.quote(subject),
        "identity": identity,
        "login_url": shlex.quote(conf.MICROSOFT_LOGIN_URL),
    }


def _host() -> str:
    return urlsplit(conf.PUBLIC_URL).hostname or "staff"


def _application(name: str, roles: Sequence[str]) -> dict[str, Any]:
    web: dict[str, Any] = {
        "redirectUris": [registration.redirect_uri()],
        "implicitGrantSettings": {
            "enableIdTokenIssuance": False,
            "enableAccessTokenIssuance": False,
        },
    }
    if logout := _logout_url():
        web["logoutUrl"] = logout
    several = len(conf.MICROSOFT_ALLOWED_TENANTS) > 1
    return {
        "displayName": name,
        "signInAudience": "AzureADMultipleOrgs" if several else "AzureADMyOrg",
        "web": web,
        "optionalClaims": {"idToken": [{"name": claim} for claim in wanted()]},
        "appRoles": [_role(value) for value in roles],
    }


def _roles(named: Sequence[str]) -> list[str]:
    """Mapped values that are GUIDs are object IDs of groups, and no roles."""
    mapped = RoleMapping.objects.order_by("value").values_list("value", flat=True)
    return list(dict.fromkeys([*named, *(value for value in mapped if not is_guid(value))]))


def _logout_url() -> str:
    try:
        return f"{conf.PUBLIC_URL}{reverse('staff_front_channel_logout')}"
    except NoReverseMatch:
        return ""


def _role(value: str) -> dict[str, Any]:
    """Its id is derived from its value, so that a second run finds the same role."""
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{conf.PUBLIC_URL}#{value}")),
        "allowedMemberTypes": ["User"],
        "displayName": value,
        "description": f"{value} of {_host()}",
        "isEnabled": True,
        "value": value,
    }
