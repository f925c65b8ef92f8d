"""Change the Microsoft app that is stored in admin: check the changes, and apply them to a copy.

Secrets and keys are encrypted before they are stored, and not returned. Whether Microsoft accepts
them is checked before saving, by `operate.doctor.before_saving`.
"""

from __future__ import annotations

import copy
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from allauth.socialaccount.models import SocialApp
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop
from django.views.decorators.debug import sensitive_variables

from ..conf import conf
from ..configuration import readers, suspicious
from ..display import local_time
from ..display.naming import as_set_here
from ..entra.credentials.proof import Kind
from ..ids import is_guid
from ..protection import secretbox
from ..reasons import Refused
from ..registration import SLOTS, kind_of, value_in
from ..signin.identities import PROVIDER
from ..stores import transaction
from . import OperatorError

DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE)
_SHORTEST_SECRET: Final = 16
LONGEST_SECRET: Final = 79  # encrypted, more would not fit into allauth's column
_KIND_OF_SLOT: Final = {slot: kind for kind, slots in SLOTS.items() for slot in slots}
_ENTERED: Final = (*SLOTS["secret"], *SLOTS["certificate"])
PREVIOUS: Final = "previous_secrets"  # the app before the last change, encrypted
TESTS: Final = "last_tests"
# What a sign-in depends on, and undo restores.
_OF_SIGN_IN: Final = (
    *("tenant", "hidden", "credential", TESTS),
    *_KIND_OF_SLOT,
    *(f"{slot}_expires" for slot in SLOTS["secret"]),
)
KINDS: Final[Mapping[Kind, str]] = {
    "secret": noop("secret"),
    "certificate": noop("certificate"),
    "managed_identity": noop("managed identity"),
    "token_file": noop("token file"),
}


class Invalid(OperatorError):
    """What was entered is wrong, with `problems` by field. Nothing was saved."""

    def __init__(self, problems: Mapping[str, Sequence[str]]) -> None:
        by_field = {name: [as_set_here(text) for text in texts] for name, texts in problems.items()}
        super().__init__("\n".join(text for texts in by_field.values() for text in texts))
        self.problems = by_field


def label_in_words(label: str) -> str:
    """A credential's label, such as "certificate 0A1B…", in the reader's language."""
    kind = next((kind for kind in KINDS.values() if label.startswith(kind)), "")
    return _(kind) + label.removeprefix(kind) if kind else label


@dataclass(frozen=True, slots=True, repr=False)
class Changes:
    """What to change; None leaves a value, "" or () removes it. No repr: it holds secrets.

    Certificates are PEM with their key, as `read_certificate` returns it; `promote` puts the next
    credential in place of the first.
    """

    name: str | None = None
    client_id: str | None = None
    tenant: str | None = None
    hidden: bool | None = None
    credential: Kind | None = None
    certificate: str | None = None
    next_certificate: str | None = None
    managed_identity: str | None = None
    promote: bool | None = None
    secret: str | None = None
    secret_expires: date | str | None = None
    next_secret: str | None = None
    next_secret_expires: date | str | None = None
    domains: tuple[str, ...] | None = None

    def given(self) -> dict[str, Any]:
        """The values that are not None, by name."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@sensitive_variables()
def read_certificate(data: bytes, passphrase: str = "") -> str:
    """PEM of the one certificate and key in what was entered. Raises OperatorError."""
    # Imported here, so that sites with a secret do not load cryptography.
    from ..entra.credentials.keys import read_entered

    try:
        return read_entered(data, passphrase).whole_pem
    except ValueError as problem:
        what = _(getattr(problem, "text", str(problem))).format(**getattr(problem, "facts", {}))
        text = _("What was entered %(problem)s.")
        raise OperatorError(text % {"problem": what}) from None


def the_app() -> SocialApp:
    """The Microsoft app in admin that is not hidden, or a new one. Raises Refused(several_apps)."""
    stored = SocialApp.objects.filter(provider=PROVIDER).order_by("pk")
    apps = [app for app in stored if not app.settings.get("hidden")]
    if len(apps) > 1:
        raise Refused("several_apps", f"app: {len(apps)} visible Microsoft apps")
    new = SocialApp(provider=PROVIDER, name="Microsoft", settings={"credential": "secret"})
    return apps[0] if apps else new


@sensitive_variables()
def changed(app: SocialApp, changes: Changes) -> SocialApp:
    """A copy of the app with the changes, not saved yet. Raises Invalid."""
    problems = problems_with(app, changes)
    if not app.pk and not changes.client_id:
        problems["client_id"].append(_("A new app needs a client ID (--client-id)."))
    if problems:
        raise Invalid(problems)
    after = copy.deepcopy(app)
    _apply(after, changes)
    if _identity(app) != _identity(after):
        after.settings.pop(TESTS, None)
    if touches_sign_in(app, after) and app.pk and not _keeps_previous(app):
        after.settings[PREVIOUS] = _snapshot(app)
    return after


def is_as_read(app: SocialApp) -> bool:
    """Whether nobody has saved the app since it was read; in a transaction, its row is locked.

    Between reading and saving Microsoft is asked, and someone else may save.
    """
    rows = SocialApp.objects.filter(pk=app.pk)
    if transaction.connection.in_atomic_block:
        rows = rows.select_for_update()
    now = rows.values_list("client_id", "secret", "settings").first()
    return now == (app.client_id, app.secret, app.settings)


def undone(app: SocialApp) -> SocialApp | None:
    """A copy as before the last change, None without one. The undo can be undone in turn."""
    before = _previous(app)
    if before is None:
        return None
    after = copy.deepcopy(app)
    after.client_id, after.secret = before["client_id"], before["secret"]
    for name in _OF_SIGN_IN:
        _set(after.settings, name, before["settings"].get(name))
    after.settings[PREVIOUS] = _snapshot(app)
    _encrypt_all(after)
    return after


def changed_at(app: SocialApp) -> datetime | None:
    """The time of the change that can be undone, or None."""
    before = _previous(app)
    return datetime.fromisoformat(before["at"]) if before else None


def _previous(app: SocialApp) -> dict[str, Any] | None:
    try:
        before: dict[str, Any] = json.loads(secretbox.decrypt(app.settings.get(PREVIOUS, "")))
    except (secretbox.Unreadable, ValueError):
        return None
    return before


def _keeps_previous(app: SocialApp) -> bool:
    """Whether to keep the stored previous app: Microsoft accepted it, and not the present one.

    Otherwise a second change after a wrong secret would lose the good one.
    """
    before = _previous(app)
    return bool(before and _is_accepted(before["settings"]) and not _is_accepted(app.settings))


def _is_accepted(stored: Mapping[str, Any]) -> bool:
    slots, tests = SLOTS[stored.get("credential") or "secret"], stored.get(TESTS, {})
    return any(tests.get(slot, {}).get("reason") == "" for slot in slots)


@sensitive_variables()
def touches_sign_in(before: SocialApp, after: SocialApp) -> bool:
    """Whether anything differs that a sign-in depends on."""
    return not before.pk or _facts(before) != _facts(after)


@sensitive_variables()
def new_in(before: SocialApp | None, after: SocialApp, slot: str) -> bool:
    """Whether this slot has another value than before."""
    return before is None or _decrypted(value_in(before, slot)) != _decrypted(value_in(after, slot))


def remember_tests(app: SocialApp, tests: Mapping[str, str]) -> bool:
    """Store the test results by slot, "" or a reason code; returns whether they differ."""
    today = local_time.today().isoformat()
    results = {slot: {"at": today, "reason": reason} for slot, reason in tests.items()}
    before = app.settings.get(TESTS, {})
    _set(app.settings, TESTS, {**before, **results})
    return bool({**before, **results} != before)


def problems_with(app: SocialApp, changes: Changes) -> defaultdict[str, list[str]]:
    """Everything wrong with the changes to this app, by field."""
    problems = problems_of(changes)
    kinds = _kinds_entered(changes)
    if len(kinds) > 1:
        text = _("An app proves itself by one thing only, and several were given: %(kinds)s.")
        named = ", ".join(_(KINDS[kind]) for kind in kinds)
        problems["credential"].append(text % {"kinds": named})
    elif missing := _missing(app, changes, next(iter(kinds), kind_of(app))):
        field, text = missing
        problems[field].append(text)
    return problems


def problems_of(changes: Changes) -> defaultdict[str, list[str]]:
    """Everything wrong with the values, by field; each text says what to enter."""
    problems: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in changes.given().items():
        if found := list(_CHECKS[name](value) if name in _CHECKS else ()):
            problems[name] = found
    return problems


def _kinds_entered(changes: Changes) -> list[Kind]:
    """The kinds of credential that were chosen or entered."""
    given = changes.given()
    entered = [kind for slot, kind in _KIND_OF_SLOT.items() if given.get(slot)]
    chosen = [changes.credential] if changes.credential else []
    return list(dict.fromkeys([*chosen, *entered]))


def _missing(app: SocialApp, changes: Changes, kind: Kind) -> tuple[str, str] | None:
    """The field that this kind needs and that is empty, and what to enter there."""
    given, following = changes.given(), f"next_{kind}"
    stored = value_in(app, following) if kind_of(app) == kind else ""
    if changes.promote and not (given.get(following) or stored):
        return "promote", _("There is no next one to promote.")
    if kind == "certificate" and not (given.get(kind) or value_in(app, kind)):
        return "certificate", _("Paste or upload the certificate with its key.")
    if kind == "managed_identity" and not _identity_named(app, given):
        return "managed_identity", _("Enter the identity's client ID.")
    if kind == "token_file" and not conf.MICROSOFT_TOKEN_FILE:
        return "credential", _(
            "MICROSOFT_TOKEN_FILE is not set: the file is chosen in the environment only."
        )
    return None


def _identity_named(app: SocialApp, given: Mapping[str, Any]) -> bool:
    named = given.get("managed_identity", app.settings.get("managed_identity", ""))
    return bool(named or conf.MICROSOFT_MANAGED_IDENTITY_CLIENT_ID)


@sensitive_variables()
def _apply(app: SocialApp, changes: Changes) -> None:
    """Apply checked changes to the app."""
    given = changes.given()
    app.provider = PROVIDER
    _apply_unencrypted(app, given)
    _clear_other_kinds(app, next(iter(_kinds_entered(changes)), kind_of(app)))
    for slot in _ENTERED:
        if slot in given:
            _store(app, slot, given[slot])
        if f"{slot}_expires" in given:
            _set(app.settings, f"{slot}_expires", str(given[f"{slot}_expires"]))
    if changes.promote:
        _promote(app)


def _apply_unencrypted(app: SocialApp, given: Mapping[str, Any]) -> None:
    for name in ("name", "client_id"):
        setattr(app, name, given.get(name, getattr(app, name)))
    for name in ("tenant", "managed_identity"):
        _set(app.settings, name, given.get(name, app.settings.get(name, "")).lower())
    domains = given.get("domains", app.settings.get("domains", ()))
    _set(app.settings, "domains", [domain.lower() for domain in domains])
    _set(app.settings, "hidden", given.get("hidden", app.settings.get("hidden")))


def _clear_other_kinds(app: SocialApp, kind: Kind) -> None:
    """Credentials of another kind are removed; `PREVIOUS` has them for the undo."""
    before = kind_of(app)
    app.settings["credential"] = kind
    if kind == before:
        return
    for slot, kind_of_slot in _KIND_OF_SLOT.items():
        if kind_of_slot != kind:
            _store(app, slot, "")


@sensitive_variables()
def _store(app: SocialApp, slot: str, value: str) -> None:
    """Store in the slot, encrypted; expiry date and test result of the former value are removed."""
    stored = secretbox.encrypt(value) if secretbox.is_secret(slot) else value
    if slot == "secret":
        app.secret = stored
    else:
        _set(app.settings, slot, stored)
    app.settings.pop(f"{slot}_expires", None)
    others = {name: result for name, result in app.settings.get(TESTS, {}).items() if name != slot}
    _set(app.settings, TESTS, others)


def _promote(app: SocialApp) -> None:
    """The next credential becomes the only one, with its expiry date and test result."""
    first: str = kind_of(app)
    following = f"next_{first}"
    tested = app.settings.get(TESTS, {}).get(following)
    value, expires = value_in(app, following), app.settings.get(f"{following}_expires")
    _store(app, first, secretbox.decrypt(value))
    _store(app, following, "")
    _set(app.settings, f"{first}_expires", expires)
    if tested:
        app.settings.setdefault(TESTS, {})[first] = tested


@sensitive_variables()
def _snapshot(app: SocialApp) -> str:
    """The app's part in a sign-in, encrypted as a whole."""
    stored = {name: _decrypted(app.settings[name]) for name in _OF_SIGN_IN if name in app.settings}
    before = {
        "at": timezone.now().isoformat(timespec="seconds"),
        "client_id": app.client_id,
        "secret": _decrypted(app.secret),
        "settings": {"credential": kind_of(app), **stored},
    }
    return secretbox.encrypt(json.dumps(before))


def _encrypt_all(app: SocialApp) -> None:
    app.secret = secretbox.rotate(app.secret)
    for slot in _ENTERED:
        if slot in app.settings:
            app.settings[slot] = secretbox.rotate(app.settings[slot])


def _identity(app: SocialApp) -> tuple[str, str]:
    return app.client_id, app.settings.get("tenant") or ""


@sensitive_variables()
def _facts(app: SocialApp) -> dict[str, Any]:
    stored = {
        "client_id": app.client_id,
        "tenant": app.settings.get("tenant") or "",
        "hidden": bool(app.settings.get("hidden")),
        "credential": kind_of(app),
    }
    return stored | {slot: _decrypted(value_in(app, slot)) for slot in _KIND_OF_SLOT}


def _decrypted(value: Any) -> Any:
    """Decrypted, or as it is where no key fits."""
    try:
        return secretbox.decrypt(value) if isinstance(value, str) else value
    except secretbox.Unreadable:
        return value


def _set(stored: dict[str, Any], name: str, value: Any) -> None:
    if value:
        stored[name] = value
    else:
        stored.pop(name, None)


def _check_name(name: str) -> Iterator[str]:
    if not 1 <= len(name) <= 40:
        yield _("The name has 1 to 40 characters.")


def _check_identity(client_id: str) -> Iterator[str]:
    if client_id and not is_guid(client_id):
        yield _(
            "The identity is named by a GUID: Client ID on the managed identity's Overview page."
        )


def _check_client_id(client_id: str) -> Iterator[str]:
    if not is_guid(client_id):
        yield _("The client ID is a GUID: Application (client) ID on the app's Overview page.")


def _check_tenant(tenant: str) -> Iterator[str]:
    tenant, allowed = tenant.lower(), conf.MICROSOFT_ALLOWED_TENANTS
    if tenant in ("common", "consumers"):
        text = _("The tenant “%(tenant)s” would let strangers in: enter your tenant's GUID.")
        yield text % {"tenant": tenant}
    elif tenant == "organizations":
        if len(allowed) < 2 and conf.MICROSOFT_TENANT_ID.lower() != tenant:
            yield _("The tenant “organizations” goes with MICROSOFT_ALLOWED_TENANTS only.")
    elif tenant and not (is_guid(tenant) or DOMAIN.fullmatch(tenant)):
        yield _("The tenant is a GUID (Directory (tenant) ID) or a verified domain.")
    elif tenant and not _within_bound(tenant, allowed):
        yield _("MICROSOFT_ALLOWED_TENANTS does not allow this tenant, and nothing here widens it.")


def _within_bound(tenant: str, allowed: frozenset[str]) -> bool:
    """Only Microsoft knows the GUID of a domain: the sign-in checks it."""
    if not allowed:
        return bool(tenant == conf.MICROSOFT_TENANT_ID.lower())
    return tenant in allowed or not is_guid(tenant)


def _check_secret(secret: str) -> Iterator[str]:
    if is_guid(secret):
        yield _("That is the secret's ID: copy the column Value, which Entra shows only once.")
    elif secret and "***" in secret:
        yield _("That secret is masked: Entra shows it only once, so make a new one.")
    elif secret and not (secret.isascii() and secret.isprintable() and " " not in secret):
        yield _("The secret has a space or a character that no secret has: copy it again.")
    elif secret and len(secret) < _SHORTEST_SECRET:
        yield _("The secret is too short to be one: copy the column Value in full.")
    elif len(secret) > LONGEST_SECRET:
        text = _("The secret is longer than %(most)d characters: Entra's have 40.")
        yield text % {"most": LONGEST_SECRET}
    elif secret and _is_something_else(secret):
        yield _(
            "That is not a secret's value but a reference, a placeholder, a certificate, a token,"
            " or a value in quotes or encoded: copy the column Value as it is."
        )


def _is_something_else(secret: str) -> bool:
    """Whether the environment's variable would refuse it, too."""
    try:
        readers.client_secret(secret)
    except ValueError:
        return True
    return bool(suspicious.what_is_wrong(secret))


def _check_expiry(expires: date | str) -> Iterator[str]:
    if isinstance(expires, date) and expires <= local_time.today():
        text = _("The secret's expiry date, %(day)s, has passed.")
        yield text % {"day": date_format(expires, "SHORT_DATE_FORMAT")}


def _check_domains(domains: Sequence[str]) -> Iterator[str]:
    """With several allowed tenants each domain names its own: TENANT-GUID=contoso.com."""
    allowed = conf.MICROSOFT_ALLOWED_TENANTS
    for entry in domains:
        tid, named, domain = entry.lower().rpartition("=")
        if not DOMAIN.fullmatch(domain):
            yield _("“%(entry)s” is no domain: write it as contoso.com.") % {"entry": entry}
        elif named and tid not in allowed:
            text = _("“%(entry)s”: the tenant is not one of MICROSOFT_ALLOWED_TENANTS.")
            yield text % {"entry": entry}
        elif not named and len(allowed) > 1:
            text = _(
                "“%(entry)s”: several tenants are allowed, so say whose: TENANT-GUID=%(domain)s."
            )
            yield text % {"entry": entry, "domain": domain}


# The other values are checked when they are read, or cannot be wrong.
_CHECKS: Final[Mapping[str, Any]] = {
    "name": _check_name,
    "client_id": _check_client_id,
    "tenant": _check_tenant,
    "secret": _check_secret,
    "secret_expires": _check_expiry,
    "next_secret": _check_secret,
    "next_secret_expires": _check_expiry,
    "domains": _check_domains,
    "managed_identity": _check_identity,
}
