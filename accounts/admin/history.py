"""An object's history in the reader's language: it is kept in English, as whoever wrote it left it.

Django translates its own messages when it shows them; here ours are found again by their form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop
from typing_extensions import override

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    Base = admin.ModelAdmin[Any]
else:
    Base = admin.ModelAdmin

# A reason may follow, after a colon.
_WRITTEN: Final = (
    noop("Signed out everywhere"),
    noop("Deactivated"),
    noop("Reactivated"),
    noop("Undid the last change."),
    noop("Ended sessions: %(count)s"),
    noop("Added to the group %(group)s"),
    noop("Microsoft identity %(old)s unlinked on the command line"),
    noop("Microsoft identity %(old)s unlinked"),
    noop("Microsoft identity %(old)s replaced by %(new)s"),
    noop("Email address %(old)s replaced by %(new)s"),
)
_PLACE: Final = re.compile(r"%\\\((\w+)\\\)s")


class HistoryInWords(Base):
    """For a ModelAdmin whose history has messages of ours."""

    object_history_template = "microsoft_admin/admin/object_history.html"

    @override
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        page = (getattr(response, "context_data", None) or {}).get("action_list")
        if page is not None:
            page.object_list = list(page.object_list)
            for entry in page.object_list:
                entry.change_message = in_words(entry.get_change_message())
        return response


def in_words(message: str) -> str:
    """A message of ours, translated; any other as it is."""
    for text in _WRITTEN:
        form = _PLACE.sub(r"(?P<\1>.+?)", re.escape(text))
        if found := re.fullmatch(rf"{form}(?P<why_>: .*)?", message, re.DOTALL):
            facts = found.groupdict()
            return _(text) % facts + (facts["why_"] or "")
    return message
