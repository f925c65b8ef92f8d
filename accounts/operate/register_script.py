"""The app registration that this site needs, as one paste for Entra: a script for `az`, a manifest.

The script reads what is there, adds what is missing and writes only then: run twice, it changes
nothing. It takes nothing away. Sources: Microsoft Graph "application resource type", "Configure
optional claims", and the reference of `az ad app`, `az ad sp` and `az rest`.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

from django.urls import NoReverseMatch, reverse

from .. import registration
from ..conf import conf
from ..entra.credentials.managed_identity import audience_of
from ..entra.credentials.proof import TokenFile, claims_of
from ..ids import is_guid
from ..models import RoleMapping
from ..reasons import Refused
from ..registration import Registration
from .optional_claims import wanted
from .roles import check_value


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make. `certificate` is its public part as PEM, `federated` a credential's fields."""

    name: str
    tenant: str
    client_id: str
    application: dict[str, Any]
    kind: str
    certificate: str = ""
    thumbprint: str = ""
    federated: dict[str, Any] = field(default_factory=dict)


def plan(roles: Sequence[str] = ()) -> Plan:
    """The registration as the settings and the app in force ask for it.

    Its app roles are those of the mapping, and `roles`. Raises OperatorError.
    """
    for value in roles:
        check_value(value)
    try:
        found: Registration | None = registration.read_afresh()
    except Refused:
        found = None
    name = _name()
    kind = found.credentials[0].kind if found and found.credentials else "secret"
    certificate, thumbprint = _certificate(found)
    return Plan(
        name=name,
        tenant=found.tenant if found else conf.MICROSOFT_TENANT_ID,
        client_id=found.client_id if found else conf.MICROSOFT_CLIENT_ID,
        application=_application(name, _roles(roles)),
        kind=kind,
        certificate=certificate,
        thumbprint=thumbprint,
        federated=_federated(found),
    )


def manifest(made: Plan) -> str:
    """For the portal: App registrations > this app > Manifest (Microsoft Graph format)."""
    return json.dumps(made.application, indent=2)


def script(made: Plan) -> str:
    """For bash where `az` is signed in, such as Azure Cloud Shell."""
    values = {
        "NAME": shlex.quote(made.name),
        "TENANT": shlex.quote(made.tenant),
        "CLIENT_ID": shlex.quote(made.client_id),
        "WANTED": json.dumps(made.application, indent=2),
        "CREDENTIAL": "\n".join(_credential(made)),
    }
    # In one pass: what stands in a value is no place for another.
    return re.sub("<<([A-Z_]+)>>", lambda place: values[place[1]], _SCRIPT)


def _name() -> str:
    host = urlsplit(conf.PUBLIC_URL).hostname or "staff"
    return f"Staff sign-in of {host}"


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
    """A mapped value that is a GUID is a group's object id, which is no role."""
    mapped = RoleMapping.objects.order_by("value").values_list("value", flat=True)
    return list(dict.fromkeys([*named, *(value for value in mapped if not is_guid(value))]))


def _logout_url() -> str:
    try:
        return f"{conf.PUBLIC_URL}{reverse('staff_front_channel_logout')}"
    except NoReverseMatch:
        return ""


def _role(value: str) -> dict[str, Any]:
    """Its id comes from its value, so that a second run means the same role."""
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{conf.PUBLIC_URL}#{value}")),
        "allowedMemberTypes": ["User"],
        "displayName": value,
        "description": f"{value} of {urlsplit(conf.PUBLIC_URL).hostname}",
        "isEnabled": True,
        "value": value,
    }


def _certificate(found: Registration | None) -> tuple[str, str]:
    for credential in found.credentials if found else ():
        certificate = getattr(credential, "certificate", None)
        if certificate is not None:
            return certificate.public_pem, certificate.portal_thumbprint
    return "", ""


def _federated(found: Registration | None) -> dict[str, Any]:
    for credential in found.credentials if found else ():
        if isinstance(credential, TokenFile) or credential.kind == "managed_identity":
            return _of_token(credential)
    return {}


def _of_token(credential: Any) -> dict[str, Any]:
    """Issuer, subject and audience of the token itself.

    Where it cannot be had here, the script finds a managed identity by its client id.
    """
    try:
        claims = claims_of(credential.token()) or {}
    except Refused:
        claims = {}
    subject = str(claims.get("sub", ""))
    host = urlsplit(conf.PUBLIC_URL).hostname or "site"
    name = "".join(c if c.isalnum() else "-" for c in host)[:80]
    of_whom = subject or getattr(credential, "client_id", "")
    return {
        "name": f"{name}-{uuid5(NAMESPACE_URL, of_whom).hex[:8]}",
        "issuer": claims.get("iss", ""),
        "subject": subject,
        "audiences": [claims.get("aud", audience_of(conf.MICROSOFT_LOGIN_URL))],
        "identity": getattr(credential, "client_id", ""),
    }


def _credential(made: Plan) -> Iterator[str]:
    if made.kind == "certificate":
        sha1 = base64.b64encode(bytes.fromhex(made.thumbprint)).decode()
        text = _CERTIFICATE.replace("<<PEM>>", made.certificate.strip())
        yield text.replace("<<THUMBPRINT>>", made.thumbprint).replace("<<BASE64>>", sha1)
    elif made.federated:
        yield from _federated_credential(made)
    else:
        yield _NEW_SECRET


def _federated_credential(made: Plan) -> Iterator[str]:
    fields = dict(made.federated)
    identity = fields.pop("identity")
    if not fields["subject"] and not identity:
        yield _NOT_HERE
        return
    yield f"ISSUER={shlex.quote(fields.pop('issuer'))}"
    yield f"SUBJECT={shlex.quote(fields.pop('subject'))}"
    if identity:
        login = shlex.quote(conf.MICROSOFT_LOGIN_URL)
        yield _IDENTITY.replace("<<CLIENT>>", identity).replace("<<LOGIN>>", login)
    yield _FEDERATED.replace("<<JSON>>", json.dumps(fields, indent=2))


_SCRIPT: Final = """\
#!/usr/bin/env bash
# The app registration of <<NAME>>: makes it, or adds what it lacks. Run twice, it changes nothing.
# Needs bash, python3 and az (Azure Cloud Shell has them), signed in as an Application
# Administrator, a Cloud Application Administrator, or an owner of the registration.
set -euo pipefail
NAME=<<NAME>>
TENANT=<<TENANT>>
APP=<<CLIENT_ID>>

graph="$(az cloud show --query endpoints.microsoftGraphResourceId -o tsv)"
graph="${graph%/}/v1.0"
here="$(az account show --query tenantId -o tsv)"
case "$TENANT" in *-*-*-*-*)
  [ "$here" = "$TENANT" ] || { echo "Signed in to $here: az login --tenant $TENANT" >&2; exit 1; };;
esac

if [ -z "$APP" ] || ! az ad app show --id "$APP" >/dev/null 2>&1; then
  APP="$(az ad app list --display-name "$NAME" --query "[?displayName=='$NAME'].appId" -o tsv)"
  case "$APP" in *$'\\n'*) echo "Several apps have this name." >&2; exit 1;; esac
  [ -n "$APP" ] || APP="$(az ad app create --display-name "$NAME" --query appId -o tsv)"
fi
object="$(az ad app show --id "$APP" --query id -o tsv)"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat > "$work/wanted.json" <<'JSON'
<<WANTED>>
JSON
az rest --method GET --uri "$graph/applications/$object" > "$work/found.json"
python3 - "$work" <<'PYTHON'
import json, sys
folder = sys.argv[1]
wanted, found = (json.load(open(f"{folder}/{name}.json")) for name in ("wanted", "found"))
def key(item):
    if not isinstance(item, dict):
        return item
    return ("role", item["value"]) if "value" in item else ("claim", item.get("name"))
def merged(want, have):
    if isinstance(want, dict):
        have = have or {}
        return {**have, **{name: merged(value, have.get(name)) for name, value in want.items()}}
    if isinstance(want, list):
        names = [key(item) for item in have or []]
        return [*(have or []), *(item for item in want if key(item) not in names)]
    return want
del wanted["displayName"]
changed = {name: new for name, value in wanted.items()
           if (new := merged(value, found.get(name))) != found.get(name)}
if changed:
    json.dump(changed, open(f"{folder}/change.json", "w"))
PYTHON
if [ -e "$work/change.json" ]; then
  az rest --method PATCH --uri "$graph/applications/$object" \\
    --headers Content-Type=application/json --body "@$work/change.json"
  echo "The app registration was brought up to date."
fi

if ! az ad sp show --id "$APP" >/dev/null 2>&1; then
  az ad sp create --id "$APP" >/dev/null
fi
if [ "$(az ad sp show --id "$APP" --query appRoleAssignmentRequired -o tsv)" != "true" ]; then
  az ad sp update --id "$APP" --set appRoleAssignmentRequired=true
  echo "Only people who are assigned may use it: Enterprise applications > Users and groups."
fi

<<CREDENTIAL>>
echo "MICROSOFT_CLIENT_ID=$APP"
echo "MICROSOFT_TENANT_ID=$here"
"""
_NEW_SECRET: Final = """\
if [ "$(az ad app credential list --id "$APP" --query 'length(@)' -o tsv)" = "0" ]; then
  echo "The secret is shown this once; keep it in a vault, for this site:"
  az ad app credential reset --id "$APP" --append --display-name site --query password -o tsv
fi"""  # noqa: S105
_CERTIFICATE: Final = """\
cat > "$work/certificate.pem" <<'PEM'
<<PEM>>
PEM
there="$(az ad app credential list --id "$APP" --cert --query '[].customKeyIdentifier' -o tsv)"
# Thumbprints are written in hex by some versions of az, in base64 by others.
case "$there" in *<<THUMBPRINT>>* | *"<<BASE64>>"*) ;; *)
  az ad app credential reset --id "$APP" --cert "@$work/certificate.pem" --append >/dev/null
  echo "The certificate was added.";;
esac"""
_NOT_HERE: Final = """\
echo "The token file cannot be read where this script was printed: print it in a pod." >&2
exit 1"""
_IDENTITY: Final = """\
if [ -z "$SUBJECT" ]; then
  ISSUER=<<LOGIN>>/$here/v2.0
  SUBJECT="$(az identity list --query "[?clientId=='<<CLIENT>>'].principalId" -o tsv)"
  [ -n "$SUBJECT" ] || { echo "No managed identity <<CLIENT>> in this subscription." >&2; exit 1; }
fi"""
_FEDERATED: Final = """\
cat > "$work/fields.json" <<'JSON'
<<JSON>>
JSON
python3 - "$work/fields.json" "$ISSUER" "$SUBJECT" > "$work/federated.json" <<'PYTHON'
import json, sys
print(json.dumps({**json.load(open(sys.argv[1])), "issuer": sys.argv[2], "subject": sys.argv[3]}))
PYTHON
there="$(az ad app federated-credential list --id "$APP" --query '[].[issuer,subject]' -o tsv)"
if ! printf '%s\\n' "$there" | grep -Fxq "$ISSUER"$'\\t'"$SUBJECT"; then
  az ad app federated-credential create --id "$APP" --parameters "@$work/federated.json" >/dev/null
  echo "The federated credential was added; it takes minutes to reach all of Microsoft."
fi"""
