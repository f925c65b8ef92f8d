"""What would happen if the Microsoft app were saved: Microsoft is asked before it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp
from django.utils.translation import gettext as _

from ... import registration
from ..credential_test import UNCLEAR
from ..microsoft_app import new_in, touches_sign_in
from . import ask_microsoft
from .finding import Finding

_NEXT: Final = ("online.secret_next", "online.credential_next")
_FIRST: Final = ("online.secret_second", "online.credential_second")


@dataclass(frozen=True, slots=True)
class Consequence:
    """Something to be confirmed; `key` is stable while the reason for it stays the same."""

    key: str
    text: str
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """What has to be confirmed, and what Microsoft said of the app itself, by slot."""

    consequences: tuple[Consequence, ...]
    tests: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """What a confirmation confirms; "" where nothing has to be."""
        keys = "\n".join(one.key for one in self.consequences)
        return hashlib.sha256(keys.encode()).hexdigest()[:16] if keys else ""


def of_saving(
    after: SocialApp, before: SocialApp | None, *, promotes: bool = False, asks: bool = True
) -> Judgement:
    """`before` is the app as it is kept now, if it is; without `asks` Microsoft is not asked."""
    if before is not None and not touches_sign_in(before, after):
        return Judgement(())
    apps = _apps_then(after)
    found = list(_of_the_choice(apps, after))
    if promotes:
        text = _(
            "What is next becomes the only one; the present one is no longer tried. One click of"
            " Undo brings it back."
        )
        found.append(Consequence("promote", text))
    tests: dict[str, str] = {}
    if len(apps) == 1 and asks:
        findings, results = ask_microsoft(apps[0])
        found += _of_findings(findings, after if apps[0] is after else None, before)
        tests = results if apps[0] is after else {}
    return Judgement(tuple(found), tests)


def of_removing(apps: Sequence[SocialApp]) -> Judgement:
    """The same of deleting these."""
    gone = {app.pk for app in apps}
    left = [app for app in registration.visible_apps(get_adapter()) if app.pk not in gone]
    return Judgement(tuple(_of_the_choice(left, None)))


def _apps_then(after: SocialApp) -> list[SocialApp]:
    """Which apps would be in force: one, if all is well."""
    others = registration.visible_apps(get_adapter())
    in_admin = [app for app in others if app.pk and app.pk != after.pk]
    if not after.settings.get("hidden"):
        in_admin.append(after)
    return in_admin or [app for app in others if not app.pk]


def _of_the_choice(apps: Sequence[SocialApp], after: SocialApp | None) -> Iterator[Consequence]:
    if not apps:
        text = _("No app is left: nobody can sign in with Microsoft until one is visible again.")
        yield Consequence("none", text)
    elif len(apps) > 1:
        names = ", ".join(f"{app.name} ({app.client_id})" for app in apps if app is not after)
        text = _(
            "Another app is visible: nobody can sign in until all but one are hidden or deleted."
            " Visible too: %(names)s."
        )
        yield Consequence("several", text % {"names": names})


def _of_findings(
    findings: Sequence[Finding], after: SocialApp | None, before: SocialApp | None
) -> Iterator[Consequence]:
    errors = [one for one in findings if one.level == "error"]
    unasked = [one for one in errors if set(one.shows_as) & set(UNCLEAR)]
    refused = [one for one in errors if one not in unasked]
    if refused:
        text = _("Nobody can sign in with Microsoft until this is corrected.")
        yield _because("nobody", text, refused)
    if unasked:
        text = _(
            "Microsoft could not be asked. If what was entered is wrong, nobody can sign in until"
            " it is corrected."
        )
        yield _because("unasked", text, unasked)
    for slot, one in _refused_slots(findings, after):
        if after is not None and new_in(before, after, slot):
            yield _because(f"{slot} refused", _of_slot(one.id), [one])


def _refused_slots(
    findings: Sequence[Finding], after: SocialApp | None
) -> Iterator[tuple[str, Finding]]:
    """Which of the two is refused while the other is accepted."""
    first, *rest = registration.SLOTS[registration.kind_of(after)] if after else ("",)
    for one in findings:
        if one.level == "warning" and one.id in _NEXT:
            yield next(iter(rest), ""), one
        elif one.level == "warning" and one.id in _FIRST:
            yield first, one


def _of_slot(finding_id: str) -> str:
    if finding_id in _NEXT:
        return _("People can sign in as before, but the next one would not take over.")
    return _("People can sign in by the next one only; the first is refused each time.")


def _because(key: str, text: str, findings: Sequence[Finding]) -> Consequence:
    causes = sorted(f"{one.id} {' '.join(one.shows_as)}" for one in findings)
    return Consequence(f"{key}: {'; '.join(causes)}", text, tuple(findings))
