"""Which app registration is in force: admin's Microsoft social app, else the environment's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialApp
from django.apps import apps as django_apps
from django.core.cache import cache
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.views.decorators.debug import sensitive_variables

from . import staff_urls
from .conf import conf, is_a_host
from .entra.authority import Authority, get_authority
from .entra.credentials import Credential, Secret, sources
from .entra.credentials.managed_identity import audience_of
from .entra.credentials.proof import About, Kind
from .http.client import SECONDS
from .http.deadline import Deadline
from .ids import is_guid, tenant_of_issuer
from .models import TenantOfDomain
from .process.process_copy import ProcessCopy
from .protection import secretbox
from .reasons import Refused
from .signin.identities import PROVIDER
from .signin.policy import Rules

_ALLAUTHS_OWN: Final = "allauth.socialaccount.providers.microsoft"
_IN_USE_KEY: Final = "microsoft-certificates-in-use"
_IN_USE_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration in force; `credentials` in the order in which they are tried."""

    app: SocialApp
    client_id: str
    credentials: tuple[Credential, ...]
    tenant: str
    domains: frozenset[str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """The client secrets; none with another kind of credential."""
        return tuple(one.value for one in self.credentials if isinstance(one, Secret))

    def prepare(self, token_endpoint: str) -> None:
        """Start in the background what the token request of a sign-in will need."""
        about = About(self.client_id, token_endpoint) if token_endpoint else None
        for credential in self.credentials:
            credential.prepare(about)

    def authority(self) -> Authority:
        """The authority of this registration's tenant."""
        return get_authority(conf.MICROSOFT_LOGIN_URL, self.tenant, self.client_id)


def redirect_uri() -> str:
    """PUBLIC_URL's callback, as it must be registered at Entra."""
    return f"{conf.PUBLIC_URL}{staff_urls.callback()}"


def in_force() -> Registration:
    """The registration; raises Refused(not_configured, several_apps, misconfigured)."""
    return _copy.current()


def client_id_in_force() -> str:
    """Its client ID; "" where no registration is in force."""
    try:
        return in_force().client_id
    except Refused:
        return ""


def rules_for(
    registration: Registration, deadline: Deadline | None = None, *, named: str = ""
) -> Rules:
    """The policy's rules. `named` is the tenant's GUID, where only its domain is configured.

    Without `named` the tenant's document is asked for it, until the deadline. Raises Refused.
    """
    tenants = conf.MICROSOFT_ALLOWED_TENANTS or frozenset({named} if named else ())
    tenants = tenants or _tenant_by_domain(registration, deadline)
    return Rules(
        tenants=tenants,
        allow_guests=conf.MICROSOFT_ALLOW_GUESTS,
        domains=_domains(registration, tenants),
        superusers_by_oid=getattr(conf, "SUPERUSER_FIRST_SIGN_IN", "email") == "oid",
    )


def prepare_worker() -> None:
    """When a worker starts: fetch the token of the environment's managed identity."""
    client_id = conf.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID
    if client_id:
        audience = audience_of(conf.MICROSOFT_LOGIN_URL)
        sources.managed_identity(client_id, audience).prepare(None)


def certificates_in_use() -> dict[str, float]:
    """When each certificate was last used by any process, by portal thumbprint."""
    found = cache.get(_IN_USE_KEY)
    return found if isinstance(found, dict) else {}


def _read_and_note() -> Registration:
    """Notes the certificate for doctor: a process may still use a former one."""
    found = read_afresh()
    named = [one.label for one in found.credentials if one.kind == "certificate"]
    if named:
        now = time.time()
        lately = {n: at for n, at in certificates_in_use().items() if now - at < _IN_USE_SECONDS}
        first = {named[0].rpartition(" ")[2]: now}
        cache.set(_IN_USE_KEY, {**lately, **first}, timeout=int(_IN_USE_SECONDS))
    return found


# In memory, so that starting a sign-in needs no SQL.
_copy = ProcessCopy("microsoft-app-version", _read_and_note)
forget, changed = _copy.forget, _copy.changed


@receiver(setting_changed)
def _settings_changed(setting: str, **kwargs: Any) -> None:
    """Django sends this signal in tests only."""
    if setting.startswith("MICROSOFT_"):
        forget()


def registered_apps(adapter: DefaultSocialAccountAdapter) -> list[SocialApp]:
    """Visible Microsoft apps: those in admin, else the environment's."""
    apps = visible_apps(adapter)
    in_admin = [app for app in apps if app.pk]
    return in_admin or apps


def visible_apps(adapter: DefaultSocialAccountAdapter) -> list[SocialApp]:
    """Those in admin, and the environment's, which is in force only where admin has none."""
    apps = DefaultSocialAccountAdapter.list_apps(adapter, None, provider=PROVIDER)  # type: ignore[arg-type]
    if is_a_host():  # apps of its SOCIALACCOUNT_PROVIDERS are for its own people
        apps = [app for app in apps if app.pk and owns_social_apps()] + _app_of_host()
    return [app for app in apps if not app.settings.get("hidden")]


def owns_social_apps() -> bool:
    """Whether Microsoft's social apps are for staff, and not for another site's own people."""
    return not is_a_host() or not django_apps.is_installed(_ALLAUTHS_OWN)


def _app_of_host() -> list[SocialApp]:
    if not conf.MICROSOFT_CLIENT_ID:
        return []
    expires = conf.MICROSOFT_CLIENT_SECRET_EXPIRES
    settings = {
        "tenant": conf.MICROSOFT_TENANT_ID,
        "login_url": conf.MICROSOFT_LOGIN_URL,
        "secret_expires": expires.isoformat() if expires else "",
    }
    client_id, secret = conf.MICROSOFT_CLIENT_ID, conf.MICROSOFT_CLIENT_SECRET
    return [SocialApp(provider=PROVIDER, client_id=client_id, secret=secret, settings=settings)]


def read_afresh() -> Registration:
    """The registration in the database or environment now. Raises as `in_force`."""
    apps = registered_apps(get_adapter())
    if not apps:
        raise Refused("not_configured", "app: none in admin, none in the environment")
    if len(apps) > 1:
        raise Refused("several_apps", f"app: {len(apps)} visible Microsoft apps")
    return of_app(apps[0])


def of_app(app: SocialApp) -> Registration:
    """The registration of an app, saved or not. Raises Refused."""
    return Registration(
        app=app,
        client_id=app.client_id,
        credentials=tuple(credential for _slot, credential in by_slot(app)),
        tenant=app.settings.get("tenant") or conf.MICROSOFT_TENANT_ID,
        domains=_lower(app.settings.get("domains", ())),
    )


def is_environments(app: SocialApp) -> bool:
    """Whether it is the environment's; one of admin has a `credential`, saved or not."""
    return app.pk is None and "credential" not in app.settings


def kind_of(app: SocialApp) -> Kind:
    """The app's kind of credential; the environment's by the variable that is set."""
    if not is_environments(app):
        found: Kind = app.settings.get("credential") or "secret"
        return found
    for kind, name in _VARIABLES.items():
        if getattr(conf, name, ""):
            return kind
    return "secret"


_VARIABLES: Final[Mapping[Kind, str]] = {
    "certificate": "MICROSOFT_CLIENT_CERTIFICATE",
    "managed_identity": "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID",
    "token_file": "MICROSOFT_TOKEN_FILE",
}
# Where an app stores each kind, in the order of trying.
SLOTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    "secret": ("secret", "next_secret"),
    "certificate": ("certificate", "next_certificate"),
    "managed_identity": ("managed_identity",),
    "token_file": ("token_file",),
}
Slotted = list[tuple[str, Credential]]


@sensitive_variables()
def by_slot(app: SocialApp) -> Slotted:
    """The app's credentials, each with its slot. Raises Refused."""
    return _MAKE[kind_of(app)](app)


def value_in(app: SocialApp, slot: str) -> str:
    """The stored value, encrypted or not."""
    return str(app.secret if slot == "secret" else app.settings.get(slot) or "")


@sensitive_variables()
def _of_secrets(app: SocialApp) -> Slotted:
    return [(slot, Secret(value)) for slot, value in _readable(app, "secret")]


@sensitive_variables()
def _of_certificates(app: SocialApp) -> Slotted:
    """The environment's, or those in admin; an expired one is skipped if there is another."""
    if is_environments(app):
        password = conf.MICROSOFT_CLIENT_CERTIFICATE_PASSWORD
        found = sources.certificates(conf.MICROSOFT_CLIENT_CERTIFICATE, password)
        return [("certificate", one) for one in found]
    kept: Slotted = []
    expired = None
    for slot, pem in _readable(app, "certificate"):
        try:
            kept.append((slot, sources.kept_certificate(pem)))
        except Refused as refused:
            expired = refused
    if expired and not kept:
        raise expired
    return kept


def _of_identity(app: SocialApp) -> Slotted:
    client_id = "" if is_environments(app) else app.settings.get("managed_identity", "")
    client_id = client_id or conf.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID
    if not client_id:
        raise Refused("credential_unavailable", "managed identity: no client id")
    audience = audience_of(conf.MICROSOFT_LOGIN_URL)
    return [("managed_identity", sources.managed_identity(client_id, audience))]


def _of_token_file(app: SocialApp) -> Slotted:
    """The environment's path only: nothing in the database may choose a file to send."""
    if not conf.MICROSOFT_TOKEN_FILE:
        raise Refused("credential_unavailable", "token file: MICROSOFT_TOKEN_FILE is not set")
    return [("token_file", sources.token_file(conf.MICROSOFT_TOKEN_FILE))]


_MAKE: Final[Mapping[Kind, Callable[[SocialApp], Slotted]]] = {
    "secret": _of_secrets,
    "certificate": _of_certificates,
    "managed_identity": _of_identity,
    "token_file": _of_token_file,
}


@sensitive_variables()
def _readable(app: SocialApp, kind: Kind) -> list[tuple[str, str]]:
    """The values that can be decrypted: an old second one must not stop the first."""
    kept = [(slot, value) for slot in SLOTS[kind] if (value := value_in(app, slot))]
    readable = []
    for slot, value in kept:
        with suppress(secretbox.Unreadable):
            readable.append((slot, secretbox.decrypt(value)))
    if kept and not readable:
        detail = "secret: encrypted under a SECRET_KEY that is gone; enter it again"
        raise Refused("misconfigured", detail)
    return readable


def _domains(registration: Registration, tenants: frozenset[str]) -> dict[str, frozenset[str]]:
    """Mail domains by tenant: "contoso.com" is of our own tenant, "TID=contoso.com" of another."""
    own = next(iter(tenants)) if len(tenants) == 1 else registration.tenant.lower()
    found: dict[str, set[str]] = {}
    for entry in registration.domains:
        tid, _, domain = entry.rpartition("=")
        found.setdefault(tid or own, set()).add(domain)
    return {tid: frozenset(domains) for tid, domains in found.items()}


def _lower(values: Iterable[str]) -> frozenset[str]:
    return frozenset(str(value).lower() for value in values)


def _tenant_by_domain(registration: Registration, deadline: Deadline | None) -> frozenset[str]:
    """The GUID, from its document, of a tenant that the environment names by a domain.

    Never the social app's tenant: nothing in the database may admit more tenants.
    """
    tenant = conf.MICROSOFT_TENANT_ID
    authority = get_authority(conf.MICROSOFT_LOGIN_URL, tenant, registration.client_id)
    issuer = authority.discovery(deadline or Deadline(SECONDS)).issuer
    found = tenant_of_issuer(issuer)
    return frozenset({found if not is_guid(found) else _pinned(tenant, found)})


_tenants_pinned: dict[str, str] = {}


def _pinned(domain: str, found: str) -> str:
    """The tenant that the domain had at first. Raises Refused where it has another now."""
    name = f"{conf.MICROSOFT_LOGIN_URL}/{domain.lower()}"
    kept = _tenants_pinned.get(name)
    if kept is None:
        kept = TenantOfDomain.objects.get_or_create(name=name, defaults={"tid": found})[0].tid
        _tenants_pinned[name] = kept
    if kept != found:
        detail = f"tenant: {domain} is {found} now, and was {kept} when it was first used here"
        raise Refused("misconfigured", f"{detail}: set MICROSOFT_TENANT_ID to the GUID you trust")
    return kept
