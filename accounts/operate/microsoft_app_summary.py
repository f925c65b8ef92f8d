"""What can be shown of the Microsoft app in force: everything but its secrets."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from allauth.socialaccount.adapter import get_adapter
from django.conf import settings
from django.utils import timezone

from .. import registration, secretbox
from ..reasons import REASONS

if TYPE_CHECKING:
    from allauth.socialaccount.models import SocialApp

_NOT_SET: Final = "not set"


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

    def as_dict(self) -> dict[str, Any]:
        """For JSON and templates."""
        return asdict(self)


def show() -> AppSummary:
    """The app in force, read afresh."""
    apps = registration.registered_apps(get_adapter())
    problem = "not_configured" if not apps else "several_apps" if len(apps) > 1 else ""
    values = _of_app(apps[0]) if len(apps) == 1 else {}
    if "unreadable" in values.values():
        problem = "misconfigured"
    return AppSummary(
        in_force=_source(apps),
        problem=problem,
        fix=_fix(problem),
        apps=tuple(_named(app) for app in apps),
        redirect_uri=registration.redirect_uri(),
        login_url=settings.MICROSOFT_LOGIN_URL,
        allowed_tenants=tuple(sorted(settings.MICROSOFT_ALLOWED_TENANTS)),
        allow_guests=settings.MICROSOFT_ALLOW_GUESTS,
        **values,
    )


def _of_app(app: SocialApp) -> dict[str, Any]:
    kept = app.settings
    return {
        "client_id": app.client_id,
        "tenant": kept.get("tenant") or settings.MICROSOFT_TENANT_ID,
        "secret": how_kept(app.secret, in_environment=app.pk is None),
        "secret_expires": kept.get("secret_expires", ""),
        "secret_days_left": days_left(kept.get("secret_expires", "")),
        "next_secret": how_kept(kept.get("next_secret", "")),
        "next_secret_expires": kept.get("next_secret_expires", ""),
        "domains": tuple(kept.get("domains", ())),
    }


def days_left(expires: str) -> int | None:
    """Days until an ISO date, negative once it has passed; None when there is none."""
    try:
        return (date.fromisoformat(expires) - timezone.localdate()).days
    except ValueError:
        return None


def how_kept(value: str, *, in_environment: bool = False) -> str:
    """Whether a secret is set and how it is kept, in words; never the secret."""
    if not value:
        return _NOT_SET
    if in_environment:
        return "set, in the environment"
    try:
        secretbox.decrypt(value)
    except secretbox.Unreadable:
        return "unreadable"
    return "set, encrypted" if secretbox.is_locked(value) else "set, not encrypted"


def _source(apps: list[SocialApp]) -> str:
    if not apps:
        return "nothing"
    return "admin" if apps[0].pk else "environment"


def _fix(problem: str) -> str:
    if problem == "misconfigured":
        return (
            "The secret was encrypted under a SECRET_KEY that is gone. Put that key into"
            " SECRET_KEY_FALLBACKS, or enter the secret again: ./manage.py microsoft_app set."
        )
    return REASONS[problem].fix if problem else ""


def _named(app: SocialApp) -> str:
    return f"{app.pk or 'environment'}: {app.name or 'Microsoft'}, client id {app.client_id}"
