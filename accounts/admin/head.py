"""In another site: our style, times and the session's warnings, on each page of its admin.

Its base_site.html is its own, or its theme's: what belongs into the head goes into the page as it
is finished. A base_site.html that includes microsoft_admin/admin/head.html itself is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.template.loader import render_to_string

from ..conf import is_a_host
from ..web import entrance

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_TEMPLATE: Final = "microsoft_admin/admin/head.html"
_OURS: Final = b"microsoft_admin/admin."
_END: Final = b"</head>"


def completed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer of an admin page, with our part of its head where it lacks it."""
    if is_a_host() and _is_page(response) and _OURS not in response.content:
        context = {"request": request, "is_ours": entrance.is_ours(request.session)}
        ours = render_to_string(_TEMPLATE, context).encode()
        response.content = response.content.replace(_END, ours + _END, 1)
    return response


def _is_page(response: HttpResponse) -> bool:
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and not response.streaming and _END in response.content
