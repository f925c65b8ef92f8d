"""doctor's own visits: they leave no rows among people's, and learn what the site saw of them.

A visit proves itself by a header that only who has the SECRET_KEY can make, good for one state.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from django.core import signing

from . import request_facts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PROOF: Final = "X-Doctor"
CLIENT: Final = "X-Doctor-Client"
WAIT: Final = "X-Doctor-Wait"
LONGEST_WAIT: Final = 12.0  # seconds, a little more than a sign-in may wait for Microsoft


def proof_of(state: str) -> str:
    """The header's value for a return with this state."""
    return _signer().signature(state)


def is_doctors(request: HttpRequest) -> bool:
    """Whether this return is doctor's; its state may be used only once, as anyone's."""
    state, proof = request.GET.get("state", ""), request.headers.get(PROOF, "")
    try:
        return bool(state and proof) and _signer().unsign(f"{state}.{proof}") == state
    except signing.BadSignature:
        return False


def tell(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Say which address was seen; wait as long as was asked, so that time-outs in front show."""
    response.headers[CLIENT] = request_facts.client_ip(request)
    asked = request.headers.get(WAIT, "")
    if asked.isdecimal():
        time.sleep(min(float(asked), LONGEST_WAIT))
    return response


def _signer() -> signing.Signer:
    return signing.Signer(sep=".", salt=__name__)
