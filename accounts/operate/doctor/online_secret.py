"""Is the client secret good? A token request for the app itself proves it, and nobody is bothered.

The client credentials grant with scope `CLIENT_ID/.default` needs no permission and no Graph, in
any cloud. Entra authenticates the client before it looks at what is asked for, so every answer
but a refusal of the client shows that the secret is good: with "assignment required" on, as it
should be, the answer is such a refusal (AADSTS501051). The token is thrown away unread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.views.decorators.debug import sensitive_variables

from accounts.entra.errors import refusal_of
from accounts.operate.doctor.finding import Finding, error, ok, refused, warning
from accounts.reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.entra.metadata import Discovery
    from accounts.http.client import HttpClient
    from accounts.registration import Registration

SECRET: Final = "online.secret"  # noqa: S105
_OF_CLIENT: Final = (
    "client_secret_wrong",
    "client_secret_expired",
    "client_unknown",
    "tenant_not_found",
)
# A second secret takes over from the first in these cases only, in sign-ins too.
_NEXT_HELPS: Final = ("client_secret_wrong", "client_secret_expired")
_UNCLEAR: Final = ("microsoft_unreachable", "microsoft_throttled")


@sensitive_variables()
def look(http: HttpClient, found: Registration, discovery: Discovery) -> Iterator[Finding]:
    """Try each secret; sign-in breaks only when none is good."""
    refusals: list[Refused] = []
    for secret in found.secrets:
        refusal = _try(http, found.client_id, secret, discovery.token_endpoint)
        if refusal is None:
            yield _good(refusals)
            return
        refusals.append(refusal)
        if refusal.reason.code not in _NEXT_HELPS:
            break
    yield _bad(found, refusals)


@sensitive_variables()
def _try(http: HttpClient, client_id: str, secret: str, endpoint: str) -> Refused | None:
    """None when the secret is good."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": secret,
        "scope": f"{client_id}/.default",
    }
    try:
        answer = http.post_form(endpoint, fields)
    except Refused as refusal:
        return refusal
    return None if answer.status == 200 else _of_client(answer.body)


def _of_client(body: dict[str, object]) -> Refused | None:
    refusal = refusal_of(body)
    about_client = body.get("error") == "invalid_client"
    codes = (*_OF_CLIENT, *_UNCLEAR)
    return refusal if about_client or refusal.reason.code in codes else None


def _good(refusals: list[Refused]) -> Finding:
    if not refusals:
        return ok(SECRET, "Microsoft accepts the client secret")
    return warning(
        SECRET,
        "Only the second client secret is good",
        f"Of the first, Microsoft says {refusals[0].reason.code}; every sign-in tries it first.",
        fix="./manage.py microsoft_app set --promote-next",
        shows_as=(refusals[0].reason.code,),
    )


def _bad(found: Registration, refusals: list[Refused]) -> Finding:
    if not refusals:
        return error(
            SECRET,
            "There is no client secret to try",
            f"The app {found.client_id} has none.",
            shows_as=("not_configured",),
            fix="./manage.py microsoft_app set, or MICROSOFT_CLIENT_SECRET.",
        )
    last = refusals[-1]
    if last.reason.code in _UNCLEAR:
        return refused(SECRET, "Whether the client secret is good could not be asked", last)
    return refused(SECRET, f"Microsoft does not accept the client {found.client_id}", last)
