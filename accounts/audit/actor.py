"""Who acts: a signed-in person, a visitor who is signing in, or the user of a command."""

from __future__ import annotations

import getpass
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.http import HttpRequest

from ..display.references import new_reference
from ..models import AuditEntry


@dataclass(frozen=True, slots=True)
class Actor:
    """`key` is the person's primary key; `facts` are the address or machine they act from."""

    kind: str
    name: str = ""
    key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """Defaults for the entries of a request or command.

    `new_reference` makes the reference of an entry without one; entries of one request share it.
    `silent`: `watch` writes nothing, since the caller writes one entry for all changes.
    """

    who: Callable[[], Actor] | None = None
    reference: str = ""
    note: str = ""
    silent: bool = False
    new_reference: Callable[[], str] = new_reference

    def actor(self) -> Actor:
        """Who acts now."""
        return self.who() if self.who else of_command()


_NOBODY: Final = Context()
_present: ContextVar[Context] = ContextVar("audit", default=_NOBODY)


def present() -> Context:
    """The context in force."""
    return _present.get()


@contextmanager
def context(**changes: Any) -> Iterator[None]:
    """Change fields of the context in force within the block."""
    token = _present.set(replace(present(), **changes))
    try:
        yield
    finally:
        _present.reset(token)


def of_request(request: HttpRequest) -> Actor:
    """The request's signed-in person, else a visitor."""
    user: Any = getattr(request, "user", None)
    facts = {
        "ip": str(request.META.get("REMOTE_ADDR") or ""),
        "path": request.path[:200],
    }
    if user is None or not user.is_authenticated:
        return Actor(AuditEntry.Actor.VISITOR, facts=facts)
    return Actor(AuditEntry.Actor.PERSON, user.get_username(), str(user.pk), facts)


def of_command() -> Actor:
    """The operating-system user, the machine and the command, without its arguments."""
    words = [word for word in sys.argv[1:3] if word.replace("_", "").isalpha()]
    command = " ".join([Path(sys.argv[0]).name, *words])
    return Actor(AuditEntry.Actor.COMMAND, _login(), facts={**_machine(), "command": command})


@cache
def _machine() -> dict[str, str]:
    return {"host": socket.gethostname()}


def _login() -> str:
    """The user's login name, and with sudo the caller's."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        name = f"uid {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    return f"{name} (sudo by {caller})" if caller else name
