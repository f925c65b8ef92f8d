"""Asking Microsoft, and what its error answers mean: a reason code, and details safe to store.

Microsoft advises to branch on `error` only; its AADSTS numbers are finer and may change. So a known
number decides, an unknown one is shown, and `error` decides where there is no number or where it
says that the problem will pass. No text from Microsoft leaves this module, only numbers, GUIDs and
times that match a strict pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.views.decorators.debug import sensitive_variables

from ..http.causes import NoAnswer
from ..http.client import HttpClient
from ..http.deadline import Deadline
from ..http.json_response import JsonResponse
from ..ids import AADSTS, GUID, GUID_PATTERN
from ..reasons import Refused
from .aadsts import TABLE, Row

ROWS: Mapping[int, Row] = MappingProxyType({n: row for row in TABLE for n in row.numbers})

# RFC 6749 4.1.2.1 and 5.2, OpenID Connect Core 3.1.2.6, and Microsoft's own.
OAUTH: Mapping[str, str] = MappingProxyType(
    {
        "access_denied": "cancelled",
        "account_selection_required": "microsoft_refused",
        "consent_required": "consent_required",
        "interaction_required": "blocked_by_policy",
        "invalid_client": "client_secret_wrong",
        "invalid_grant": "microsoft_refused",
        "invalid_request": "misconfigured",
        "invalid_resource": "misconfigured",
        "invalid_scope": "misconfigured",
        "invalid_tenant": "tenant_not_found",
        "login_required": "microsoft_refused",
        "server_error": "microsoft_unreachable",
        "temporarily_unavailable": "microsoft_unreachable",
        "unauthorized_client": "client_unknown",
        "unsupported_grant_type": "misconfigured",
        "unsupported_response_type": "misconfigured",
    }
)
# Reasons that a browser may claim, since they concern the person in front of it.
_CLAIMABLE = frozenset(
    {
        "blocked_by_policy",
        "cancelled",
        "consent_required",
        "guest_not_allowed",
        "microsoft_refused",
        "not_assigned",
        "wrong_tenant",
    }
)
_NOT_FROM_ENTRA = (
    "What answers at MICROSOFT_LOGIN_URL, or stands between, does not give what Entra ID gives:"
    " look for a proxy that changes answers, and compare with Microsoft's document in a browser."
)
_CLAIM_MAPPED = (
    "A claims mapping gives that claim another form than one text: Enterprise applications > this"
    " app > Single sign-on > Attributes & Claims."
)
# What is added to a reason's own fix, by what its detail begins with: a check of the id_token, or a
# field of the metadata.
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "exp": "The token had ended when it came: ./manage.py doctor --online compares the clocks.",
        "iat": "The token is from the future: ./manage.py doctor --online compares the clocks.",
        "nbf": "The token is not valid yet: ./manage.py doctor --online compares the clocks.",
        "audience": "The token is for another app: instances, or admin and environment, name"
        " different client ids (./manage.py microsoft_app show on each).",
        "azp": "The token was asked for by another app: one client id must be in force.",
        "nonce": "The answer is of another sign-in: somebody may have tried another's code.",
        "issuer": "The token is of another authority than the metadata: MICROSOFT_LOGIN_URL must be"
        " the tenant's own cloud, and sts.windows.net means a v1.0 token.",
        "key_issuer": "The key is another tenant's or authority's: treat it as an attack.",
        "ver": "A v1.0 token came from a v2.0 endpoint: what answers there is not Entra ID.",
        **dict.fromkeys(
            (
                *("id_token", "form", "header", "payload", "tid", "oid", "sub"),
                *("keys", "authorization_endpoint", "token_endpoint", "jwks_uri"),
            ),
            _NOT_FROM_ENTRA,
        ),
        **dict.fromkeys(("email", "name", "preferred_username", "login_hint"), _CLAIM_MAPPED),
        "alg": "Entra ID signs with RS256 only: treat it as an attack.",
        "signature": "The token was changed on the way, or forged: treat it as an attack.",
    }
)
# Their hint is for a wrong value, not for a missing one.
_WRONG_OR_MISSING = frozenset({"exp", "iat", "issuer", "nbf", "nonce", "ver"})
_DECISIVE = frozenset(OAUTH) - {"access_denied", "invalid_grant", "login_required"}

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}Z"
# Support asks for all three. The token endpoint has fields for them, a redirect only the text.
_TRACES = (
    ("trace", "trace_id", GUID, re.compile(rf"Trace ID: ({GUID_PATTERN})")),
    ("correlation", "correlation_id", GUID, re.compile(rf"Correlation ID: ({GUID_PATTERN})")),
    ("at", "timestamp", re.compile(_TIME), re.compile(rf"Timestamp: ({_TIME})")),
)
_ERROR = re.compile(r"[a-z_]{1,40}")
_MAX_TEXT = 4096


def aadsts_numbers(text: str) -> list[int]:
    """The AADSTS numbers in an error_description, in order, each once."""
    return list(dict.fromkeys(int(found) for found in AADSTS.findall(text[:_MAX_TEXT])))


def reason_for(numbers: Sequence[int], error: str) -> tuple[str, int | None]:
    """The reason code, and the AADSTS number that decided or should be shown."""
    for number in numbers:
        if number in ROWS:
            return ROWS[number].reason, number
    by_error = OAUTH.get(error, "microsoft_refused")
    if not numbers:
        return by_error, None
    return (by_error if error in _DECISIVE else "microsoft_refused"), numbers[0]


def hint_in(detail: str, reason: str) -> str:
    """What to add to the reason's own fix, by the detail's AADSTS number or failed check."""
    by_number = next(filter(None, map(hint_for, aadsts_numbers(detail))), "")
    if by_number or reason not in ("token_invalid", "misconfigured"):
        return by_number
    what, _, problem = detail.partition(": ")
    is_there = not problem.startswith("missing")
    return _HINTS.get(what, "") if is_there or what not in _WRONG_OR_MISSING else _NOT_FROM_ENTRA


def hint_for(number: int | None) -> str:
    """What to add to the reason's own fix, by AADSTS number; "" for nothing."""
    row = ROWS.get(number) if number is not None else None
    return row.hint if row else ""


@sensitive_variables("fields")
def ask(
    http: HttpClient,
    url: str,
    deadline: Deadline,
    request_id: str,
    fields: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Microsoft's answer; `fields` make it a POST, `request_id` is a GUID that its logs keep.

    Raises Refused: NoAnswer, or what the error means. One that names a fault of ours counts by its
    number, whatever status it came with.
    """
    headers = {"client-request-id": request_id, "return-client-request-id": "true"}
    try:
        if fields is None:
            answer = http.get_json(url, deadline, headers)
        else:
            answer = http.post_form(url, fields, deadline, headers)
    except NoAnswer as cause:
        body = cause.body or {}
        if _names_our_fault(body):
            http.was_no_outage(url)
            raise refusal_of(body) from None
        cause.detail = " ".join([cause.detail, *_details(body)])
        raise
    if answer.status != 200 or "error" in answer.body:
        raise refusal_of(answer.body)
    return answer


def _names_our_fault(body: Mapping[str, Any]) -> bool:
    known = [ROWS[number].reason for number in _numbers(body) if number in ROWS]
    return bool(known) and known[0] not in ("microsoft_unreachable", "microsoft_throttled")


def claimed_refusal(fields: Mapping[str, Any]) -> Refused:
    """The refusal for a redirect's error parameters, which anyone can make up (RFC 6749 10.12).

    They decide what the person reads about themselves, never what an operator should change.
    """
    refused = refusal_of(fields)
    code = refused.reason.code if refused.reason.code in _CLAIMABLE else "microsoft_refused"
    return Refused(code, refused.detail, source="browser", aadsts=refused.aadsts)


def refusal_of(fields: Mapping[str, Any]) -> Refused:
    """The refusal for the JSON of an error that Microsoft answered to this site."""
    code, number = reason_for(_numbers(fields), _text(fields, "error"))
    return Refused(code, " ".join(_details(fields)), source="microsoft", aadsts=number)


def _details(fields: Mapping[str, Any]) -> Iterator[str]:
    """What may be stored of an error: numbers, name, and what Microsoft's support asks for."""
    error, text = _text(fields, "error"), _text(fields, "error_description")
    yield from (f"AADSTS{number}" for number in _numbers(fields)[:4])
    if _ERROR.fullmatch(error):
        yield f"error={error}"
    for label, name, whole, inside in _TRACES:
        value = _text(fields, name)
        found = inside.search(text)
        if whole.fullmatch(value):
            yield f"{label}={value}"
        elif found:
            yield f"{label}={found[1]}"


def _numbers(fields: Mapping[str, Any]) -> list[int]:
    text = _text(fields, "error_description")
    return list(dict.fromkeys([*_codes(fields.get("error_codes")), *aadsts_numbers(text)]))


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _codes(value: object) -> Iterable[int]:
    if not isinstance(value, list):
        return []
    return [n for n in value[:8] if type(n) is int and 1000 <= n < 10**8]
