"""doctor's requests to the site: they are not recorded, and the response says what was seen.

A signed header proves them. It is valid for the state that comes back with it, or, without a state,
for a path and two minutes.
"""

from __future__ import annotations

import hashlib
import time
from typing import Final

from django.core import signing
from django.http import HttpRequest, HttpResponse

from . import request_facts

PROOF: Final = "X-Doctor"
CLIENT: Final = "X-Doctor-Client"
DETAIL: Final = "X-Doctor-Detail"
WAIT: Final = "X-Doctor-Wait"
_SECONDS: Final = 120
_LONGEST: Final = 300
LONGEST_WAIT: Final = 12.0  # seconds, a little more than a sign-in may wait for Microsoft


def proof_of(path: str, state: str = "") -> str:
    """The header's value for a request of this path, and with this state if there is one."""
    return signing.TimestampSigner(salt=__name__).sign(_what(path, state)).partition(":")[2]


def is_doctors(request: HttpRequest) -> bool:
    """Whether this request is doctor's."""
    state, proof = request.GET.get("state", ""), request.headers.get(PROOF, "")
    age = None if state else _SECONDS  # clocks need not agree where a state bounds it
    try:
        signer = signing.TimestampSigner(salt=__name__)
        signer.unsign(f"{_what(request.path, state)}:{proof}", max_age=age)
    except signing.BadSignature:
        return False
    return True


def report(request: HttpRequest, response: HttpResponse, detail: str) -> HttpResponse:
    """Add the client's address as seen here, and the detail, which is not recorded.

    Waits as long as the request asks, to show the time-outs of proxies.
    """
    response.headers[CLIENT] = request_facts.client_ip(request)
    response.headers[DETAIL] = detail.encode("ascii", "replace").decode()[:_LONGEST]
    seconds = request.headers.get(WAIT, "")
    if seconds.isdecimal():
        time.sleep(min(float(seconds), LONGEST_WAIT))
    return response


def _what(path: str, state: str) -> str:
    """The value that is signed; a hash, since a state is secret."""
    return hashlib.sha256(f"{path}?{state}".encode()).hexdigest()
