"""Every way in which the emulator can be told to do wrong, as plain values.

Misbehavior  changes what an endpoint answers, or how the answer travels
Redirect     changes the parameters that go back to the site
Tamper       changes an id_token before or after it is signed
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .failures import Failure
from .wire import How, Response

Pairs = Sequence[Sequence[str]]


def as_bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Misbehavior:
    """With any of `status`, `body`, `raw`, `wire`, `close`, `hang` or `redirect_to` the endpoint
    does not run, so a code is not used up; the others change its own answer.

    `body` is JSON, `raw` the body's bytes, `wire` all bytes with the status line. `merge` and
    `omit` change fields of the JSON, `replace` its text. `drip` is (bytes, seconds). `cut` closes
    after so many bytes of the body, `pad` adds so many spaces.
    """

    status: int | None = None
    body: Any = None
    raw: str | bytes | None = None
    wire: str | bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    drip: Sequence[float] | None = None
    drip_head: bool = False
    cut: int | None = None
    close: bool = False
    hang: bool = False
    redirect_to: str | None = None
    merge: Mapping[str, Any] = field(default_factory=dict)
    omit: Sequence[str] = ()
    replace: Pairs = ()
    pad: int = 0

    @property
    def instead(self) -> bool:
        """Whether the endpoint is not to run."""
        if self.merge or self.omit or self.replace:
            return False
        given = (self.status, self.body, self.raw, self.wire, self.redirect_to)
        return self.close or self.hang or any(part is not None for part in given)

    def alone(self, now: float) -> Response:
        """The answer of an endpoint that does not run."""
        if self.redirect_to is not None:
            return Response(self.status or 302, headers={"Location": self.redirect_to})
        status = self.status or 200
        if self.raw is None and self.body is None and status >= 400:
            return TROUBLE.response(now, status)
        content = json.dumps(self.body).encode() if self.raw is None else as_bytes(self.raw)
        return Response(status, content, {"Content-Type": "application/json; charset=utf-8"})

    def change(self, response: Response) -> Response:
        """The endpoint's own answer, or `alone`'s, with our content, headers and way to travel."""
        body = self._text(self._json(response.body))
        headers = {**response.headers, **self.headers}
        status = response.status if self.status is None else self.status
        return replace(response, status=status, body=body, headers=headers, how=self._how())

    def _json(self, body: bytes) -> bytes:
        if not self.merge and not self.omit:
            return body
        value = {**json.loads(body), **self.merge}
        return json.dumps({k: v for k, v in value.items() if k not in self.omit}).encode()

    def _text(self, body: bytes) -> bytes:
        for old, new in self.replace:
            body = body.replace(old.encode(), new.encode())
        return body

    def _how(self) -> How:
        drip = None if self.drip is None else (int(self.drip[0]), float(self.drip[1]))
        wire = None if self.wire is None else as_bytes(self.wire)
        return How(
            self.delay, drip, self.drip_head, self.cut, self.close, self.hang, wire, self.pad
        )


@dataclass(frozen=True, slots=True)
class Redirect:
    """`set` and `drop` change parameters, `repeat` sends them twice, `add` appends pairs, `query`
    replaces all. `iss` adds RFC 9207's parameter: "right", "wrong", or a value of its own.
    """

    set: Mapping[str, str] = field(default_factory=dict)
    drop: Sequence[str] = ()
    repeat: Sequence[str] = ()
    add: Pairs = ()
    iss: str | None = None
    query: str | None = None
    to: str | None = None
    fragment: bool = False
    status: int = 302

    def change(self, fields: Mapping[str, str], issuer: str) -> list[tuple[str, str]]:
        kept = {k: v for k, v in {**fields, **self.set}.items() if k not in self.drop}
        if self.iss is not None:
            known = {"right": issuer, "wrong": "https://login.attacker.example/v2.0"}
            kept["iss"] = known.get(self.iss, self.iss)
        twice = [(name, kept[name]) for name in self.repeat if name in kept]
        return [*kept.items(), *twice, *((pair[0], pair[1]) for pair in self.add)]


@dataclass(frozen=True, slots=True)
class Tamper:
    """`signing` is one of id_token.SIGNINGS. Offsets are seconds from now. `payload_replace` and
    `header_replace` change the JSON text before signing, for what JSON objects cannot say.
    """

    claims: Mapping[str, Any] = field(default_factory=dict)
    drop: Sequence[str] = ()
    header: Mapping[str, Any] = field(default_factory=dict)
    drop_header: Sequence[str] = ()
    signing: str | None = None
    expires_in: float | None = None
    iat_offset: float | None = None
    nbf_offset: float | None = None
    payload_replace: Pairs = ()
    header_replace: Pairs = ()
    raw_id_token: Any = None


TROUBLE = Failure("temporarily_unavailable", 90033, "A transient error has occurred. Try again.")
