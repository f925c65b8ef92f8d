"""Lets inline scripts and styles in templates of packages run under a strict CSP.

Each gets the response's nonce (CSP 3, section 7.1) in the template's source, before rendering:
markup in a value that somebody typed never gets one.
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
    """Django's loader for templates of installed apps, with nonces added."""

    @override
    def get_contents(self, origin: Origin) -> str:
        return _INLINE.sub(rf'<\1 nonce="{{{{ {_NONCE} }}}}"', super().get_contents(origin))


def allowed(templates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """TEMPLATES with that loader; the policy must then have SELF_AND_NONCE for script and style."""
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
    """The placeholder for the nonce in a policy, which differs between the two middlewares."""
    if csp.DJANGO_HAS_IT:
        return import_module("django.utils.csp").CSP.NONCE
    return import_module("csp.constants").NONCE


SELF_AND_NONCE: Final = ("'self'", _nonce())
