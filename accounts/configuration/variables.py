"""The app's variables: reader, default, meaning and example of each.

This project's site reads them from the environment (`project/variables.py`), another site from a
dictionary (`host.py`). Error messages and docs/settings.md are made from this table.
"""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from ..http.origins import is_protected, origin_of
from ..ids import is_guid
from . import readers
from .table import Table, Variable

MICROSOFT: Final = "https://login.microsoftonline.com"
EMULATOR_TENANT: Final = "11111111-1111-4111-8111-111111111111"
EMULATOR_CLIENT_ID: Final = "33333333-3333-4333-8333-333333333333"
EMULATOR_CLIENT_SECRET: Final = "emulator-secret-not-for-production"  # noqa: S105
OUTSIDE_DEBUG: Final = "when DEBUG is not true"
# The kinds of credential, of which exactly one may be set.
CREDENTIALS: Final = (
    "MICROSOFT_CLIENT_SECRET",
    "MICROSOFT_CLIENT_CERTIFICATE",
    "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID",
    "MICROSOFT_TOKEN_FILE",
)
# With any of these, AZURE_CLIENT_ID may be an app registration's instead of a managed identity's.
_OTHER_IDENTITIES: Final = (
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
)


# Defaults that depend on other variables


def _login_url(env: AppVariables) -> str:
    is_set = env.is_set("MICROSOFT_TENANT_ID", "MICROSOFT_CLIENT_ID", *CREDENTIALS)
    return f"http://localhost:{env.EMULATOR_PORT}" if env.DEBUG and not is_set else MICROSOFT


def _at_emulator(env: AppVariables) -> bool:
    return env.DEBUG and readers.is_loopback(env.MICROSOFT_LOGIN_URL)


def _tenant(env: AppVariables) -> str:
    if _at_emulator(env):
        return EMULATOR_TENANT
    if env.DEBUG:
        raise ValueError("is required as soon as another login URL or app registration is named")
    raise ValueError(f"is required {OUTSIDE_DEBUG}")


def _own_tenant(env: AppVariables) -> frozenset[str]:
    return frozenset(filter(is_guid, [env.MICROSOFT_TENANT_ID]))


def _of_emulator(value: str) -> Callable[[AppVariables], str]:
    def default(env: AppVariables) -> str:
        is_set = env.is_set("MICROSOFT_CLIENT_ID", *CREDENTIALS)
        return value if _at_emulator(env) and not is_set else ""

    return default


def _managed_identity_of_host(env: AppVariables) -> str:
    """AZURE_CLIENT_ID, if it can only be a managed identity's and no credential is set."""
    client_id = env.environ.get("AZURE_CLIENT_ID", "").strip().lower()
    others = any(env.environ.get(name) for name in _OTHER_IDENTITIES)
    if others or not env.environ.get("IDENTITY_ENDPOINT") or env.is_set(*CREDENTIALS):
        return ""
    is_no_app = env.is_set("MICROSOFT_CLIENT_ID") and client_id != env.MICROSOFT_CLIENT_ID
    return client_id if is_no_app and is_guid(client_id) else ""


class AppVariables(Table):
    """All variables that the app reads."""

    PUBLIC_URL: Any  # each subclass has its own default

    DEBUG = Variable(
        readers.flag, False, "development mode; never on a server that others reach", "false"
    )
    TRUSTED_PROXY_COUNT = Variable(
        readers.number(0, 10),
        0,
        "number of reverse proxies in front, whose `X-Forwarded-Proto` and `X-Forwarded-For` are"
        " trusted; Azure App Service: `1`",
        "1",
    )
    MICROSOFT_TENANT_ID = Variable(
        readers.tenant,
        _tenant,
        "tenant GUID or verified domain; `organizations` only together with"
        " `MICROSOFT_ALLOWED_TENANTS`",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        default_in_words="the emulator's when `DEBUG`, else required",
    )
    MICROSOFT_ALLOWED_TENANTS = Variable(
        readers.allowed_tenants,
        _own_tenant,
        "comma-separated tenant GUIDs: the upper limit, which nothing in the database extends",
        "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        default_in_words="the tenant above",
    )
    MICROSOFT_CLIENT_ID = Variable(
        readers.guid,
        _of_emulator(EMULATOR_CLIENT_ID),
        "Application (client) ID; may be left out when a Microsoft social app exists in admin",
        "16fd2706-8baf-433b-82eb-8c7fada847da",
        default_in_words="the emulator's when `DEBUG`",
    )
    MICROSOFT_CLIENT_SECRET = Variable(
        readers.client_secret,
        _of_emulator(EMULATOR_CLIENT_SECRET),
        "the client secret's value",
        "the column Value under Certificates & secrets (not Secret ID)",
        default_in_words="the emulator's when `DEBUG`",
        secret=True,
    )
    MICROSOFT_CLIENT_CERTIFICATE = Variable(
        readers.certificate,
        "",
        "instead of a secret: a certificate with its private key, as PEM text (line ends may be"
        " `\\n`), as the path of a PEM or PFX file, as a PFX in base64, or as the thumbprint of one"
        " that App Service has loaded; several with commas, tried in order",
        "/run/secrets/staff-site.pem",
        secret=True,
        by_path=True,
    )
    MICROSOFT_CLIENT_CERTIFICATE_PASSWORD = Variable(
        str, "", "the passphrase of that key or PFX", "the passphrase it was made with", secret=True
    )
    MICROSOFT_MANAGED_IDENTITY_CLIENT_ID = Variable(
        readers.guid,
        _managed_identity_of_host,
        "instead of a secret: the Client ID of a user-assigned managed identity that the app"
        " registration trusts as a federated credential",
        "5f0c1d3e-77aa-4c41-9b62-2f1f0e6d5a10",
        default_in_words="`AZURE_CLIENT_ID`, if it can only be a managed identity's and no"
        " credential is set",
    )
    MICROSOFT_TOKEN_FILE = Variable(
        readers.file_path,
        "",
        "instead of a secret: the file in which a cluster keeps the token that the app registration"
        " trusts as a federated credential; read at each sign-in",
        "/var/run/secrets/azure/tokens/azure-identity-token",
    )
    MICROSOFT_CLIENT_SECRET_EXPIRES = Variable[date | None](
        readers.day,
        None,
        "the day on which that secret expires; `doctor` and admin's front page warn 30 days ahead",
        "2027-11-30",
    )
    MICROSOFT_LOGIN_URL = Variable(
        readers.login_url,
        _login_url,
        "the cloud's authority host (US Government, China, a test server)",
        "https://login.microsoftonline.us",
        default_in_words=f"`{MICROSOFT}`; the emulator's when `DEBUG` and nothing above is set",
    )
    MICROSOFT_PROXY_URL = Variable(
        readers.proxy_url,
        "",
        "a company's outgoing proxy, for HTTPS to Microsoft (CONNECT); its user name and password"
        " may be percent-encoded",
        "http://user:password@proxy.example.com:3128",
        default_in_words="none: Microsoft is reached directly",
        secret=True,
    )
    MICROSOFT_CA_BUNDLE = Variable(
        readers.ca_bundle,
        "",
        "PEM file with a company's certificate authorities, trusted for HTTPS to Microsoft in"
        " addition to the system's",
        "/etc/ssl/certs/company.pem",
        default_in_words="none: the system's",
    )
    MICROSOFT_ALLOW_GUESTS = Variable(
        readers.flag, False, "let B2B guests of the tenant in", "true"
    )
    SUPERUSER_FIRST_SIGN_IN = Variable(
        readers.choice("email", "oid"),
        "email",
        "`oid`: a superuser's first sign-in needs an object ID entered beforehand; with `email`,"
        " whoever can change addresses in Entra can become a superuser who has not signed in yet",
        "oid",
    )
    MICROSOFT_DOMAIN_HINT = Variable(
        readers.domain_hint,
        "",
        "sent as `domain_hint`: a federated domain's people go straight to its own sign-in",
        "contoso.com",
        default_in_words="none",
    )
    SIGN_IN_AUTOMATICALLY = Variable(
        readers.flag,
        False,
        "the login page goes on to Microsoft by itself; never after signing out or a refusal, and"
        " not together with `ADMIN_PASSWORD_LOGIN`",
        "true",
    )
    ROLES_REQUIRED = Variable(
        readers.flag, False, "if app roles are mapped, only people with one get in", "true"
    )
    ADMIN_PASSWORD_LOGIN = Variable(
        readers.flag, False, "show Django's password form under the button", "true"
    )
    ADMIN_BY_MICROSOFT_ONLY = Variable(
        readers.flag,
        True,
        "admin opens only to sessions that came through this sign-in, a break-glass link or the"
        " password form",
        "true",
    )
    STAFF_PATHS = Variable(
        readers.csv(readers.path_prefix),
        (),
        "comma-separated path prefixes of staff's pages besides admin: `next` may lead there",
        "/reports/,/tools/",
    )
    SESSION_HOURS = Variable(
        readers.number(1, 720), 8, "absolute session lifetime after sign-in", "8"
    )
    SESSION_IDLE_MINUTES = Variable(
        readers.number(0, 1440), 120, "a session unused for so long ends; `0`: never", "120"
    )
    SESSIONS_AT_ONCE = Variable(
        readers.number(0, 100),
        0,
        "how many sessions a person may have; the oldest ends; `0`: as many as they open",
        "3",
    )
    RECHECK_MINUTES = Variable(
        readers.number(0, 1440),
        0,
        "how often an open session is silently checked with Microsoft; `0`: never",
        "60",
    )
    STEP_UP = Variable(
        readers.step_up,
        "off",
        "`login` or `c1`…`c99`: dangerous things ask for a fresh sign-in, or for that"
        " authentication context",
        "login",
    )
    SIGN_IN_LOG_DAYS = Variable(
        readers.number(1, 3650), 365, "how long sign-in records are kept", "365"
    )
    SITE_NAME = Variable(
        readers.text(60),
        "",
        "shown in titles and headers",
        "Contoso staff",
        default_in_words="Django's names",
        free=True,
    )
    ADMIN_CONTACT = Variable(
        readers.contact,
        "",
        "whom a refused person should ask: an email address or a URL",
        "it-support@example.com",
    )
    PRIVATE_NETWORK = Variable(
        readers.flag,
        False,
        "nobody else is on the network to PostgreSQL and Redis: connections without TLS to other"
        " machines are accepted",
        "true",
    )
    EMULATOR_PORT = Variable(
        readers.number(1, 65535), 8400, "port of the Entra emulator; `DEBUG` only", "8400"
    )

    def settings(self) -> dict[str, Any]:
        """The values by name, for `conf` to read."""
        names = AppVariables.variables().keys() - {"DEBUG"} | {"PUBLIC_URL"}
        return {name: getattr(self, name) for name in names} | {
            "INSTANCE_ID": self.instance_id(),
            "ENVIRONMENT_WARNINGS": self.warnings,
        }

    def may_be_http(self, url: str) -> bool:
        """Whether the site may be served at this URL without TLS."""
        return readers.is_loopback(url)

    def instance_id(self) -> str:
        """A hash of the machine's name: tells instances apart, and outsiders nothing."""
        name = self.environ.get("WEBSITE_INSTANCE_ID") or socket.gethostname()
        return hashlib.sha256(name.encode()).hexdigest()[:8]


def public_url_on_azure(env: AppVariables) -> str:
    """The origin that App Service gives the site; "" on other hosts."""
    host = env.environ.get("WEBSITE_HOSTNAME", "").lower()
    return f"https://{host}" if host else ""


# Rules across variables


def _https_outside_debug(env: AppVariables) -> None:
    url = env.PUBLIC_URL
    if url.startswith("http://") and not env.DEBUG and not env.may_be_http(url):
        env.wrong("PUBLIC_URL", "must start with https://: Microsoft sends nobody back to http")


def _https_to_microsoft(env: AppVariables) -> None:
    """As the HTTP client demands, which does not trust names under .localhost to be loopback."""
    origin = origin_of(env.MICROSOFT_LOGIN_URL)
    if origin is None or not is_protected(origin):
        env.wrong("MICROSOFT_LOGIN_URL", "must start with https:// (http is for this machine)")


def _organizations_with_a_list(env: AppVariables) -> None:
    if env.MICROSOFT_TENANT_ID == "organizations" and not env.MICROSOFT_ALLOWED_TENANTS:
        env.wrong(
            "MICROSOFT_TENANT_ID",
            "may be 'organizations' only together with MICROSOFT_ALLOWED_TENANTS",
        )


def _both_halves_of_an_app(env: AppVariables) -> None:
    for half in ("MICROSOFT_CLIENT_SECRET", "MICROSOFT_CLIENT_CERTIFICATE"):
        if env.is_set(half) and not env.is_set("MICROSOFT_CLIENT_ID"):
            env.wrong("MICROSOFT_CLIENT_ID", f"is required together with {half}")
    proved = env.is_set(*CREDENTIALS) or env.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID
    if env.is_set("MICROSOFT_CLIENT_ID") and not proved:
        env.wrong("MICROSOFT_CLIENT_SECRET", _without_credential(env))


def _without_credential(env: AppVariables) -> str:
    others = ", ".join(CREDENTIALS[1:])
    token_file = env.environ.get("AZURE_FEDERATED_TOKEN_FILE", "")
    hint = f" (this cluster's is {token_file})" if token_file else ""
    return f"is required together with MICROSOFT_CLIENT_ID, or one of {others}{hint}"


def _one_credential(env: AppVariables) -> None:
    given = [name for name in CREDENTIALS if env.is_set(name)]
    if len(given) > 1:
        others = " and ".join(given[:-1])
        env.wrong(given[-1], f"is set, and {others} too: all but one of them must go")


def _usable_certificate(env: AppVariables) -> None:
    password = env.MICROSOFT_CLIENT_CERTIFICATE_PASSWORD
    if not env.MICROSOFT_CLIENT_CERTIFICATE:
        if password and not env.is_set("MICROSOFT_CLIENT_CERTIFICATE"):
            env.wrong(
                "MICROSOFT_CLIENT_CERTIFICATE_PASSWORD",
                "is set without MICROSOFT_CLIENT_CERTIFICATE",
            )
        return
    # Imported only for sites with a certificate.
    from ..entra.credentials.keys import Unusable, read_certificates

    try:
        read_certificates(env.MICROSOFT_CLIENT_CERTIFICATE, password)
    except Unusable as problem:
        variable = "MICROSOFT_CLIENT_CERTIFICATE_PASSWORD"
        hint = f" ({variable})" if "passphrase" in str(problem) else ""
        env.wrong("MICROSOFT_CLIENT_CERTIFICATE", f"{problem}{hint}")


def _usable_token_file(env: AppVariables) -> None:
    if not env.MICROSOFT_TOKEN_FILE:
        return
    from ..entra.credentials.proof import read_token

    try:
        read_token(Path(env.MICROSOFT_TOKEN_FILE))
    except ValueError as problem:
        env.wrong("MICROSOFT_TOKEN_FILE", f"names a file that {problem}")


def _client_is_no_tenant(env: AppVariables) -> None:
    if env.MICROSOFT_CLIENT_ID and env.MICROSOFT_CLIENT_ID == env.MICROSOFT_TENANT_ID:
        env.wrong(
            "MICROSOFT_CLIENT_ID",
            "is the tenant's ID, or MICROSOFT_TENANT_ID the app's: copy Application (client) ID and"
            " Directory (tenant) ID anew",
        )


def _identity_is_no_app(env: AppVariables) -> None:
    identity = env.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID
    if identity and identity in (env.MICROSOFT_CLIENT_ID, env.MICROSOFT_TENANT_ID):
        env.wrong(
            "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID",
            "is the app registration's or the tenant's ID: copy Client ID from the overview of the"
            " managed identity",
        )


def _authority_is_another_site(env: AppVariables) -> None:
    if env.MICROSOFT_LOGIN_URL == env.PUBLIC_URL:
        env.wrong("MICROSOFT_LOGIN_URL", "is this site's own address, where Microsoft's belongs")


def _no_form_with_automatic_sign_in(env: AppVariables) -> None:
    if env.SIGN_IN_AUTOMATICALLY and env.ADMIN_PASSWORD_LOGIN:
        env.wrong(
            "SIGN_IN_AUTOMATICALLY",
            "must not be true together with ADMIN_PASSWORD_LOGIN: nobody would get to the form",
        )


RULES: Final[tuple[Callable[[Any], None], ...]] = (
    _https_outside_debug,
    _https_to_microsoft,
    _organizations_with_a_list,
    _both_halves_of_an_app,
    _one_credential,
    _usable_certificate,
    _usable_token_file,
    _client_is_no_tenant,
    _identity_is_no_app,
    _authority_is_another_site,
    _no_form_with_automatic_sign_in,
)
