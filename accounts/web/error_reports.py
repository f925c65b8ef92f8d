"""Django's error reports without secrets: queries, forms, cookies, settings."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter
from typing_extensions import override

from ..logs import scrub


class ReporterFilter(SafeExceptionReporterFilter):
    """Hides secret settings, and the values of forms and cookies."""

    hidden_settings = re.compile(
        r"API|AUTH|CERT|TOKEN|KEY|SECRET|PASS|SIGNATURE|COOKIE|REDIS|DATABASE|CACHES|PROVIDERS"
        r"|PROXY|QUERY_STRING|REFERER|URI|LOCATION|code|state|nonce|csrf",
        flags=re.IGNORECASE,
    )

    @override
    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """Names only."""
        posted = request.POST if request is not None else {}
        return dict.fromkeys(posted, self.cleansed_substitute)

    @override
    def get_safe_cookies(self, request: HttpRequest | None) -> dict[str, Any]:
        """Names only. `request` is None outside of a request."""
        cookies = request.COOKIES if request is not None else {}
        return dict.fromkeys(cookies, self.cleansed_substitute)


class Reporter(ExceptionReporter):
    """Hides the query as well, which Django's report does not filter."""

    @override
    def get_traceback_data(self) -> dict[str, Any]:
        data = super().get_traceback_data()
        if self.request is not None:
            hidden = self.filter.cleansed_substitute
            data["request_GET_items"] = [(name, hidden) for name in self.request.GET]
            data["request_insecure_uri"] = self.request.path
        if "exception_value" in data:
            data["exception_value"] = scrub(str(data["exception_value"]))
        return data
