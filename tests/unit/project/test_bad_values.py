"""Values that no setting should have: unresolved references, placeholders, quotes, comments."""

import secrets
import string
from base64 import b64encode

import pytest
from django.core.management.utils import get_random_secret_key

from accounts.configuration.suspicious import what_is_wrong
from project.variables import VARIABLES
from tests.unit.project.test_env import GOOD, KEY, OTHER, load, problems

REFERENCES = [
    "@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/key/)",
    "@Microsoft.KeyVault(VaultName=contoso;SecretName=key)",
    "@microsoft.keyvault(VaultName=contoso;SecretName=key)",
    "@Microsoft.AppConfiguration(Endpoint=https://contoso.azconfig.io; Key=key)",
    "https://contoso.vault.azure.net/secrets/key/0123456789abcdef0123456789abcdef",
    "keyvaultref:https://contoso.vault.azure.net/secrets/key,identityref:system",
    "secretref:key",
    "{{resolve:secretsmanager:key:SecretString:password}}",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:key-a1B2c3",
    "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/key",
    "projects/123456/secrets/key/versions/latest",
    "sm://contoso/key",
    "op://vault/item/field",
    "vault:secret/data/site#KEY",
    "ref+vault://secret/site#/key",
    "ref+awssecrets://site/key",
    "!vault |",
    "!Ref SecretKey",
    "${SECRET_KEY}",
    "${SECRET_KEY:-}",
    "${{ secrets.SECRET_KEY }}",
    "$(SECRET_KEY)",
    "$(cat /run/secrets/key)",
    "`cat /run/secrets/key`",
    "$SECRET_KEY",
    "$[variables.key]",
    "#{SecretKey}#",
    "#{SecretKey}",
    "%SECRET_KEY%",
    "__SECRET_KEY__",
    "@@SECRET_KEY@@",
    "((secret-key))",
    "[[secret_key]]",
    "{{ secret_key }}",
    "{{ .Values.secretKey }}",
    "{{secret_key}}",
    "{SECRET_KEY}",
    "<%= ENV['SECRET_KEY'] %>",
    "ENC[AES256_GCM,data:Zm9v,iv:YmFy,tag:YmF6,type:str]",
    "ENC(G6N718UuyPE5bHyWKyuLQSm02auQPUtm)",
    "{cipher}AQA1b2c3",
    "vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==",
    "$ANSIBLE_VAULT;1.1;AES256",
    "-----BEGIN PGP MESSAGE-----",
    "AgBy3i4OJSWK" + "A1b2" * 110,
    "AQICAHh" + "A1b2" * 40,
]
PLACEHOLDERS = [
    "<your-tenant>",
    "<client secret>",
    "your-client-secret",
    "YOUR_TENANT_ID",
    "yourtenant.onmicrosoft.com",
    "changeme",
    "change-me",
    "CHANGE_ME_PLEASE",
    "changeme123",
    "replace-with-your-secret",
    "insert_value_here",
    "xxxx",
    "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
    "********",
    "...",
    "TODO",
    "tbd",
    "placeholder",
    "null",
    "None",
    "undefined",
    "secret",
    "client-secret",
]
SECRETS = sorted(name for name, variable in VARIABLES.items() if variable.secret)


@pytest.mark.parametrize("text", REFERENCES + PLACEHOLDERS)
def test_every_variable_refuses_it_and_quotes_nothing(text: str) -> None:
    """Each of them at once: all are named, whatever their reader would have said."""
    names = [name for name, variable in VARIABLES.items() if not variable.free]
    told = {line.split()[0]: line for line in problems(**dict.fromkeys(names, text))}
    assert told.keys() >= set(names)
    assert all(" is " in told[name] or " has an entry that is " in told[name] for name in names)
    assert len(text) < 12 or not any(text in told[name] for name in SECRETS)


@pytest.mark.parametrize("text", REFERENCES)
def test_text_to_read_is_refused_only_when_unresolved(text: str) -> None:
    assert what_is_wrong(text, free=True)
    assert not what_is_wrong("Your tenant's staff, # 1 in \u00ab x \u00bb", free=True)


@pytest.mark.parametrize(
    "url",
    [
        "postgres://site:${DB_PASSWORD}@db.example.com/site?sslmode=require",
        "postgres://site:$DB_PASSWORD@db.example.com/site?sslmode=require",
        "postgres://site:<password>@db.example.com/site?sslmode=require",
        "postgres://site:****@db.example.com/site?sslmode=require",
        "postgres://site:p@{{ db_host }}/site",
        "postgres://site:p@Microsoft.KeyVault(SecretUri=x)@db/site",
        "postgres://...",
        "postgres://site:p@your-server.postgres.database.azure.com/site",
    ],
)
def test_a_part_of_a_url_may_be_the_wrong_one(url: str) -> None:
    [problem] = problems(DATABASE_URL=url)
    assert problem.startswith("DATABASE_URL is ")


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("SESSION_HOURS", "8 # hours", "is followed by a comment"),
        ("SESSION_HOURS", "8  // hours", "is followed by a comment"),
        ("DEBUG", "false # never", "is followed by a comment"),
        ("SECRET_KEY", f"{KEY} # the key", "is followed by a comment"),
        ("SESSION_HOURS", '"8"', "is in quotes"),
        ("SECRET_KEY", f'"{KEY}"', "is in quotes"),
        ("SECRET_KEY", f"'{KEY}'", "is in quotes"),
        ("SECRET_KEY", f"\N{LEFT DOUBLE QUOTATION MARK}{KEY}\N{RIGHT DOUBLE QUOTATION MARK}", "is"),
        ("DATABASE_URL", f'"{GOOD["DATABASE_URL"]}"', "is in quotes"),
        ("PUBLIC_URL", "'https://staff.example.com'", "is in quotes"),
        ("SECRET_KEY", f"\ufeff{KEY}", "begins with a byte order mark"),
        ("DEBUG", "\ufefffalse", "begins with a byte order mark"),
        ("MICROSOFT_TENANT_ID", f"ï»¿{OTHER}", "begins with a byte order mark"),
        ("MICROSOFT_CLIENT_ID", f"{OTHER[:8]}\u200b{OTHER[8:]}", "U+200B ZERO WIDTH SPACE"),
        ("MICROSOFT_CLIENT_ID", f"{OTHER[:8]}\u00ad{OTHER[8:]}", "U+00AD SOFT HYPHEN"),
        ("MICROSOFT_CLIENT_SECRET", "abc\u202e8Q~def", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("MICROSOFT_CLIENT_SECRET", "abc\x008Q~def", "U+0000 a control character, at place 4"),
        ("MICROSOFT_CLIENT_SECRET", "abc8Q~\ndef", "has a line break inside"),
        ("MICROSOFT_CLIENT_SECRET", "abc8Q~ def", "has a space inside"),
        ("MICROSOFT_CLIENT_SECRET", OTHER, "copy the column Value, not Secret ID"),
        (
            "MICROSOFT_CLIENT_SECRET",
            b64encode(b"abc8Q~0123456789-abcdefghijklmnopqrst~\n").decode(),
            "is in base64: write it as the portal shows it",
        ),
        ("SITE_NAME", "Staff\nadmin", "has a line break inside"),
        ("SITE_NAME", "Staff\u202e", "RIGHT-TO-LEFT OVERRIDE"),
        ("SECRET_KEY", f"SECRET_KEY={KEY}", "begins with its own name"),
        ("PORT", "export PORT=8000", "begins with its own name"),
        (
            "DATABASE_URL",
            "postgres://u:p@h/n?sslmode=require&amp;x=y",
            "has &amp; where & is meant",
        ),
        ("SECRET_KEY", "/run/secrets/secret_key", "call it SECRET_KEY_FILE"),
        ("DATABASE_URL", "/mnt/secrets-store/database-url", "call it DATABASE_URL_FILE"),
        ("REDIS_URL", "file:///etc/secrets/redis", "call it REDIS_URL_FILE"),
        ("MICROSOFT_TENANT_ID", f"https://login.microsoftonline.com/{OTHER}/v2.0", "GUID alone"),
        ("MICROSOFT_TENANT_ID", "https://portal.azure.com/", "must be a tenant GUID or a verified"),
        ("MICROSOFT_CLIENT_ID", f"api://{OTHER}", f"must be the GUID alone, {OTHER}"),
        ("MICROSOFT_CLIENT_ID", f"{{{OTHER}}}", f"must be the GUID alone, {OTHER}"),
        ("MICROSOFT_CLIENT_ID", "https://portal.azure.com/", "must be a GUID, not 'https://"),
        ("MICROSOFT_CLIENT_ID", "00000000-0000-0000-0000-000000000000", "is a placeholder"),
        ("MICROSOFT_CLIENT_ID", GOOD["MICROSOFT_TENANT_ID"], "is the tenant's ID"),
        ("DEBUG", "enabled", "must be true or false"),
        ("SESSION_HOURS", "-8", "must be a whole number"),
        ("SESSION_HOURS", "\N{ARABIC-INDIC DIGIT EIGHT}", "must be a whole number"),
        ("SESSION_HOURS", "99999999999", "must be a whole number"),
        ("SESSION_HOURS", KEY, f"not a text of {len(KEY)} characters"),
    ],
)
def test_a_slip_is_named(name: str, text: str, what: str) -> None:
    [problem] = problems(**{name: text})
    assert problem.startswith(f"{name} ")
    assert what in problem
    assert problem.endswith(f"Example: {VARIABLES[name].example}")


@pytest.mark.parametrize(
    ("text", "value"),
    [(" True ", True), ("yes", True), ("on", True), ("OFF\n", False), ("0", False)],
)
def test_a_boolean_may_be_written_as_people_do(text: str, value: bool) -> None:
    assert load(ADMIN_PASSWORD_LOGIN=text).ADMIN_PASSWORD_LOGIN is value


def test_no_random_secret_is_taken_for_anything_else() -> None:
    alphabet = string.ascii_letters + string.digits + "~._-"
    for _ in range(500):
        for secret in (
            secrets.token_urlsafe(64),
            secrets.token_hex(32),
            get_random_secret_key(),
            "".join(secrets.choice(alphabet) for _ in range(40)),  # as Entra makes them
        ):
            assert what_is_wrong(secret) == "", secret


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres://site:p%24%28x%29@db.example.com:5432/site?sslmode=verify-full"),
        ("DATABASE_URL", "postgres://site@%2Frun%2Fpostgresql/site"),
        ("REDIS_URL", "rediss://:abc+DEF%2Fghi=@contoso.redis.cache.windows.net:6380/0"),
        ("DATABASE_URL", "postgres://site:p@a:5432,b:5433/site?target_session_attrs=read-write"),
        ("ALLOWED_HOSTS", "staging.example.com, 10.0.0.4"),
        ("SECRET_KEY", "correct horse battery staple and so on, for at least fifty characters"),
        ("SITE_NAME", "L\u2019h\u00f4pital\u00a0: l'\u00e9quipe"),
    ],
)  # fmt: skip
def test_what_looks_unusual_and_is_right_is_taken(name: str, value: str) -> None:
    load(**{name: value})
