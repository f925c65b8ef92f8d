"""Scripts and styles that stand in the templates of packages run under a strict policy.

Each gets the response's nonce (CSP 3, section 7.1) in the template's own text, before anything is
filled in: what somebody typed, and a page shows, never has one.
"""

from __future__ import annotations

import re
from copy import deepcopy
from importlib import import_module
from typing import Any, Final

from django.template.base import Origin
from django.template.loaders import app_directories
from typing_extensions import override

from project import csp

_INLINE: Final = re.compile(r"<(script|style)\b(?![^>]*\b(?:src|nonce)=)", re.IGNORECASE)
_NONCE: Final = "csp_nonce" if csp.DJANGO_HAS_IT else "request.csp_nonce"


class Loader(app_directories.Loader):
    """Django's, for the templates of installed apps."""

    @override
    def get_contents(self, origin: Origin) -> str:
        return _INLINE.sub(rf'<\1 nonce="{{{{ {_NONCE} }}}}"', super().get_contents(origin))


def allowed(templates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """TEMPLATES with it; the policy then has to name SELF_AND_NONCE for scripts and styles."""
    templates = deepcopy(templates)
    filesystem = "django.template.loaders.filesystem.Loader"
    for engine in templates:
        engine["APP_DIRS"] = False
        loaders = [filesystem, f"{__name__}.Loader"]
        engine["OPTIONS"]["loaders"] = [("django.template.loaders.cached.Loader", loaders)]
        if csp.DJANGO_HAS_IT:
            processors = engine["OPTIONS"]["context_processors"]
            processors.append("django.template.context_processors.csp")
    return templates


def _nonce() -> Any:
    """What stands in a policy for the nonce: each middleware has a mark of its own."""
    if csp.DJANGO_HAS_IT:
        return import_module("django.utils.csp").CSP.NONCE
    return import_module("csp.constants").NONCE


SELF_AND_NONCE: Final = ("'self'", _nonce())
