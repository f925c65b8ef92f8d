"""One append-only record of what was done to rights, identities, apps, sessions and exports.

    audit.write("sessions.ended", person, after={"sessions": 3}, note="left the company")

`watch` writes an entry whenever a person, group, identity or Microsoft app changes. The actor comes
from `context`, which a middleware sets for each request; without it, the actor is the
operating-system user who runs the command.
"""

from .actor import Actor, Context, context, of_request, present
from .record import erase, write

__all__ = ["Actor", "Context", "context", "erase", "of_request", "present", "write"]
