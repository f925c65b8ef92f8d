"""The app registration in force, and its credentials, as far as they can be checked offline."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from allauth.socialaccount.models import SocialApp

from .... import registration
from ....conf import conf
from ....entra.credentials.certificate import CertificateCredential
from ....entra.credentials.managed_identity import ManagedIdentity
from ....entra.credentials.proof import TokenFile, claims_of
from ....ids import CONSUMER_TENANT, is_guid
from ....reasons import Refused
from ....signin.identities import PROVIDER
from ...microsoft_app import Changes, problems_of
from ...microsoft_app_summary import AppSummary, federated, show
from ..finding import Observation, fault, ok, refusal_facts

IN_FORCE: Final = "app.in_force"
_SOON_DAYS: Final = 30
_TITLES: Final = {
    "not_configured": "There is no Microsoft app",
    "several_apps": "There are several Microsoft apps",
    "credential_unavailable": "The app has no credential that can be used",
}
_UNREADABLE: Final = "The client secret cannot be read: SECRET_KEY has changed since it was stored"


def run() -> Iterator[Observation]:
    """Which one is in force, and what is wrong with it."""
    try:
        registered = registration.read_afresh()
    except Refused as refusal:
        title = _TITLES.get(refusal.reason.code, _UNREADABLE)
        yield fault(IN_FORCE, title=title, **refusal_facts(refusal))
        yield from _hidden()
        return
    summary = show()
    yield ok(
        IN_FORCE,
        source="admin" if summary.is_in_admin else "the environment",
        client_id=registered.client_id,
        tenant=registered.tenant,
        other=_other_in_environment(summary),
    )
    yield ok("app.redirect_uri", uri=registration.redirect_uri())
    yield from _values(registered)
    yield from _expiry(summary)
    yield from _certificates(registered)
    for credential in registered.credentials:
        if isinstance(credential, ManagedIdentity | TokenFile):
            yield from _federated(credential)
    yield from _tenant(registered)


def _hidden() -> Iterator[Observation]:
    apps = SocialApp.objects.filter(provider=PROVIDER)
    hidden = [app.name for app in apps if app.settings.get("hidden")]
    if hidden:
        yield ok("app.hidden", names=", ".join(hidden))


def _other_in_environment(summary: AppSummary) -> str:
    other = conf.MICROSOFT_CLIENT_ID
    if summary.is_in_admin and other and other != summary.client_id:
        return f"MICROSOFT_CLIENT_ID {other} of the environment is not used while admin has an app."
    return ""


def _values(registered: registration.Registration) -> Iterator[Observation]:
    """Wrong values: a Secret ID as the secret, a name as a GUID, a tenant that is not allowed."""
    if not registered.credentials:
        yield fault(
            "app.secret_missing", **refusal_facts(Refused("not_configured", "secret: none"))
        )
    first, second = (*registered.secrets, "", "")[:2]
    given = Changes(
        client_id=registered.client_id,
        tenant=registered.tenant,
        secret=first or None,
        next_secret=second or None,
    )
    code = "wrong_tenant" if is_guid(registered.tenant) else "tenant_not_found"
    for field, problems in problems_of(given).items():
        for problem in problems:
            yield fault(f"app.{field}", problem=problem, code=code)


def _expiry(summary: AppSummary) -> Iterator[Observation]:
    """The next credential counts once Microsoft has accepted it."""
    days = summary.days_left
    if days is None or not summary.credentials:
        return
    used = next(credential for credential in summary.credentials if credential.in_use)
    kind = "certificate" if summary.credential == "certificate" else "secret"
    if days < 0:
        yield fault(f"app.{kind}_expiry", days=-days, date=used.expires, label=used.label)
    elif days <= _SOON_DAYS:
        yield fault(f"app.{kind}_expires_soon", days=days, label=used.label)
    else:
        yield ok(f"app.{kind}_expires_soon", days=days)


def _certificates(registered: registration.Registration) -> Iterator[Observation]:
    """What to upload to Entra, and whether running processes use others."""
    here = [
        credential.certificate
        for credential in registered.credentials
        if isinstance(credential, CertificateCredential)
    ]
    for certificate in here:
        yield ok(
            "app.certificate",
            thumbprint=certificate.portal_thumbprint,
            sha256=certificate.sha256.hex().upper(),
            until=f"{certificate.not_after:%Y-%m-%d}",
        )
    names = [certificate.portal_thumbprint for certificate in here]
    others = sorted(set(registration.certificates_in_use()).difference(names))
    if here and others:
        yield fault("app.certificate_in_use", others=", ".join(others), here=", ".join(names))


def _federated(credential: ManagedIdentity | TokenFile) -> Iterator[Observation]:
    """What to enter in Entra, and whether the token is still valid."""
    try:
        claims = claims_of(credential.token()) or {}
    except Refused as refusal:
        yield fault("app.federated", label=credential.label, **refusal_facts(refusal))
        return
    yield ok("app.federated", label=credential.label, **federated(claims))
    until = claims.get("exp")
    if isinstance(until, int | float) and until < time.time():
        yield fault("app.token_stale", minutes=int((time.time() - until) // 60))


def _tenant(registered: registration.Registration) -> Iterator[Observation]:
    allowed = conf.MICROSOFT_ALLOWED_TENANTS
    if CONSUMER_TENANT in allowed:
        yield fault("app.allowed_tenants", tenant=CONSUMER_TENANT)
    if len(allowed) > 1 and not registered.domains:
        yield fault("app.domains", count=len(allowed))
