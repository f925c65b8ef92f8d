"""What saving the Microsoft app would do: Microsoft is asked before it is saved."""

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
    """What has to be confirmed, and by slot what Microsoft said of the app's credentials."""

    consequences: tuple[Consequence, ...]
    tests: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Identifies what a confirmation confirms; "" where there is nothing to confirm."""
        keys = "\n".join(consequence.key for consequence in self.consequences)
        return hashlib.sha256(keys.encode()).hexdigest()[:16] if keys else ""


def of_saving(
    after: SocialApp, before: SocialApp | None, *, promotes: bool = False, asks: bool = True
) -> Judgement:
    """`before` is the app as it is stored, if it is; without `asks` Microsoft is not asked."""
    if before is not None and not touches_sign_in(before, after):
        return Judgement(())
    apps = _visible_after(after)
    consequences = list(_of_visible(apps, after))
    if promotes:
        text = _(
            "What is next becomes the only one; the present one is no longer tried. One click of"
            " Undo brings it back."
        )
        consequences.append(Consequence("promote", text))
    tests: dict[str, str] = {}
    if len(apps) == 1 and asks:
        findings, results = ask_microsoft(apps[0])
        consequences += _of_findings(findings, after if apps[0] is after else None, before)
        tests = results if apps[0] is after else {}
    return Judgement(tuple(consequences), tests)


def of_removing(apps: Sequence[SocialApp]) -> Judgement:
    """What deleting these apps would do."""
    deleted = {app.pk for app in apps}
    left = [app for app in registration.visible_apps(get_adapter()) if app.pk not in deleted]
    return Judgement(tuple(_of_visible(left, None)))


def _visible_after(after: SocialApp) -> list[SocialApp]:
    """Which apps would be visible; more than one, or none, lets nobody sign in."""
    now = registration.visible_apps(get_adapter())
    in_admin = [app for app in now if app.pk and app.pk != after.pk]
    if not after.settings.get("hidden"):
        in_admin.append(after)
    return in_admin or [app for app in now if not app.pk]


def _of_visible(apps: Sequence[SocialApp], after: SocialApp | None) -> Iterator[Consequence]:
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
    errors = [finding for finding in findings if finding.level == "error"]
    unasked = [finding for finding in errors if set(finding.shows_as) & set(UNCLEAR)]
    refused = [finding for finding in errors if finding not in unasked]
    if refused:
        text = _("Nobody can sign in with Microsoft until this is corrected.")
        yield _consequence("nobody", text, refused)
    if unasked:
        text = _(
            "Microsoft could not be asked. If what was entered is wrong, nobody can sign in until"
            " it is corrected."
        )
        yield _consequence("unasked", text, unasked)
    if after is not None:
        yield from _of_slots(findings, after, before)


def _of_slots(
    findings: Sequence[Finding], after: SocialApp, before: SocialApp | None
) -> Iterator[Consequence]:
    """A new credential that is refused while the app's other one is accepted."""
    first, *following = registration.SLOTS[registration.kind_of(after)]
    as_before = _("People can sign in as before, but the next one would not take over.")
    by_next = _("People can sign in by the next one only; the first is refused each time.")
    of_ids = ((_FIRST, first, by_next), (_NEXT, next(iter(following), ""), as_before))
    for finding in findings:
        for ids, slot, text in of_ids:
            if finding.level == "warning" and finding.id in ids and new_in(before, after, slot):
                yield _consequence(f"{slot} refused", text, [finding])


def _consequence(key: str, text: str, findings: Sequence[Finding]) -> Consequence:
    causes = sorted(f"{finding.id} {' '.join(finding.shows_as)}" for finding in findings)
    return Consequence(f"{key}: {'; '.join(causes)}", text, tuple(findings))
