"""Gunicorn's access log as structured fields, without query and Referer.

The callback's query holds the code and the state of a sign-in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger
from typing_extensions import override


class AccessLog(Logger):
    """One event per request; REMOTE_ADDR is as ProxyMiddleware has set it."""

    @override
    def access(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: timedelta
    ) -> None:
        status = int(str(resp.status).split(maxsplit=1)[0])
        method, path = environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")
        fields = {
            "event": "request",
            "status": status,
            "client_ip": environ.get("REMOTE_ADDR"),
            "host": environ.get("HTTP_HOST"),
            "user_agent": environ.get("HTTP_USER_AGENT"),
            "bytes": getattr(resp, "sent", None),
            "took_ms": round(request_time.total_seconds() * 1000),
        }
        self.access_log.info("%s %s %d", method, path, status, extra=fields)
