"""Values that are nearly right: another form, another list, another thing of the same look."""

from tests.faults.fault import GETS_IN, NO_START, START_UP, Fault
from tests.faults.stage import UNKNOWN
from tests.servers.environment import CLIENT_ID, SECRET_KEY, TENANT

EXAMPLE = 'the output of: python -c "import secrets; print(secrets.token_urlsafe(64))"'


def stops(sentence: str, variable: str, value: str, says: str, **more: str) -> Fault:
    """One variable's value stops the start; the message begins with its name."""
    set_up = f"`{variable}={value.encode('unicode_escape').decode()}`."
    env = {variable: value, **more}
    says = f"{variable} {says}"
    return Fault(sentence, set_up, page=NO_START, doctor=START_UP, says=says, env=env)


# PUBLIC_URL

trailing_dot = stops(
    "PUBLIC_URL's host ends in a dot",
    "PUBLIC_URL",
    "https://staff.example.com.",
    "names no host: 'https://staff.example.com.': leave the dot at its end out",
)
wildcard = stops("PUBLIC_URL is a wildcard", "PUBLIC_URL", "https://*.example.com", "names no host")
scheme_twice = stops(
    "PUBLIC_URL has its scheme twice",
    "PUBLIC_URL",
    "https://https://staff.example.com",
    "must have https:// once",
)
one_slash = stops(
    "PUBLIC_URL lacks a slash", "PUBLIC_URL", "https:/staff.example.com", "must have https:// once"
)
a_list = stops(
    "PUBLIC_URL is a list",
    "PUBLIC_URL",
    "https://staff.example.com,https://www.example.com",
    "must be one address, not a list",
)
umlaut = stops(
    "PUBLIC_URL's host has an umlaut",
    "PUBLIC_URL",
    "https://m\u00fcller.example",
    "must have its host in ASCII, as browsers send it: https://xn--mller-kva.example",
)
listens_on = stops(
    "PUBLIC_URL is the address that gunicorn listens on",
    "PUBLIC_URL",
    "https://0.0.0.0:8000",
    "has the address to listen on (0.0.0.0)",
)

# Identifiers

no_hyphens = stops(
    "The client ID lacks its hyphens",
    "MICROSOFT_CLIENT_ID",
    UNKNOWN.replace("-", ""),
    f"must be a GUID, not '{UNKNOWN.replace('-', '')}': write {UNKNOWN}",
)
dashes = stops(
    "The client ID was copied from a text with typographic dashes",
    "MICROSOFT_CLIENT_ID",
    UNKNOWN.replace("-", "\u2013"),
    f"must be a GUID, not a text of 36 characters: write {UNKNOWN}, with plain hyphens",
)
digit_short = stops(
    "The client ID lost its last digit",
    "MICROSOFT_CLIENT_ID",
    UNKNOWN[:-1],
    "must be a GUID, not a text of 35 characters: it has 31 digits, a GUID 32",
)
two_ids = stops(
    "There are two client IDs in one variable",
    "MICROSOFT_CLIENT_ID",
    f"{CLIENT_ID},{UNKNOWN}",
    "has several GUIDs, where one belongs",
)
apps_for_tenant = stops(
    "The tenant is the app's ID",
    "MICROSOFT_CLIENT_ID",
    CLIENT_ID,
    "is the tenant's ID, or MICROSOFT_TENANT_ID the app's",
    MICROSOFT_TENANT_ID=CLIENT_ID,
)
identity_is_the_app = stops(
    "The managed identity is the app registration",
    "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID",
    CLIENT_ID,
    "is the app registration's or the tenant's ID",
    MICROSOFT_CLIENT_SECRET="",
)

# Lists

semicolons = stops(
    "The allowed tenants are divided by semicolons",
    "MICROSOFT_ALLOWED_TENANTS",
    f"{TENANT};{UNKNOWN}",
    "must have commas between its entries",
)
json_list = stops(
    "The allowed tenants are a list of JSON",
    "MICROSOFT_ALLOWED_TENANTS",
    f'["{TENANT}"]',
    "must have commas between its entries, and no brackets or quotes",
)
fallbacks = stops(
    "The former keys are divided by a semicolon",
    "SECRET_KEY_FALLBACKS",
    f"{SECRET_KEY[::-1]};{SECRET_KEY.upper()}",
    "must have commas between its entries",
)
host_star = stops(
    "ALLOWED_HOSTS has a star before a domain",
    "ALLOWED_HOSTS",
    "*.example.com",
    "must name all hosts of a domain as '.example.com'",
)
hosts_spaces = stops(
    "ALLOWED_HOSTS is divided by spaces",
    "ALLOWED_HOSTS",
    "a.example.com b.example.com",
    "must have commas between its entries",
)
hosts_port = stops(
    "ALLOWED_HOSTS has a port",
    "ALLOWED_HOSTS",
    "a.example.com:8000",
    "must list host names without",
)
all_paths = stops(
    "STAFF_PATHS is the whole site",
    "STAFF_PATHS",
    "/",
    "must name parts of the site, not all of it",
)

# What is no client secret, and what is no key

portal_hides = stops(
    "The client secret is as the portal hides it",
    "MICROSOFT_CLIENT_SECRET",
    "abc******************",
    "is hidden by the portal: a value is shown once only",
)
percent_encoded = stops(
    "The client secret is percent-encoded",
    "MICROSOFT_CLIENT_SECRET",
    "abc8Q%7Edefghijklmnopqrstuvwxyz0123456789",
    "is percent-encoded",
)
entity = stops(
    "The client secret was copied out of a page's source",
    "MICROSOFT_CLIENT_SECRET",
    "abc8Q~def&lt;ghijklmnopqrstuvwxyz01234567",
    "has &lt; where < is meant",
)
json_secret = stops(
    "The client secret is the answer of az",
    "MICROSOFT_CLIENT_SECRET",
    '{"password":"abc8Q~defghijklmnopqrstuvwxyz0123456789"}',
    "is JSON: take the secret's value alone",
)
thumbprint = stops(
    "The client secret is a certificate's thumbprint",
    "MICROSOFT_CLIENT_SECRET",
    "A1B2C3D4E5F60718293A4B5C6D7E8F9012345678",
    "is a certificate's thumbprint",
)
pem = stops(
    "The client secret is a private key",
    "MICROSOFT_CLIENT_SECRET",
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
    "is a certificate or key",
)
a_token = stops(
    "The client secret is a token",
    "MICROSOFT_CLIENT_SECRET",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
    "is a token, not a secret",
)
id_in_braces = stops(
    "The client secret is the secret's ID in braces",
    "MICROSOFT_CLIENT_SECRET",
    f"{{{UNKNOWN}}}",
    "looks like the secret's ID",
)
examples_key = stops(
    "SECRET_KEY is the example of the documentation",
    "SECRET_KEY",
    EXAMPLE,
    "is the example of the documentation",
)

# Microsoft's host

old_alias = stops(
    "MICROSOFT_LOGIN_URL is a former name of Microsoft's",
    "MICROSOFT_LOGIN_URL",
    "https://login.windows.net",
    "is not the authority's own host: write https://login.microsoftonline.com",
)
issuer_host = stops(
    "MICROSOFT_LOGIN_URL is the issuer of other tokens",
    "MICROSOFT_LOGIN_URL",
    "https://sts.windows.net",
    "is not the authority's own host: write https://login.microsoftonline.com",
)
old_china = stops(
    "MICROSOFT_LOGIN_URL is China's former host",
    "MICROSOFT_LOGIN_URL",
    "https://login.chinacloudapi.cn",
    "is not the authority's own host: write https://login.partner.microsoftonline.cn",
)
graph = stops(
    "MICROSOFT_LOGIN_URL is Microsoft Graph's",
    "MICROSOFT_LOGIN_URL",
    "https://graph.microsoft.us",
    "is not the authority's own host: write https://login.microsoftonline.us",
)
own_address = stops(
    "MICROSOFT_LOGIN_URL is the site's own address",
    "MICROSOFT_LOGIN_URL",
    "https://staff.example.com",
    "is this site's own address",
)

# Stores

single_server = stops(
    "DATABASE_URL has the user as Azure's former Single Server wanted it",
    "DATABASE_URL",
    "postgres://site%40contoso:word@contoso.postgres.database.azure.com/site",
    "has the user of Azure's former Single Server: leave @contoso out",
)
database_slash = stops(
    "DATABASE_URL lacks a slash", "DATABASE_URL", "postgres:/u:word@db/site", "must start with"
)
database_path = stops(
    "DATABASE_URL ends in a slash",
    "DATABASE_URL",
    "postgres://u:word@db/site/",
    "must end in one database's name",
)
database_timeout = stops(
    "An option of DATABASE_URL is no number",
    "DATABASE_URL",
    "postgres://u:word@db/site?connect_timeout=5s",
    "has an option connect_timeout that is no number",
)
key_as_user = stops(
    "The key in REDIS_URL stands where the user does",
    "REDIS_URL",
    "rediss://AbCdEf%3D@contoso.redis.cache.windows.net:6380/0",
    "has a user and no password: a key alone follows a colon",
)
managed_without_tls = stops(
    "REDIS_URL leads to Azure Managed Redis without TLS",
    "REDIS_URL",
    "redis://:word@contoso.westeurope.redis.azure.net:10000/0",
    "must start with rediss://",
)
certificate_flag = stops(
    "An option of REDIS_URL is Python's, not redis-py's",
    "REDIS_URL",
    "rediss://:word@cache.internal:6380/0?ssl_cert_reqs=CERT_REQUIRED",
    "has ssl_cert_reqs=CERT_REQUIRED: one of none, optional, required",
)

# Names

app_setting = stops(
    "A variable has App Service's own prefix",
    "SECRET_KEY",
    "",
    "is required when DEBUG is not true; not read: APPSETTING_SECRET_KEY",
    APPSETTING_SECRET_KEY=SECRET_KEY,
)
social_auth = stops(
    "The tenant has the name that social-auth gives it",
    "MICROSOFT_TENANT_ID",
    "",
    "is required when DEBUG is not true; not read: SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_TENANT_ID",
    SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_TENANT_ID=TENANT,
)
database_parts = stops(
    "The database is named in parts",
    "DATABASE_URL",
    "",
    "is required when DEBUG is not true; not read: POSTGRES_HOST",
    POSTGRES_HOST="db",
)
djangos_own = Fault(
    "A setting of Django's is given as a variable",
    "CSRF_TRUSTED_ORIGINS is set; it follows from PUBLIC_URL.",
    env={"CSRF_TRUSTED_ORIGINS": "https://other.example.com"},
    page=GETS_IN,
    log="CSRF_TRUSTED_ORIGINS is set, but not read",
    doctor="accounts.W007",
    says="CSRF_TRUSTED_ORIGINS is set, but not read: PUBLIC_URL is",
)
