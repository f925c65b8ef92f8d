"""List, change and preview the mapping of app roles."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from ...operate import roles
from ...operate.output import OperatorCommand, add_output
from ...operate.roles import Row

_ROW = ("value", "staff", "superuser", "groups")
_CHANGE = ("email", "now", "then", "roles")


class Command(OperatorCommand):
    """Lists, sets, previews."""

    help = "What app roles of Entra give here: staff, superuser, groups."
    epilog = """
examples:
  ./manage.py roles list
  ./manage.py roles set Staff --group Editors          staff status and a group
  ./manage.py roles set Superuser --superuser
  ./manage.py roles set Staff --remove                 what it gave is taken back
  ./manage.py roles preview                            whom the mapping changes
  ./manage.py roles preview Staff --group Editors      whom it would change

VALUE is the role's Value in Entra, letter for letter, or a group's Object ID.

exit codes:
  0  done
  1  not saved: the text says why, or it would change more than a few people and needs --yes
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.add_actions(parser)
        actions.add_parser("list", help="show the mapping")
        setting = actions.add_parser("set", help="map a role, or change what it gives")
        setting.set_defaults(unchanged="Nothing was saved.")
        setting.add_argument("value", metavar="VALUE")
        setting.add_argument("--yes", action="store_true", help="even if it changes many people")
        preview = actions.add_parser("preview", help="show whom it changes at their next sign-in")
        preview.add_argument("value", metavar="VALUE", nargs="?", default="")
        for action in (setting, preview):
            _add_rights(action)
        for action in actions.choices.values():
            add_output(action)

    def _list(self, form: str, **options: Any) -> None:
        listed = [asdict(row) | {"groups": ", ".join(row.groups)} for row in roles.rows()]
        self.write_rows(listed, _ROW, form)

    def _preview(self, form: str, **options: Any) -> None:
        self.write_rows(_previewed(options), _CHANGE, form)

    def _set(self, form: str, *, yes: bool, **options: Any) -> None:
        changes = _previewed(options)
        if len(changes) > roles.UNCONFIRMED and not yes:
            self.write_rows(changes, _CHANGE, form)
            raise CommandError(
                f"Nothing was saved: {len(changes)} people would have different rights after their"
                " next sign-in, as shown. Repeat with --yes if that is intended."
            )
        if options["remove"]:
            roles.remove(options["value"])
        else:
            roles.save(_row(options))
        self._list(form)
        if unknown := roles.with_unknown_roles():
            self.stderr.write(
                f"{len(unknown)} people have mapped rights and have not signed in since: once"
                " tokens carry roles, whoever signs in without one loses them. Rehearse it:"
                " ./manage.py staff preview ASSIGNMENTS.csv"
            )


def _add_rights(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-staff", action="store_true", help="gives no staff status")
    parser.add_argument("--superuser", action="store_true", help="gives superuser status")
    parser.add_argument("--group", action="append", default=[], metavar="NAME", help="a group")
    parser.add_argument("--remove", action="store_true", help="the role is no longer mapped")


def _row(options: dict[str, Any]) -> Row:
    staff, superuser = not options["no_staff"], options["superuser"]
    return Row(options["value"], staff, superuser, tuple(options["group"]))


def _previewed(options: dict[str, Any]) -> list[roles.Change]:
    if not options["value"]:
        return roles.preview()
    if options["remove"]:
        return roles.preview(remove=options["value"])
    return roles.preview(_row(options))
