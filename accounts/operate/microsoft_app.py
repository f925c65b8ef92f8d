"""The Microsoft app kept in admin: check what is entered, save it, show it, try it.

A secret is encrypted before it is stored, and nothing here gives it back.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .. import secretbox
from ..reasons import Refused
from ..signin.identities import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
_SHORTEST_SECRET: Final = 16
LONGEST_SECRET: Final = 79  # encrypted, more would not fit into allauth's column
_OF_APP: Final = ("name", "client_id")
_SECRETS: Final = {"secret": "secret_expires", "next_secret": "next_secret_expires"}


class Invalid(Exception):
    """What was entered cannot be right: `problems` by field. Nothing was saved."""

    def __init__(self, problems: Mapping[str, Sequence[str]]) -> None:
        super().__init__(" ".join(text for texts in problems.values() for text in texts))
        self.problems = problems


@dataclass(frozen=True, slots=True, repr=False)
class Changes:
    """What to change; None leaves a value, "" or () empties it. No repr: it holds secrets."""

    name: str | None = None
    client_id: str | None = None
    tenant: str | None = None
    secret: str | None = None
    secret_expires: date | None = None
    next_secret: str | None = None
    next_secret_expires: date | None = None
    domains: tuple[str, ...] | None = None

    def given(self) -> dict[str, Any]:
        """What is not None, by name."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


def visible() -> list[SocialApp]:
    """Microsoft apps in admin that are not hidden."""
    apps = SocialApp.objects.filter(provider=PROVIDER).order_by("pk")
    return [app for app in apps if not app.settings.get("hidden")]


def save(changes: Changes) -> tuple[SocialApp, bool]:
    """Create or update the app; returns it and whether it is new. Raises Invalid, Refused."""
    problems = problems_of(changes)
    with transaction.atomic():
        app = _the_app()
        if app.pk is None and not changes.client_id:
            problems["client_id"].append("A new app needs a client id (--client-id).")
        if problems:
            raise Invalid(problems)
        created = app.pk is None
        apply(app, changes)
        app.save()
    return app, created


def promote_next() -> SocialApp:
    """The second secret becomes the first. Raises Invalid when there is none, Refused."""
    with transaction.atomic():
        app = _the_app()
        following = app.settings.pop("next_secret", "")
        if not following:
            raise Invalid({"next_secret": ["There is no second secret to promote."]})
        app.secret = following
        _keep(app.settings, "secret_expires", app.settings.pop("next_secret_expires", None))
        app.save()
    return app


def problems_of(changes: Changes) -> defaultdict[str, list[str]]:
    """Everything wrong with what was entered, by field, in words that say what to enter."""
    problems: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in changes.given().items():
        problems[name] += _CHECKS[name](value)
    return defaultdict(list, {name: found for name, found in problems.items() if found})


def _the_app() -> SocialApp:
    apps = visible()
    if len(apps) > 1:
        raise Refused("several_apps", f"app: {len(apps)} visible Microsoft apps")
    new = SocialApp(provider=PROVIDER, name="Microsoft", settings={})
    return SocialApp.objects.select_for_update().get(pk=apps[0].pk) if apps else new


def apply(app: SocialApp, changes: Changes) -> None:
    """Put the changes, which have no problems, into the app; it is saved by the caller."""
    given = changes.given()
    for name in _OF_APP:
        if name in given:
            setattr(app, name, given[name])
    for name in ("tenant", "domains"):
        if name in given:
            value = given[name].lower() if name == "tenant" else [v.lower() for v in given[name]]
            _keep(app.settings, name, value)
    for name, expires in _SECRETS.items():
        _apply_secret(app, given, name, expires)


def _apply_secret(app: SocialApp, given: Mapping[str, Any], name: str, expires: str) -> None:
    """An expiry date belongs to its secret: a new secret without one has none."""
    if name in given:
        locked = secretbox.encrypt(given[name])
        app.settings.pop(expires, None)
        if name == "secret":
            app.secret = locked
        else:
            _keep(app.settings, name, locked)
    if expires in given:
        app.settings[expires] = given[expires].isoformat()


def _keep(kept: dict[str, Any], name: str, value: Any) -> None:
    if value:
        kept[name] = value
    else:
        kept.pop(name, None)


def _check_name(name: str) -> Iterator[str]:
    if not 1 <= len(name) <= 40:
        yield "The name has 1 to 40 characters."


def _check_client_id(client_id: str) -> Iterator[str]:
    if not GUID.fullmatch(client_id):
        yield "The client id is a GUID: Application (client) ID on the app's Overview page."


def _check_tenant(tenant: str) -> Iterator[str]:
    tenant, allowed = tenant.lower(), settings.MICROSOFT_ALLOWED_TENANTS
    if tenant in ("common", "consumers"):
        yield f"The tenant {tenant!r} would let strangers in: enter your tenant's GUID."
    elif tenant == "organizations":
        if len(allowed) < 2:
            yield "The tenant 'organizations' goes with MICROSOFT_ALLOWED_TENANTS only."
    elif tenant and not (GUID.fullmatch(tenant) or DOMAIN.fullmatch(tenant)):
        yield "The tenant is a GUID (Directory (tenant) ID) or a verified domain."
    elif tenant and not _within_bound(tenant, allowed):
        yield "MICROSOFT_ALLOWED_TENANTS does not allow this tenant, and nothing here widens it."


def _within_bound(tenant: str, allowed: frozenset[str]) -> bool:
    """A domain's GUID is known to Microsoft only: sign-in itself checks it."""
    if not allowed:
        return tenant == settings.MICROSOFT_TENANT_ID.lower()
    return tenant in allowed or not GUID.fullmatch(tenant)


def _check_secret(secret: str) -> Iterator[str]:
    if GUID.fullmatch(secret):
        yield "That is the secret's ID: copy the column Value, which Entra shows only once."
    elif secret and "***" in secret:
        yield "That secret is masked: Entra shows it only once, so make a new one."
    elif secret and not (secret.isascii() and secret.isprintable() and " " not in secret):
        yield "The secret has a space or a character that no secret has: copy it again."
    elif secret and len(secret) < _SHORTEST_SECRET:
        yield "The secret is too short to be one: copy the column Value in full."
    elif len(secret) > LONGEST_SECRET:
        yield f"The secret is longer than {LONGEST_SECRET} characters: Entra's have 40."


def _check_expiry(expires: date) -> Iterator[str]:
    if expires <= timezone.localdate():
        yield f"The secret's expiry date {expires} has passed."


def _check_domains(domains: Sequence[str]) -> Iterator[str]:
    """With several allowed tenants each domain says whose it is: TENANT-GUID=contoso.com."""
    allowed = settings.MICROSOFT_ALLOWED_TENANTS
    for entry in domains:
        tid, named, domain = entry.lower().rpartition("=")
        if not DOMAIN.fullmatch(domain):
            yield f"{entry!r} is no domain: write it as contoso.com."
        elif named and tid not in allowed:
            yield f"{entry!r}: {tid or 'nothing'} is not one of MICROSOFT_ALLOWED_TENANTS."
        elif not named and len(allowed) > 1:
            yield f"{entry!r}: several tenants are allowed, so say whose: TENANT-GUID={domain}."


_CHECKS: Final[Mapping[str, Any]] = {
    "name": _check_name,
    "client_id": _check_client_id,
    "tenant": _check_tenant,
    "secret": _check_secret,
    "secret_expires": _check_expiry,
    "next_secret": _check_secret,
    "next_secret_expires": _check_expiry,
    "domains": _check_domains,
}
