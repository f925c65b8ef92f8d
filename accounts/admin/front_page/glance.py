"""The day at a glance: sign-ins and refusals of the last days, and who is signed in."""

from __future__ import annotations

from typing import Final

from django.template.loader import render_to_string

from ...sessions import service as sessions
from ..sign_ins import chart

SHOWN: Final = 8


def chart_of_days() -> str:
    """The chart of the sign-in record, with today's figures, as HTML."""
    drawn = chart.last_days()
    context = {"chart": drawn, "svg": chart.svg(drawn), "today": drawn.bars[-1]}
    return render_to_string("microsoft_admin/admin/signin/chart_in_short.html", context)


def people_signed_in() -> str:
    """Who came in last and is still here, as HTML."""
    try:
        found = sessions.people_signed_in()
    except sessions.StoreUnavailable:
        return ""
    context = {"people": found[:SHOWN], "more": max(0, len(found) - SHOWN), "count": len(found)}
    return render_to_string("microsoft_admin/admin/includes/people_signed_in.html", context)
