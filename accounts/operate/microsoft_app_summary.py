"""The Microsoft app in force and its credentials, without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from .. import registration
from ..conf import conf
from ..display import local_time
from ..display.naming import as_set_here
from ..entra.credentials import Credential
from ..entra.credentials.managed_identity import ManagedIdentity, audience_of
from ..entra.credentials.proof import TokenFile, claims_of
from ..protection import secretbox
from ..reasons import REASONS, Refused
from ..registration import SLOTS, kind_of, value_in
from .microsoft_app import KINDS, TESTS

_NOT_SET: Final = noop("not set")
_UNREADABLE: Final = noop("unreadable")  # under a key that is gone
_UNUSABLE: Final = noop("unusable")  # damaged, or ended
_IN_ENVIRONMENT: Final = noop("set, in the environment")
# Composed names, for the catalogues.
_NAMES: Final = (
    noop("next secret"),
    noop("next certificate"),
    noop("Thumbprint of the certificate"),
    noop("Thumbprint of the next certificate"),
    noop("Issuer"),
    noop("Subject"),
    noop("Audience"),
)


@dataclass(frozen=True, slots=True)
class CredentialSummary:
    """One credential, without its secret.

    `tested` is the date of the last test, `refused` its reason code, or "".
    """

    slot: str
    label: str
    kept: str
    expires: str = ""
    days_left: int | None = None
    tested: str = ""
    refused: str = ""
    in_use: bool = False

    @property
    def expires_on(self) -> date | None:
        """`expires` as a date; None where it is not known."""
        return _date(self.expires)

    @property
    def tested_on(self) -> date | None:
        """`tested` as a date; None where there was no test."""
        return _date(self.tested)

    @property
    def why_refused(self) -> str:
        """The title of the reason."""
        return str(REASONS[self.refused].title) if self.refused in REASONS else self.refused

    @property
    def is_usable(self) -> bool:
        """Whether it can be read and was not refused."""
        return not self.refused and self.kept not in (_UNREADABLE, _UNUSABLE)

    @property
    def is_accepted(self) -> bool:
        """Whether Microsoft accepted it in the last test."""
        return bool(self.tested) and not self.refused


@dataclass(frozen=True, slots=True)
class AppSummary:
    """`in_force` is admin, environment or nothing; `problem` a reason code, or ""."""

    in_force: str
    problem: str
    fix: str
    apps: tuple[str, ...]
    redirect_uri: str
    login_url: str
    allowed_tenants: tuple[str, ...]
    allow_guests: bool
    client_id: str = ""
    tenant: str = ""
    secret: str = _NOT_SET
    secret_expires: str = ""
    secret_days_left: int | None = None
    next_secret: str = _NOT_SET
    next_secret_expires: str = ""
    domains: tuple[str, ...] = ()
    app_id: int | None = None
    credential: str = ""
    credentials: tuple[CredentialSummary, ...] = ()

    @property
    def is_in_admin(self) -> bool:
        """Whether it is stored in admin, with its test results."""
        return self.in_force == "admin"

    @property
    def days_left(self) -> int | None:
        """Days until the last good credential expires; None where that is not known.

        A next credential counts once Microsoft has accepted it; in the environment, whose tests
        are not stored, always.
        """
        first = next((one for one in self.credentials if one.in_use), None)
        every = self.in_force == "environment"
        good = [one for one in self.credentials if every or one is first or one.is_accepted]
        ends = [one.days_left for one in good]
        if not ends or first is None or first.days_left is None:
            return None
        known = [days for days in ends if days is not None]
        return None if len(known) < len(ends) else max(known)


def show() -> AppSummary:
    """The app in force, as stored now."""
    apps = registration.registered_apps(get_adapter())
    problem = "not_configured" if not apps else "several_apps" if len(apps) > 1 else ""
    values = _of_app(apps[0]) if len(apps) == 1 else {}
    if any(one.kept == _UNREADABLE for one in values.get("credentials", ())):
        problem = "misconfigured"
    elif values and not problem:
        problem = _unusable(apps[0])
    in_force = "admin" if apps and apps[0].pk else "environment" if apps else "nothing"
    return AppSummary(
        in_force=in_force,
        problem=problem,
        fix=_fix(problem),
        apps=tuple(_named(app) for app in apps),
        redirect_uri=registration.redirect_uri(),
        login_url=conf.MICROSOFT_LOGIN_URL,
        allowed_tenants=tuple(sorted(conf.MICROSOFT_ALLOWED_TENANTS)),
        allow_guests=conf.MICROSOFT_ALLOW_GUESTS,
        **values,
    )


def _unusable(app: SocialApp) -> str:
    """The reason code if no credential can be used, as far as it is known without Microsoft."""
    try:
        registration.by_slot(app)
    except Refused as refused:
        return refused.reason.code
    return ""


def _of_app(app: SocialApp) -> dict[str, Any]:
    settings = app.settings
    return {
        "app_id": app.pk,
        "client_id": app.client_id,
        "tenant": settings.get("tenant") or conf.MICROSOFT_TENANT_ID,
        "secret": storage_in_words(app.secret, in_environment=app.pk is None),
        "secret_expires": settings.get("secret_expires", ""),
        "secret_days_left": days_left(settings.get("secret_expires", "")),
        "next_secret": storage_in_words(settings.get("next_secret", "")),
        "next_secret_expires": settings.get("next_secret_expires", ""),
        "domains": tuple(settings.get("domains", ())),
        "credential": kind_of(app),
        "credentials": credentials_of(app),
    }


def credentials_of(app: SocialApp) -> tuple[CredentialSummary, ...]:
    """The app's credentials, in the order in which they are tried."""
    try:
        made: list[tuple[str, Credential | None]] = [*registration.by_slot(app)]
    except Refused:
        made = []
    order = SLOTS[kind_of(app)]
    readable = {slot for slot, _one in made}
    made += [(slot, None) for slot in order if value_in(app, slot) and slot not in readable]
    made.sort(key=lambda pair: order.index(pair[0]))
    summaries = [_credential(app, *pair) for pair in made]
    used = next((number for number, one in enumerate(summaries) if one.is_usable), 0)
    return tuple(replace(one, in_use=n == used) for n, one in enumerate(summaries))


def _credential(app: SocialApp, slot: str, made: Credential | None) -> CredentialSummary:
    tested = app.settings.get(TESTS, {}).get(slot, {})
    certificate = getattr(made, "certificate", None)
    expires = app.settings.get(f"{slot}_expires", "")
    if certificate is not None:
        expires = certificate.not_after.date().isoformat()
    kept = _kept(app, slot)
    return CredentialSummary(
        slot=slot,
        label=_label(slot, made),
        kept=kept if made or kept == _UNREADABLE else _UNUSABLE,
        expires=expires,
        days_left=days_left(expires),
        tested=str(tested.get("at", "")),
        refused=str(tested.get("reason", "")),
    )


def _label(slot: str, made: Credential | None) -> str:
    """Such as "next certificate 0A1B…"."""
    kind = KINDS[slot.removeprefix("next_")]  # type: ignore[index]
    name = _(f"next {kind}" if slot.startswith("next") else kind)
    return name + made.label.removeprefix(kind) if made else name


def _kept(app: SocialApp, slot: str) -> str:
    in_environment = registration.is_environments(app)
    if in_environment or not secretbox.is_secret(slot) or not value_in(app, slot):
        return _IN_ENVIRONMENT if in_environment or slot == "token_file" else noop("set")
    return storage_in_words(value_in(app, slot))


def entra_entries(app: SocialApp) -> dict[str, str]:
    """What to enter in Entra for the app's credentials; of a federated one, from its token.

    Raises Refused when there is no token.
    """
    entries: dict[str, str] = {}
    for slot, made in registration.by_slot(app):
        certificate = getattr(made, "certificate", None)
        if certificate is not None:
            where = "next certificate" if slot.startswith("next") else "certificate"
            entries[f"Thumbprint of the {where}"] = certificate.portal_thumbprint
        elif isinstance(made, ManagedIdentity | TokenFile):
            claims = claims_of(made.token()) or {}
            entries |= {name.capitalize(): text for name, text in federated(claims).items()}
    return entries


def public_certificates(app: SocialApp) -> tuple[str, ...]:
    """The certificates to upload to Entra, as PEM without their keys."""
    try:
        made = [getattr(one, "certificate", None) for _slot, one in registration.by_slot(app)]
    except Refused:
        return ()
    return tuple(one.public_pem for one in made if one is not None)


def expected_entries(app: SocialApp) -> dict[str, str]:
    """What to enter, as far as it is known without a token."""
    if kind_of(app) != "managed_identity":
        return {}
    tenant = app.settings.get("tenant") or conf.MICROSOFT_TENANT_ID
    return {
        "Issuer": f"{conf.MICROSOFT_LOGIN_URL}/{tenant}/v2.0",
        "Subject": _("the identity's Object (principal) ID"),
        "Audience": audience_of(conf.MICROSOFT_LOGIN_URL),
    }


def federated(claims: Mapping[str, object]) -> dict[str, str]:
    """Issuer, subject and audience of the token that a federated credential sends."""
    named = {"issuer": "iss", "subject": "sub", "audience": "aud"}
    return {name: str(claims.get(claim) or "") for name, claim in named.items()}


def days_left(expires: str) -> int | None:
    """Days until an ISO date, negative once it has passed; None when there is none."""
    ends = _date(expires)
    return (ends - local_time.today()).days if ends else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def storage_in_words(value: str, *, in_environment: bool = False) -> str:
    """Whether a secret is set, and whether encrypted, in words."""
    if not value:
        return _NOT_SET
    if in_environment:
        return _IN_ENVIRONMENT
    try:
        secretbox.decrypt(value)
    except secretbox.Unreadable:
        return _UNREADABLE
    return noop("set, encrypted") if secretbox.is_encrypted(value) else noop("set, not encrypted")


def _fix(problem: str) -> str:
    if problem == "misconfigured":
        return (
            "The secret was encrypted under a SECRET_KEY that is gone. Put that key into"
            " SECRET_KEY_FALLBACKS, or enter the secret again: ./manage.py microsoft_app set."
        )
    return as_set_here(REASONS[problem].fix) if problem else ""


def _named(app: SocialApp) -> str:
    values = {"name": app.name or "Microsoft", "id": app.client_id}
    if app.pk is None:
        return _("%(name)s (environment), client ID %(id)s") % values
    return _("%(name)s (number %(pk)d), client ID %(id)s") % {**values, "pk": app.pk}
