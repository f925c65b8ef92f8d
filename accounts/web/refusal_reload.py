"""The address of a refusal page that can be reloaded, with its content encrypted in the query.

The page replaces the address with code and state, which are used up, by this one. For an hour it
shows the same page to the same browser, and starts and records nothing.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest

from .. import staff_urls
from ..protection import secretbox
from ..reasons import REASONS, Refused
from ..signin import state
from . import request_facts

PARAMETER: Final = "refusal"
_SECONDS: Final = 3600
_LONGEST: Final = 4096
_PASSING: Final = ("reach", "us")  # groups of reasons for which a reload tries again


def address(
    request: HttpRequest, refusal: Refused, reference: str, account: Mapping[str, str] | None
) -> str:
    """The address to replace the present one; "" where a reload should try again."""
    if request.path != staff_urls.callback() or refusal.reason.group in _PASSING:
        return ""
    secret = next(filter(None, request_facts.secrets_of(request)), "")
    if not secret:
        return ""
    content = {
        "at": time.time(),
        "browser": state.fingerprint(secret),
        "code": refusal.reason.code,
        "cause": refusal.cause,
        "aadsts": refusal.aadsts,
        "reference": reference,
        "account": account,
    }
    query = urlencode({PARAMETER: secretbox.encrypt(json.dumps(content))})
    return f"{staff_urls.callback()}?{query}"


def read(request: HttpRequest) -> tuple[Refused, str, Mapping[str, str] | None]:
    """Refusal, reference and account to show again. Raises Refused."""
    text = request.GET[PARAMETER]
    try:
        if len(text) > _LONGEST or not secretbox.is_encrypted(text):
            raise ValueError
        content: dict[str, Any] = json.loads(secretbox.decrypt(text))
        code = content["code"]
        fingerprints = [state.fingerprint(one) for one in request_facts.secrets_of(request) if one]
        if code not in REASONS or content["browser"] not in fingerprints:
            raise ValueError
        if time.time() - content["at"] > _SECONDS:
            raise ValueError
    except (secretbox.Unreadable, ValueError, KeyError, TypeError):
        raise Refused("state_not_ours", "refusal: not one that this browser was shown") from None
    refused = Refused(code, aadsts=content["aadsts"], cause=content["cause"])
    return refused, content["reference"], content["account"]
