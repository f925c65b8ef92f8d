"""What a test may tell the emulator, whether it runs in this process or in another.

`tamper`, `answer…` and `redirect_with` take the fields of Tamper, Misbehavior and Redirect (in
misbehave.py), and hold until `reset()`, or for the next `times` uses. Counted turns go first, in
order.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any, Literal

from .ids import CLIENT_ID, TENANT
from .people import Person

Down = Literal["refuse", "hang", "drop"]


class Controls(ABC):
    @property
    @abstractmethod
    def url(self) -> str:
        """The emulator's origin."""

    @abstractmethod
    def do(self, call: str, **arguments: Any) -> Any:
        """Carry out one of commands.COMMANDS."""

    def reset(self) -> None:
        """Well-behaved, up, and with nothing counted. Keys and paths stay."""
        self.do("reset")

    def reset_counters(self) -> None:
        self.do("reset_counters")

    def tamper(self, *, times: int | None = None, **fields: Any) -> None:
        """Change the id_tokens: see misbehave.Tamper."""
        self.do("tamper", times=times, **fields)

    def answer(self, endpoint: str, *, times: int | None = None, **fields: Any) -> None:
        """Change what an endpoint of world.ENDPOINTS answers: see misbehave.Misbehavior."""
        self.do("answer", endpoint=endpoint, times=times, **fields)

    def answer_token(self, *, times: int | None = None, **fields: Any) -> None:
        self.answer("token", times=times, **fields)

    def answer_discovery(self, *, times: int | None = None, **fields: Any) -> None:
        self.answer("discovery", times=times, **fields)

    def answer_jwks(self, *, times: int | None = None, **fields: Any) -> None:
        self.answer("jwks", times=times, **fields)

    def redirect_with(self, *, times: int | None = None, **fields: Any) -> None:
        """Change what goes back to the site: see misbehave.Redirect."""
        self.do("redirect_with", times=times, **fields)

    def fail_next(self, times: int = 1, status: int = 503) -> None:
        """The next so many answers of each of discovery, keys and token endpoint."""
        for endpoint in ("discovery", "jwks", "token"):
            self.answer(endpoint, times=times, status=status)

    def down(self, how: Down = "refuse", seconds: float | None = None) -> None:
        """Refuse connections, or accept and `hang`, or `drop` what arrives; up after `seconds`."""
        self.do("down", how=how, seconds=seconds)

    def up(self) -> None:
        self.do("up")

    def hang_up(self) -> None:
        """Close every open connection, as a server does with those that were idle for long."""
        self.do("hang_up")

    def rotate_keys(self, *, keep_old: bool = True) -> None:
        """Sign with a new key from now on. `keep_old` False takes the old one out at once."""
        self.do("rotate_keys", keep_old=keep_old)

    def make_custom_key(self) -> None:
        """From now on the app has a signing key of its own (claims mapping), until `reset`."""
        self.do("make_custom_key")

    def move_endpoints(self, segment: str) -> None:
        """Serve all but discovery under other paths from now on."""
        self.do("move_endpoints", segment=segment)

    def set_clock_offset(self, seconds: float) -> None:
        """Our clock is ahead by so much, in tokens and in the Date header."""
        self.do("set_clock_offset", seconds=seconds)

    def set_delay(self, milliseconds: float) -> None:
        """So long takes a round trip."""
        self.do("set_delay", milliseconds=milliseconds)

    def set_secrets(
        self, secrets: Iterable[str], expired: Iterable[str] = (), client_id: str = CLIENT_ID
    ) -> None:
        """The client's secrets; with a new client id, one more app registration."""
        self.do("set_secrets", secrets=[*secrets], expired=[*expired], client_id=client_id)

    def expire_secret(self, client_id: str = CLIENT_ID) -> None:
        """All of the client's secrets are past their date."""
        self.do("expire_secret", client_id=client_id)

    def set_certificates(self, pems: Iterable[str], client_id: str = CLIENT_ID) -> None:
        """The client's certificates, each as PEM."""
        self.do("set_certificates", pems=[*pems], client_id=client_id)

    def set_federated(self, *credentials: Mapping[str, str], client_id: str = CLIENT_ID) -> None:
        """The client's federated credentials: `issuer`, `subject`, and `audience` unless usual."""
        self.do("set_federated", credentials=[*map(dict, credentials)], client_id=client_id)

    def trust_issuer(self, issuer: str, pem: str) -> None:
        """Another issuer of tokens, such as a cluster, by its public key."""
        self.do("trust_issuer", issuer=issuer, pem=pem)

    def identity_token(self, principal: str, **fields: Any) -> dict[str, Any]:
        """What a managed identity's endpoint answers: see assertions.identity_token."""
        made: dict[str, Any] = self.do("identity_token", principal=principal, **fields)
        return made

    def register_redirect_uris(self, uris: Iterable[str], client_id: str = CLIENT_ID) -> None:
        """From now on exactly these, and those registered so before."""
        self.do("register_redirect_uris", uris=[*uris], client_id=client_id)

    def unregister_redirect_uris(
        self, uris: Iterable[str] | None = None, client_id: str = CLIENT_ID
    ) -> None:
        """Take these away; with None, all, so that no redirect URI fits."""
        listed = None if uris is None else [*uris]
        self.do("unregister_redirect_uris", uris=listed, client_id=client_id)

    def at_microsoft(self, **fields: Any) -> None:
        """Set `optional_claims`, `contexts`, `disabled` (person keys), or `demands_mfa` (keys)."""
        self.do("at_microsoft", **fields)

    def register_person(self, person: Person) -> None:
        """One more person to be, or another instead of one, until `reset`."""
        self.do("register_person", **asdict(person))

    def id_token(
        self,
        person: str = "staff",
        *,
        nonce: str | None = None,
        client_id: str = CLIENT_ID,
        **tamper: Any,
    ) -> str:
        """An id_token outside any sign-in, changed as by `tamper`."""
        made: str = self.do("id_token", person=person, nonce=nonce, client_id=client_id, **tamper)
        return made

    def code(
        self,
        redirect_uri: str,
        person: str = "staff",
        *,
        challenge: str | None = None,
        nonce: str | None = None,
        client_id: str = CLIENT_ID,
        tenant: str = TENANT,
    ) -> str:
        """An authorization code outside any sign-in, as an attacker has one of their own."""
        arguments = {"challenge": challenge, "nonce": nonce, "tenant": tenant}
        made: str = self.do(
            "code", redirect_uri=redirect_uri, person=person, client_id=client_id, **arguments
        )
        return made
