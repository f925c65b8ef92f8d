"""What the emulator knows: tenants, people, the app registration, keys, and how to misbehave."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from .browser_sessions import BrowserSessions
from .codes import Codes
from .counters import Counters
from .ids import CLIENT_ID, CLIENT_SECRET
from .keys import Keys
from .misbehave import Misbehavior, Redirect, Tamper
from .people import Person, default_people
from .proofs import Proofs
from .turns import Turns

DISCOVERY_TAIL = "v2.0/.well-known/openid-configuration"
ENDPOINTS = ("discovery", "jwks", "authorize", "token", "logout")


@dataclass(slots=True)
class Client:
    """An app registration. `redirect_uris` None: any callback on this machine."""

    secrets: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)
    redirect_uris: set[str] | None = None
    proofs: Proofs = field(default_factory=Proofs)


class World:
    """`stock` takes what clients do that assume Entra's paths and send no nonce and no PKCE."""

    def __init__(self, segment: str, *, stock: bool = False) -> None:
        self.stock = stock
        self.keys = Keys()
        self.counters = Counters()
        self._wake = threading.Event()
        self.move_endpoints(segment)
        self.reset()

    def reset(self) -> None:
        """Well-behaved again, with nothing counted; keys and paths stay."""
        self.keys.custom = None
        self.people: dict[str, Person] = default_people()
        self.clients = {CLIENT_ID: Client({CLIENT_SECRET})}
        self.issuers: dict[str, str] = {}  # of other clusters' tokens: their public key, as PEM
        self.codes = Codes()
        self.browsers = BrowserSessions()
        self.clock_offset = 0.0
        self.hung = False
        self.answers: dict[str, Turns[Misbehavior]] = {name: Turns() for name in ENDPOINTS}
        self.tampers: Turns[Tamper] = Turns()
        self.redirects: Turns[Redirect] = Turns()
        self.access_tokens: dict[str, Person] = {}
        self.counters.reset()
        self.interrupt()

    def interrupt(self) -> None:
        """End whatever waits: delays, drips and hangs of before."""
        self._wake.set()
        self._wake = threading.Event()

    def pause(self, seconds: float) -> bool:
        """Wait; True when interrupted."""
        return self._wake.wait(seconds)

    def now(self) -> float:
        return time.time() + self.clock_offset

    def move_endpoints(self, segment: str) -> None:
        """Serve all but discovery under other paths: clients must read them, not assume them."""
        oauth = "oauth2/v2.0" if self.stock else f"oauth2-{segment}"
        keys = "discovery/v2.0/keys" if self.stock else f"keys-{segment}"
        tails = {name: f"{oauth}/{name}" for name in ("authorize", "token", "logout")}
        self.tails = {"discovery": DISCOVERY_TAIL, "jwks": keys, **tails}
        self._endpoints = {tail: name for name, tail in self.tails.items()}

    def route(self, path: str) -> tuple[str, str]:
        """The endpoint's name, or "", and the tenant segment."""
        if self.stock:  # Entra takes a doubled slash, which MSAL sends
            path = path.replace("//", "/")
        _, _, rest = path.partition("/")
        tenant, _, tail = rest.partition("/")
        return self._endpoints.get(tail, ""), tenant

    def url(self, base: str, tenant: str, endpoint: str) -> str:
        return f"{base}/{tenant}/{self.tails[endpoint]}"

    def set_secrets(self, secrets: Iterable[str], expired: Iterable[str], client_id: str) -> None:
        client = self.clients.setdefault(client_id, Client())
        client.secrets, client.expired = set(secrets), set(expired)
