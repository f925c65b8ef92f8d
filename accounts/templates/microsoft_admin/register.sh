{% autoescape off %}#!/usr/bin/env bash
# The app registration of {{ name }}: makes it, or adds what it lacks. Run twice, it changes nothing.
# Needs bash, python3 and az (Azure Cloud Shell has them), signed in as an Application
# Administrator, a Cloud Application Administrator, or an owner of the registration.
set -euo pipefail
NAME={{ name }}
TENANT={{ tenant }}
APP={{ client_id }}

graph="$(az cloud show --query endpoints.microsoftGraphResourceId -o tsv)"
graph="${graph%/}/v1.0"
here="$(az account show --query tenantId -o tsv)"
case "$TENANT" in *-*-*-*-*)
  [ "$here" = "$TENANT" ] || { echo "Signed in to $here: az login --tenant $TENANT" >&2; exit 1; };;
esac

if [ -z "$APP" ] || ! az ad app show --id "$APP" >/dev/null 2>&1; then
  APP="$(az ad app list --display-name "$NAME" --query "[?displayName=='$NAME'].appId" -o tsv)"
  case "$APP" in *$'\n'*) echo "Several apps have this name." >&2; exit 1;; esac
  [ -n "$APP" ] || APP="$(az ad app create --display-name "$NAME" --query appId -o tsv)"
fi
object="$(az ad app show --id "$APP" --query id -o tsv)"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat > "$work/wanted.json" <<'JSON'
{{ manifest }}
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
  az rest --method PATCH --uri "$graph/applications/$object" \
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

{% if certificate %}cat > "$work/certificate.pem" <<'PEM'
{{ certificate }}
PEM
there="$(az ad app credential list --id "$APP" --cert --query '[].customKeyIdentifier' -o tsv)"
# Thumbprints are written in hex by some versions of az, in base64 by others.
case "$there" in *{{ thumbprint }}* | *"{{ thumbprint_in_base64 }}"*) ;; *)
  az ad app credential reset --id "$APP" --cert "@$work/certificate.pem" --append >/dev/null
  echo "The certificate was added.";;
esac
{% elif not fields %}if [ "$(az ad app credential list --id "$APP" --query 'length(@)' -o tsv)" = "0" ]; then
  echo "The secret is shown this once; keep it in a vault, for this site:"
  az ad app credential reset --id "$APP" --append --display-name site --query password -o tsv
fi
{% elif not found %}echo "The token file cannot be read where this script was printed: print it in a pod." >&2
exit 1
{% else %}ISSUER={{ issuer }}
SUBJECT={{ subject }}
{% if identity %}if [ -z "$SUBJECT" ]; then
  ISSUER={{ login_url }}/$here/v2.0
  SUBJECT="$(az identity list --query "[?clientId=='{{ identity }}'].principalId" -o tsv)"
  [ -n "$SUBJECT" ] || { echo "No managed identity {{ identity }} in this subscription." >&2; exit 1; }
fi
{% endif %}cat > "$work/fields.json" <<'JSON'
{{ fields }}
JSON
python3 - "$work/fields.json" "$ISSUER" "$SUBJECT" > "$work/federated.json" <<'PYTHON'
import json, sys
print(json.dumps({**json.load(open(sys.argv[1])), "issuer": sys.argv[2], "subject": sys.argv[3]}))
PYTHON
there="$(az ad app federated-credential list --id "$APP" --query '[].[issuer,subject]' -o tsv)"
if ! printf '%s\n' "$there" | grep -Fxq "$ISSUER"$'\t'"$SUBJECT"; then
  az ad app federated-credential create --id "$APP" --parameters "@$work/federated.json" >/dev/null
  echo "The federated credential was added; it takes minutes to reach all of Microsoft."
fi
{% endif %}echo "MICROSOFT_CLIENT_ID=$APP"
echo "MICROSOFT_TENANT_ID=$here"
{% endautoescape %}
