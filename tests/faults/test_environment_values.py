"""Values and names that stop the start: the site and doctor name the variable and what is wrong."""

from datetime import UTC, datetime, timedelta

from tests.faults.fault import GETS_IN, NO_START, START_UP, Fault
from tests.faults.stage import UNKNOWN, Stage
from tests.servers.environment import SECRET_KEY, TENANT


def wrong(sentence: str, says: str, **env: str) -> Fault:
    """A fault of the environment alone."""
    shown = ", ".join(f"{name}={value}" for name, value in env.items())
    set_up = f"`{shown.encode('unicode_escape').decode()}`."
    return Fault(sentence, set_up, page=NO_START, doctor=START_UP, says=says, env=env)


# References that a host did not resolve

key_vault = wrong(
    "SECRET_KEY is a Key Vault reference that App Service did not resolve",
    "SECRET_KEY is a Key Vault reference that the host did not resolve",
    SECRET_KEY="@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/key/)",
)
key_vault_secret = wrong(
    "The client secret is a Key Vault reference that App Service did not resolve",
    "MICROSOFT_CLIENT_SECRET is a Key Vault reference that the host did not resolve",
    MICROSOFT_CLIENT_SECRET="@Microsoft.KeyVault(VaultName=contoso;SecretName=client-secret)",
)
key_vault_fallback = wrong(
    "A fallback key is a Key Vault reference that App Service did not resolve",
    "SECRET_KEY_FALLBACKS is a Key Vault reference",
    SECRET_KEY_FALLBACKS="@Microsoft.KeyVault(VaultName=contoso;SecretName=former-key)",
)
app_configuration = wrong(
    "REDIS_URL is an App Configuration reference that was not resolved",
    "REDIS_URL is an App Configuration reference that the host did not resolve",
    REDIS_URL="@Microsoft.AppConfiguration(Endpoint=https://contoso.azconfig.io; Key=redis)",
)
aws_secret = wrong(
    "DATABASE_URL is the name of a secret of AWS",
    "DATABASE_URL is a reference to a secret store, not the secret",
    DATABASE_URL="arn:aws:secretsmanager:eu-west-1:123456789012:secret:site-a1B2c3",
)
google_secret = wrong(
    "SECRET_KEY is the name of a secret of Google Cloud",
    "SECRET_KEY is a reference to a secret store, not the secret",
    SECRET_KEY="projects/123456789012/secrets/secret-key-of-the-site/versions/latest",
)
one_password = wrong(
    "The client secret is a reference of 1Password",
    "MICROSOFT_CLIENT_SECRET is a reference to a secret store",
    MICROSOFT_CLIENT_SECRET="op://staff/site/client-secret",
)
shell_variable = wrong(
    "The database's password is a variable that nothing replaced",
    "DATABASE_URL is a variable's name that nothing replaced by its value",
    DATABASE_URL="postgres://site:${DB_PASSWORD}@127.0.0.1/site",
)
pipeline_variable = wrong(
    "The tenant is a variable of Azure Pipelines that nothing replaced",
    "MICROSOFT_TENANT_ID is a variable's name that nothing replaced",
    MICROSOFT_TENANT_ID="$(TenantId)",
)
token_of_a_release = wrong(
    "PUBLIC_URL has a token that the release did not replace",
    "PUBLIC_URL is a variable's name that nothing replaced",
    PUBLIC_URL="https://#{Host}#",
)
github_secret = wrong(
    "The client secret is an expression of GitHub Actions",
    "MICROSOFT_CLIENT_SECRET is a variable's name that nothing replaced",
    MICROSOFT_CLIENT_SECRET="${{ secrets.CLIENT_SECRET }}",
)
windows_variable = wrong(
    "REDIS_URL is a variable as Windows writes it",
    "REDIS_URL is a variable's name that nothing replaced",
    REDIS_URL="%REDIS_URL%",
)
encrypted = wrong(
    "SECRET_KEY is still encrypted by sops",
    "SECRET_KEY is encrypted: it must be decrypted before it comes here",
    SECRET_KEY="ENC[AES256_GCM,data:Zm9vYmFyYmF6,iv:cXV1eA==,tag:Y29yZ2U=,type:str]",
)

# What was never filled in, or pasted with something around it

placeholder = wrong(
    "The tenant is a placeholder",
    "MICROSOFT_TENANT_ID is a placeholder",
    MICROSOFT_TENANT_ID="<your-tenant>",
)
changeme = wrong(
    "The client secret is changeme",
    "MICROSOFT_CLIENT_SECRET is a placeholder",
    MICROSOFT_CLIENT_SECRET="changeme",
)
exes = wrong(
    "The client ID is xxxxxxxx-xxxx-…",
    "MICROSOFT_CLIENT_ID is a placeholder",
    MICROSOFT_CLIENT_ID="xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
)
quoted = wrong(
    "PUBLIC_URL is in quotes, which the host keeps",
    "PUBLIC_URL is in quotes",
    PUBLIC_URL='"https://staff.example.com"',
)
commented = wrong(
    "A comment stands behind a value",
    "SESSION_HOURS is followed by a comment",
    SESSION_HOURS="8 # hours",
)
byte_order_mark = wrong(
    "A file of variables begins with a byte order mark",
    "SECRET_KEY begins with a byte order mark (U+FEFF)",
    SECRET_KEY=f"\ufeff{SECRET_KEY}",
)
zero_width = wrong(
    "The client ID was copied with a zero-width space",
    "MICROSOFT_CLIENT_ID has an invisible character, U+200B ZERO WIDTH SPACE",
    MICROSOFT_CLIENT_ID=f"{UNKNOWN}\u200b",
)
two_lines = wrong(
    "The client secret goes over two lines",
    "MICROSOFT_CLIENT_SECRET has a line break inside",
    MICROSOFT_CLIENT_SECRET="abc8Q~def\nghi",
)
its_own_name = wrong(
    "The whole line was pasted as the value",
    "SECRET_KEY begins with its own name",
    SECRET_KEY=f"SECRET_KEY={SECRET_KEY}",
)
url_for_guid = wrong(
    "The tenant is the portal's address",
    "MICROSOFT_TENANT_ID must be the GUID alone",
    MICROSOFT_TENANT_ID=f"https://login.microsoftonline.com/{TENANT}/v2.0",
)
tenant_for_client = wrong(
    "The client ID is the tenant's ID",
    "MICROSOFT_CLIENT_ID is the tenant's ID",
    MICROSOFT_CLIENT_ID=TENANT,
)
not_a_boolean = wrong(
    "A switch is neither true nor false",
    "MICROSOFT_ALLOW_GUESTS must be true or false",
    MICROSOFT_ALLOW_GUESTS="some",
)
out_of_range = wrong(
    "A number is out of range",
    "SESSION_HOURS must be from 1 to 720",
    SESSION_HOURS="1000",
)
time_zone = wrong(
    "The time zone is an abbreviation of Windows",
    "TIME_ZONE must be a time zone's name (IANA)",
    TIME_ZONE="W. Europe Standard Time",
)
contact = wrong(
    "The contact is a name",
    "ADMIN_CONTACT must be an email address or a URL",
    ADMIN_CONTACT="the help desk",
)

# Files of secrets

file_and_value = wrong(
    "A secret is given twice, as value and as file",
    "SECRET_KEY is set, and SECRET_KEY_FILE too",
    SECRET_KEY_FILE="/run/secrets/secret-key",
)
no_file = wrong(
    "The file of a secret is missing",
    "MICROSOFT_CLIENT_SECRET cannot be read: No such file or directory",
    MICROSOFT_CLIENT_SECRET="",
    MICROSOFT_CLIENT_SECRET_FILE="/run/secrets/that-nobody-mounted",
)
empty_file = wrong(
    "The file of a secret is empty",
    "REDIS_URL is in a file that is empty",
    REDIS_URL="",
    REDIS_URL_FILE="/dev/null",
)
path_as_value = wrong(
    "A secret's path is given as the secret",
    "DATABASE_URL is a file's path, not the secret: call it DATABASE_URL_FILE",
    DATABASE_URL="/run/secrets/database-url",
)

# Names

near_miss = wrong(
    "A variable's name has a typing error",
    "MICROSOFT_TENANT_ID is required when DEBUG is not true; not read: MICROSOFT_TENANTID",
    MICROSOFT_TENANT_ID="",
    MICROSOFT_TENANTID=TENANT,
)
azures_name = wrong(
    "A variable has the name that Azure's SDK gives it",
    "MICROSOFT_TENANT_ID is required when DEBUG is not true; not read: AZURE_TENANT_ID",
    MICROSOFT_TENANT_ID="",
    AZURE_TENANT_ID=TENANT,
)
another_name = wrong(
    "A variable has the name that another guide gives it",
    "SECRET_KEY is required when DEBUG is not true; not read: DJANGO_SECRET_KEY",
    SECRET_KEY="",
    DJANGO_SECRET_KEY=SECRET_KEY,
)
optional_near_miss = wrong(
    "The name of a variable that may be left out has a typing error",
    "WEB_CONCURRENCY is not set; not read: WEB_CONCURENCY",
    WEB_CONCURENCY="4",
)
both_names = Fault(
    "A variable is there twice, once with a typing error",
    "SESSION_HOURS and SESSION_HOUR are set.",
    env={"SESSION_HOURS": "8", "SESSION_HOUR": "1"},
    page=GETS_IN,
    log="SESSION_HOUR is set, but not read",
    doctor="accounts.W007",
    says="SESSION_HOUR is set, but not read: SESSION_HOURS is",
)

# Closed when in doubt

debug_in_public = wrong(
    "DEBUG is on at a public address",
    "DEBUG must not be true at https://staff.example.com",
    DEBUG="true",
)
debug_on_app_service = wrong(
    "DEBUG is on in App Service",
    "DEBUG must not be true on a host that others reach (WEBSITE_HOSTNAME is set)",
    DEBUG="true",
    PUBLIC_URL="http://localhost:8000",
    WEBSITE_HOSTNAME="contoso.azurewebsites.net",
)


def _with_a_standby_elsewhere(stage: Stage) -> dict[str, str]:
    url = stage.env["DATABASE_URL"]
    return {"DATABASE_URL": url.replace("/?", "/").replace("@127.0.0.1", "@127.0.0.1,db.invalid")}


database_in_the_clear = Fault(
    "PostgreSQL is reached without TLS",
    "DATABASE_URL names a second host, on another machine, without sslmode.",
    env=_with_a_standby_elsewhere,
    page=GETS_IN,
    doctor="accounts.E010",
    says="PostgreSQL on db.invalid is reached without TLS",
)


def _in_ten_days(stage: Stage) -> dict[str, str]:
    day = datetime.now(UTC).date() + timedelta(days=10)
    return {"MICROSOFT_CLIENT_SECRET_EXPIRES": day.isoformat()}


environments_secret_expires = Fault(
    "The secret in the environment will soon expire",
    "MICROSOFT_CLIENT_SECRET_EXPIRES is in ten days.",
    env=_in_ten_days,
    page=GETS_IN,
    doctor="app.secret_expires_soon",
    says="The client secret expires in",
)
