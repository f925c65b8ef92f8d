"""Keeps admin's popups of related objects working after a sign-in in the popup.

Microsoft's pages have no opener policy, and a page with another policy separates a popup from the
form that opened it (HTML Standard, "Cross-origin opener policies"). So a popup's pages have none
either, its sign-in's included; all other pages keep SECURE_CROSS_ORIGIN_OPENER_POLICY.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

_MARK: Final = "_popup"  # django.contrib.admin's, in its own address or inside `next`


class PopupMiddleware(MiddlewareMixin):
    """After SecurityMiddleware, which does not replace a header that is set."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if _MARK in request.get_full_path() or _MARK in response.headers.get("Location", ""):
            response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
        return response
