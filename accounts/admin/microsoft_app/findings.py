"""What doctor found, in the words of admin: what can be done here is not sent to a shell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext

from ...naming import as_set_here
from ...reasons import REASONS
from .. import advice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...operate.doctor import Finding
    from ...operate.doctor.before_saving import Judgement

_SHELL: Final = "./manage.py"


def in_admin(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, with fixes that name pages and buttons where a reason has such."""
    return tuple(replace(one, fix=_fix(one)) for one in findings)


def judgement_in_admin(judgement: Judgement) -> Judgement:
    """The same of what has to be confirmed."""
    told = (replace(one, findings=in_admin(one.findings)) for one in judgement.consequences)
    return replace(judgement, consequences=tuple(told))


def _fix(finding: Finding) -> str:
    if finding.id in advice.OF_FINDINGS and finding.fix:
        return gettext(advice.OF_FINDINGS[finding.id])
    code = next((code for code in finding.shows_as if code in REASONS), "")
    plain = as_set_here(gettext(REASONS[code].fix)) if code else ""
    if plain and plain in finding.fix:
        return finding.fix.replace(plain, advice.fix_of(code))
    return advice.fix_of(code) if code and _SHELL in finding.fix else finding.fix
