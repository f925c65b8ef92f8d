"""Print a one-time sign-in link, for when Microsoft or its settings are broken."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from ... import users
from ...operate import break_glass
from ...operate.output import OperatorCommand, add_output


class Command(OperatorCommand):
    """Prints a link that signs in as the person within five minutes."""

    help = "Print a one-time sign-in link for a staff user, valid for 5 minutes."
    epilog = """
example:
  ./manage.py break_glass ada@contoso.com

Hand the link to that person only. Opening the link does not use it up; the button on its page does.
A newer link ends the older ones. It is written to the log and shown on admin's front page that
a link was made and used. It needs the database and the session store, but nothing from Microsoft:
while Redis is unavailable nobody can be signed in.

exit codes:
  0  the link is printed
  1  no such user, inactive, not staff, or more than 5 links within an hour
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", metavar="EMAIL")
        add_output(parser)

    @override
    def handle(self, *args: Any, email: str, form: str, **options: Any) -> None:
        link = break_glass.make(email)
        email = users.email_of(link.user)
        if form == "json":
            facts = {"url": link.url, "email": email, "expires_at": link.expires_at}
            return self.write_value(facts, form)
        self.stderr.write(f"Signs in {email}, once, until {link.expires_at:%H:%M:%S %Z}:")
        return self.stdout.write(link.url)
