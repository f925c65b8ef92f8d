"""Admin's popups of related objects survive a sign-in in between.

Microsoft's pages have no opener policy, and a page of another policy cuts a popup off from the form
that opened it (HTML Standard, "Cross-origin opener policies"). So a popup's own pages have none
either, those of its sign-in included; every other page keeps SECURE_CROSS_ORIGIN_OPENER_POLICY.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

_MARK: Final = "_popup"  # django.contrib.admin's, in its own address or inside `next`


class PopupMiddleware(MiddlewareMixin):
    """Inside SecurityMiddleware, which leaves a header alone that is there."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if _MARK in request.get_full_path() or _MARK in response.headers.get("Location", ""):
            response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response
