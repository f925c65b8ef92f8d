"""Which app registration is in force: admin's Microsoft social app, else the environment's.

Kept in memory, so that a sign-in start needs no SQL; a counter in the shared cache, looked at
once a second, tells every process of a change in admin.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from django.conf import settings
from django.core.cache import cache

from accounts import secretbox
from accounts.entra.authority import Authority, get_authority
from accounts.entra.credentials import Credential, Secret
from accounts.http.client import SECONDS
from accounts.http.deadline import Deadline
from accounts.ids import is_guid, tenant_of_issuer
from accounts.models import TenantOfDomain
from accounts.outages import STORE_ERRORS
from accounts.reasons import Refused
from accounts.signin.identities import PROVIDER
from accounts.signin.policy import Rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from allauth.socialaccount.models import SocialApp

CALLBACK_PATH: Final = "/accounts/microsoft/login/callback/"
_VERSION_KEY: Final = "microsoft-app-version"
_LOOK_EVERY: Final = 1.0  # seconds until a change in admin is seen by other processes
_READ_EVERY: Final = 60.0  # seconds until a change behind Django's back is seen


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration in force; `secrets` in the order in which they are tried."""

    app: SocialApp
    client_id: str
    secrets: tuple[str, ...]
    tenant: str
    domains: frozenset[str]

    @property
    def redirect_uri(self) -> str:
        """The redirect URI to register at Entra, letter for letter."""
        return redirect_uri()

    def authority(self) -> Authority:
        """Where this registration's tenant signs people in."""
        return get_authority(settings.MICROSOFT_LOGIN_URL, self.tenant, self.client_id)

    @property
    def credentials(self) -> tuple[Credential, ...]:
        """What the app proves itself with at the token endpoint, in the order of trying."""
        return tuple(map(Secret, self.secrets))


def redirect_uri() -> str:
    """PUBLIC_URL's callback."""
    return f"{settings.PUBLIC_URL}{CALLBACK_PATH}"


def in_force() -> Registration:
    """The registration; raises Refused(not_configured, several_apps, misconfigured)."""
    return _memory.current()


def rules_for(
    registration: Registration, deadline: Deadline | None = None, *, named: str = ""
) -> Rules:
    """The policy's rules. `named` is the tenant's GUID, where only its domain is configured.

    Else its own document is asked for it, until the deadline. Raises Refused when that fails.
    """
    tenants = settings.MICROSOFT_ALLOWED_TENANTS or frozenset({named} if named else ())
    tenants = tenants or _tenant_by_domain(registration, deadline)
    return Rules(
        tenants=tenants,
        allow_guests=settings.MICROSOFT_ALLOW_GUESTS,
        domains=_domains(registration, tenants),
    )


def changed() -> None:
    """Tell every process that the social apps have changed."""
    _memory.forget()
    cache.set(_VERSION_KEY, time.time_ns(), timeout=None)


def registered_apps(adapter: DefaultSocialAccountAdapter) -> list[SocialApp]:
    """Visible Microsoft apps: those in admin, else the environment's."""
    apps = DefaultSocialAccountAdapter.list_apps(adapter, None, provider=PROVIDER)  # type: ignore[arg-type]
    visible = [app for app in apps if not app.settings.get("hidden")]
    in_admin = [app for app in visible if app.pk]
    return in_admin or visible


class _Memory:
    """One process's copy of the registration, and the version it was read at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Registration | None = None
        self._version: Any = None
        self._looked = 0.0
        self._read = 0.0

    def current(self) -> Registration:
        now = time.monotonic()
        held = self._held
        if held is not None and now - self._looked < _LOOK_EVERY:
            return held
        with self._lock:
            return self._look(now)

    def forget(self) -> None:
        self._held = None

    def _look(self, now: float) -> Registration:
        version = _version()
        stale = version != self._version or now - self._read > _READ_EVERY
        held = self._held
        if held is None or stale:
            held = read_afresh()
            self._held, self._version, self._read = held, version, now
        self._looked = now
        return held


def _version() -> object:
    """Another at each look where the cache fails, or someone else has written there."""
    try:
        return cache.get(_VERSION_KEY)
    except (*STORE_ERRORS, ValueError, TypeError):
        return object()


_memory = _Memory()


def read_afresh() -> Registration:
    """The registration as the database and the environment have it now; raises as in_force."""
    apps = registered_apps(get_adapter())
    if not apps:
        raise Refused("not_configured", "app: none in admin, none in the environment")
    if len(apps) > 1:
        raise Refused("several_apps", f"app: {len(apps)} visible Microsoft apps")
    return _registration(apps[0])


def _registration(app: SocialApp) -> Registration:
    return Registration(
        app=app,
        client_id=app.client_id,
        secrets=_secrets(app),
        tenant=app.settings.get("tenant") or settings.MICROSOFT_TENANT_ID,
        domains=_lower(app.settings.get("domains", ())),
    )


def _secrets(app: SocialApp) -> tuple[str, ...]:
    """Those that can be read: a forgotten second one must not stop the first."""
    kept = [value for value in (app.secret, app.settings.get("next_secret", "")) if value]
    readable = []
    for value in kept:
        with suppress(secretbox.Unreadable):
            readable.append(secretbox.unlock(value))
    if kept and not readable:
        detail = "secret: encrypted under a SECRET_KEY that is gone; enter it again"
        raise Refused("misconfigured", detail)
    return tuple(readable)


def _domains(registration: Registration, tenants: frozenset[str]) -> dict[str, frozenset[str]]:
    """Mail domains by tenant: "contoso.com" is our own tenant's, "TID=contoso.com" names one."""
    own = next(iter(tenants)) if len(tenants) == 1 else registration.tenant.lower()
    found: dict[str, set[str]] = {}
    for entry in registration.domains:
        tid, _, domain = entry.rpartition("=")
        found.setdefault(tid or own, set()).add(domain)
    return {tid: frozenset(domains) for tid, domains in found.items()}


def _lower(values: Iterable[str]) -> frozenset[str]:
    return frozenset(str(value).lower() for value in values)


def _tenant_by_domain(registration: Registration, deadline: Deadline | None) -> frozenset[str]:
    """The environment names a tenant by its domain only: its document says which GUID that is.

    The environment's tenant, never the social app's: nothing in the database widens the bound.
    """
    tenant = settings.MICROSOFT_TENANT_ID
    authority = get_authority(settings.MICROSOFT_LOGIN_URL, tenant, registration.client_id)
    issuer = authority.discovery(deadline or Deadline(SECONDS)).issuer
    found = tenant_of_issuer(issuer)
    return frozenset({found if not is_guid(found) else _kept(tenant, found)})


_tenants: dict[str, str] = {}


def _kept(domain: str, found: str) -> str:
    """The tenant that the domain had when it was first asked; one that moves lets nobody in."""
    name = f"{settings.MICROSOFT_LOGIN_URL}/{domain.lower()}"
    kept = _tenants.get(name)
    if kept is None:
        kept = TenantOfDomain.objects.get_or_create(name=name, defaults={"tid": found})[0].tid
        _tenants[name] = kept
    if kept != found:
        detail = f"tenant: {domain} is {found} now, and was {kept} when it was first used here"
        raise Refused("misconfigured", f"{detail}: set MICROSOFT_TENANT_ID to the GUID you trust")
    return kept
