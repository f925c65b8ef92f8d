"""The controls over HTTP: POST /_control, for an emulator in another process.

RemoteEmulator(url).tamper(drop=["nonce"]) does what Emulator.tamper does. Browsers cannot send
it by accident: it must be JSON, which a page of another origin may not post.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

from typing_extensions import override

from .commands import COMMANDS
from .controls import Controls
from .counters import ReceivedRequest
from .wire import Request, Response, json_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .server import Emulator

PATH = "/_control"
SECONDS = 10


def control(emulator: Emulator, request: Request) -> Response:
    if request.method != "POST":
        return json_response(_state(emulator, with_requests="requests" in request.query))
    if request.header("content-type") != "application/json":
        return json_response({"error": "Send application/json."}, 415)
    try:
        asked = json.loads(request.body, object_hook=_decode)
        return json_response({"result": emulator.do(asked.pop("call"), **asked)})
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        return json_response({"error": f"{type(error).__name__}: {error}"}, 400)


def _state(emulator: Emulator, *, with_requests: bool) -> dict[str, Any]:
    state = {
        "url": emulator.url,
        "counts": emulator.counts,
        "connections": emulator.connections,
        "people": [*emulator.world.people],
        "calls": [*COMMANDS],
    }
    if with_requests:
        state["requests"] = [_fields(seen) for seen in emulator.requests]
    return state


def _fields(seen: ReceivedRequest) -> dict[str, Any]:
    return {name: getattr(seen, name) for name in ReceivedRequest.__slots__}


class RemoteEmulator(Controls):
    def __init__(self, url: str) -> None:
        self._url = url

    @property
    @override
    def url(self) -> str:
        return self._url

    @override
    def do(self, call: str, **arguments: Any) -> Any:
        if call == "down" and arguments["how"] != "hang" and arguments["seconds"] is None:
            raise ValueError("Nobody could reach it to say `up`: give `seconds`.")
        body = json.dumps({"call": call, **arguments}, default=_encode).encode()
        return self._ask(body)["result"]

    @property
    def requests(self) -> list[ReceivedRequest]:
        return [ReceivedRequest(**fields) for fields in self._ask(query="?requests")["requests"]]

    @property
    def counts(self) -> Mapping[str, int]:
        counts: dict[str, int] = self._ask()["counts"]
        return counts

    @property
    def connections(self) -> int:
        """Our own calls count, too: each opens one."""
        count: int = self._ask()["connections"]
        return count

    def _ask(self, body: bytes | None = None, query: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        request = HttpRequest(f"{self.url}{PATH}{query}", body, headers)
        with urlopen(request, timeout=SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
        return answer


def _encode(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return dict(value)


def _decode(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value
