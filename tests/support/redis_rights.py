"""What the site's Redis user must be allowed, to hold docs/deploy.md against it."""

from __future__ import annotations

from typing import Final

from django.conf import settings

# As an ACL names them; a subcommand after a bar.
COMMANDS: Final = (
    "ping", "hello", "auth", "select", "client|setinfo",  # every connection
    "get", "mget", "set", "del", "exists", "expire", "ttl", "pttl", "incr", "incrby", "eval",
    "zadd", "zrange", "zrevrangebyscore", "zrem", "zremrangebyscore", "scan",  # sessions, by person
    "evalsha", "script|load",  # throttles
    "multi", "exec",  # several figures of admin's pages at once
    "cluster|slots", "command",  # whether it is a cluster, which answers only where it is one
)  # fmt: skip
DOCTOR_COMMANDS: Final = ("info", "config|get")  # how it is set up; without them doctor says less


def key_pattern() -> str:
    """The pattern that all of this site's keys match."""
    return f"{settings.CACHES['default'].get('KEY_PREFIX', '')}:*"


def acl_rules(password: str = "PASSWORD") -> str:  # noqa: S107 -- a word to replace
    """The rules of `ACL SETUSER`, which give just these rights."""
    commands = " ".join(f"+{name}" for name in (*COMMANDS, *DOCTOR_COMMANDS))
    return f"on >{password} ~{key_pattern()} {commands}"
