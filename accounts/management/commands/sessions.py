"""List and end sessions."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandParser
from typing_extensions import override

from ...operate import people
from ...operate.output import OperatorCommand, add_output
from ...sessions import service as sessions


class Command(OperatorCommand):
    """Lists and ends."""

    help = "Who is signed in now, since when, from where; and sign them out."
    epilog = """
examples:
  ./manage.py sessions list
  ./manage.py sessions list --email ada@contoso.com --json
  ./manage.py sessions end --email ada@contoso.com     everywhere she is signed in
  ./manage.py sessions end --handle 0123456789ab       the one of this handle, from the list
  ./manage.py sessions end --everyone

Whoever is signed out notices on their next request. It does not keep them from signing in again;
for that, ./manage.py staff deactivate EMAIL.

exit codes:
  0  done, also when there was no session to end
  1  no such user or session, or the session store does not answer
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.add_actions(parser)
        listing = actions.add_parser("list", help="who is signed in")
        listing.add_argument("--email", default="", help="of one person")
        _add_ending(actions.add_parser("end", help="sign out"))
        for action in actions.choices.values():
            add_output(action)

    def _list(self, email: str, form: str, **options: Any) -> None:
        found = sessions.listing(people.find(email) if email else None)
        self.write_rows(found, sessions.COLUMNS, form)

    def _end(self, email: str, handle: str, form: str, **options: Any) -> None:
        if handle:
            sessions.end(handle)
            ended = 1
        elif email:
            ended = sessions.end_all_of(people.find(email))
        else:
            ended = sessions.end_everyones()
        self.write_value({"sessions_ended": ended}, form)


def _add_ending(parser: ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--email", default="", help="all sessions of this person")
    whose.add_argument("--handle", default="", help="this session")
    whose.add_argument("--everyone", action="store_true", help="all sessions")
