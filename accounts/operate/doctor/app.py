"""The app registration in force, as far as it can be judged without asking Microsoft."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from allauth.socialaccount.models import SocialApp
from django.conf import settings

from accounts import registration
from accounts.ids import CONSUMER_TENANT
from accounts.operate.doctor import finding
from accounts.operate.doctor.finding import Finding, error, ok, warning
from accounts.operate.microsoft_app import GUID, Changes, problems_of
from accounts.operate.microsoft_app_shown import Shown, days_left, show
from accounts.reasons import Refused
from accounts.signin.identities import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_FORCE: Final = "app.in_force"
SECRET: Final = "app.secret"  # noqa: S105
_SOON_DAYS: Final = 30
_RENEW: Final = (
    "App registrations > this app > Certificates & secrets > New client secret, then"
    " ./manage.py microsoft_app set --next-secret-stdin (or MICROSOFT_CLIENT_SECRET)."
)
_VARIABLES: Final = {
    "client_id": "MICROSOFT_CLIENT_ID",
    "tenant": "MICROSOFT_TENANT_ID",
    "secret": "MICROSOFT_CLIENT_SECRET",
}
_SHOWS_AS: Final = {
    "client_id": "client_unknown",
    "tenant": "tenant_not_found",
    "secret": "client_secret_wrong",
    "next_secret": "client_secret_wrong",
}


def look() -> Iterator[Finding]:
    """Which one is in force, and what is wrong with it."""
    try:
        found = registration.read_afresh()
    except Refused as refusal:
        yield finding.refused(IN_FORCE, _title(refusal.reason.code), refusal)
        yield from _hidden()
        return
    shown = show()
    yield ok(
        IN_FORCE,
        f"The app registration in force is from {shown.in_force}: client id {found.client_id},"
        f" tenant {found.tenant}",
        _other_in_environment(shown),
    )
    yield ok("app.redirect_uri", f"Redirect URI to register under Web: {found.redirect_uri}")
    yield from _values(found)
    yield from _expiry(shown)
    yield from _tenant(found)


def _title(code: str) -> str:
    return {
        "not_configured": "There is no Microsoft app",
        "several_apps": "There are several Microsoft apps",
    }.get(code, "The client secret cannot be read: SECRET_KEY has changed since it was stored")


def _hidden() -> Iterator[Finding]:
    apps = SocialApp.objects.filter(provider=PROVIDER)
    hidden = [app.name for app in apps if app.settings.get("hidden")]
    if hidden:
        yield ok("app.hidden", f"Hidden Microsoft apps in admin: {', '.join(hidden)}")


def _other_in_environment(shown: Shown) -> str:
    other = settings.MICROSOFT_CLIENT_ID
    if shown.in_force == "admin" and other and other != shown.client_id:
        return f"MICROSOFT_CLIENT_ID {other} of the environment is not used while admin has an app."
    return ""


def _values(found: registration.Registration) -> Iterator[Finding]:
    """Typing errors: a Secret ID for a secret, a name for a GUID, a tenant that is not allowed."""
    if not found.secrets:
        yield finding.refused(
            SECRET, "The app has no client secret", Refused("not_configured", "secret: none")
        )
    first, second = (*found.secrets, "", "")[:2]
    given = Changes(
        client_id=found.client_id, tenant=found.tenant, secret=first, next_secret=second
    )
    for field, problems in problems_of(given).items():
        for problem in problems:
            yield _wrong(field, problem, found)


def _wrong(field: str, problem: str, found: registration.Registration) -> Finding:
    name = field.replace("_", " ")
    code = _SHOWS_AS[field]
    if field == "tenant" and GUID.fullmatch(found.tenant):
        code = "wrong_tenant"
    level = warning if field == "next_secret" else error
    variable = f", or {_VARIABLES[field]} in the environment" if field in _VARIABLES else ""
    fix = f"./manage.py microsoft_app set{variable}."
    return level(f"app.{field}", f"The app's {name} is wrong", problem, shows_as=(code,), fix=fix)


def _expiry(shown: Shown) -> Iterator[Finding]:
    """A second secret takes over, so only the last to expire counts."""
    days = days_left(shown.secret_expires)
    if shown.next_secret.startswith("set"):
        following = days_left(shown.next_secret_expires)
        days = None if following is None or days is None else max(days, following)
    if days is None:
        return
    shows_as = ("client_secret_expired",)
    if days < 0:
        title = f"The client secret expired {-days} days ago"
        detail = f"{shown.secret_expires} is the date entered with it."
        yield error("app.secret_expiry", title, detail, shows_as=shows_as, fix=_RENEW)
    elif days <= _SOON_DAYS:
        title = f"The client secret expires in {days} days"
        detail = "After that nobody can sign in."
        yield warning("app.secret_expiry", title, detail, shows_as=shows_as, fix=_RENEW)
    else:
        yield ok("app.secret_expiry", f"The client secret is good for another {days} days")


def _tenant(found: registration.Registration) -> Iterator[Finding]:
    allowed = settings.MICROSOFT_ALLOWED_TENANTS
    if CONSUMER_TENANT in allowed:
        yield error(
            "app.allowed_tenants",
            "MICROSOFT_ALLOWED_TENANTS lists the tenant of personal accounts",
            "They never get in.",
            shows_as=("wrong_tenant",),
            fix=f"Take {CONSUMER_TENANT} out.",
        )
    if len(allowed) > 1 and not found.domains:
        yield warning(
            "app.domains",
            f"{len(allowed)} tenants are allowed, but none has a list of domains",
            "Each may claim only addresses that Microsoft says it owns (xms_edov).",
            shows_as=("no_email",),
            fix="Add the optional claim xms_edov in Entra, or the tenants' domains to the app:"
            " ./manage.py microsoft_app set --help",
        )
