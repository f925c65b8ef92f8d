"""Add, list, change and erase people by email."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from typing_extensions import override

from ... import audit
from ...models import User
from ...operate import (
    OperatorError,
    adoption,
    erasure,
    linking,
    moves,
    people,
    require_reason,
    roles,
)
from ...operate.entra_export import text_of
from ...operate.other_packages import PACKAGES
from ...operate.output import (
    OperatorCommand,
    add_guid,
    add_output,
    as_json,
    read_input,
    whole_number,
)
from ...operate.people import COLUMNS, FILTERS, listing
from ...operate.rehearsal import Report, link_all, preview
from ...operate.rehearsal_report import SPREADSHEET, as_dict, as_lines, as_rows
from ...sessions import service as sessions

_ADDED = ("line", "email", "what", "note")
_CHANGED = ("email", "sessions_ended", "what")
_ADOPTED = ("email", "what", "identity", "note")
_STATES = ("can_sign_in", "never", "refused", "off", *FILTERS)


class Command(OperatorCommand):
    """Adds, lists, deactivates, unlinks, relinks, adopts, erases, and rehearses."""

    help = "People who may sign in to admin: by email, without passwords."
    epilog = """
examples:
  ./manage.py staff add ada@contoso.com grace@contoso.com
  ./manage.py staff add --file people.csv          one email per line, or columns email and name
  ./manage.py staff add ada@contoso.com --superuser --oid 5b3d...    nobody else becomes her
  ./manage.py staff list --state refused
  ./manage.py staff list --idle 90 --csv           who has not signed in for 90 days
  ./manage.py staff deactivate ada@contoso.com     signs her out at once too
  ./manage.py staff unlink ada@contoso.com --reason "a new account at Microsoft"
  ./manage.py staff unlink --tenant GUID --reason "we moved"          who is of the old tenant
  ./manage.py staff relink moved.csv               lines old,new: addresses or object IDs
  ./manage.py staff relink moved.csv --reason "merger" --yes           and now it is written
  ./manage.py staff erase ada@contoso.com --reason "request 17" --yes    removes her data
  ./manage.py staff preview entra-users.csv        who would get in, who would not, and why
  ./manage.py staff preview assignments.csv --role "Editor=staff,Editors"   a mapping to try
  ./manage.py staff adopt --from allauth           what another package knew people by
  ./manage.py staff adopt --from allauth --yes     and now it is written

exit codes:
  0  done
  1  not done, or not for all of them; the others are done
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.add_actions(parser)
        _add_adding(actions.add_parser("add", help="add people, or give them staff rights"))
        _add_listing(actions.add_parser("list", help="who is here, and can they sign in"))
        off = actions.add_parser("deactivate", help="switch people off and sign them out")
        on = actions.add_parser("reactivate", help="switch people on again")
        for action in (off, on):
            action.add_argument("emails", nargs="+", metavar="EMAIL")
        _add_unlinking(actions.add_parser("unlink", help="remove people's Microsoft identities"))
        _add_relinking(actions.add_parser("relink", help="people who moved, by a mapping file"))
        _add_erasing(
            actions.add_parser("erase", help="remove a person's data, as the law requires")
        )
        _add_preview(actions.add_parser("preview", help="rehearse with an export from Entra"))
        _add_adopting(actions.add_parser("adopt", help="bring identities from another package"))
        for name, action in actions.choices.items():
            add_output(action, csv=name in ("list", "preview"))

    def _add(self, emails: list[str], file: str, name: str, form: str, **options: Any) -> None:
        lines = [*emails, *(_read(file).splitlines() if file else ())]
        if not lines or (name and len(lines) != 1):
            raise CommandError("Name an EMAIL, or --file FILE; --name goes with one EMAIL.")
        rights = {"staff": not options["not_staff"], "superuser": options["superuser"]}
        given = {"name": name, "oid": options["oid"], "tenant": options["tenant"]}
        if options["oid"] and len(lines) != 1:
            raise CommandError("--oid goes with one EMAIL; for several, a CSV with a column oid.")
        results = self.write_done(people.add_many(lines, **given, **rights), _ADDED, form)
        if bad := sum(result.what == "invalid" for result in results):
            raise CommandError(f"{bad} of {len(results)} not added: correct them and add again.")

    def _list(self, state: str, search: str, form: str, **options: Any) -> None:
        idle = options["idle"]
        self._audit_export(form, state=state, search=search, idle=idle)
        rows = listing(state=state, search=search, idle_days=idle)
        self.write_rows(rows, COLUMNS, form)

    def _deactivate(self, emails: list[str], form: str, **options: Any) -> None:
        self._each(emails, form, "deactivated", people.deactivate)

    def _reactivate(self, emails: list[str], form: str, **options: Any) -> None:
        self._each(emails, form, "reactivated", people.reactivate)

    def _unlink(
        self, emails: list[str], tenant: str, reason: str, by: str, form: str, **options: Any
    ) -> None:
        actor = _actor(by)
        if bool(emails) == bool(tenant):
            raise CommandError("Name one EMAIL or more, or --tenant GUID.")
        if tenant and not options["yes"]:
            self._list_tenant(tenant, form)
            return

        def unlink(user: User) -> int:
            return linking.unlink(user, reason, actor)

        self._each(moves.of_tenant(tenant) if tenant else emails, form, "unlinked", unlink)

    def _list_tenant(self, tenant: str, form: str) -> None:
        rows = [{"email": one, "what": "would be unlinked"} for one in moves.of_tenant(tenant)]
        self._audit_export(form, of="unlink", people=len(rows))
        self.write_rows(rows, _CHANGED, form)
        self.stderr.write(
            f"{len(rows)} people. Nothing was written: the same with --yes unlinks them, and who"
            " next signs in with their address at Microsoft becomes them. Safer: staff relink."
        )

    def _relink(
        self, file: str, tenant: str, reason: str, by: str, form: str, **options: Any
    ) -> None:
        actor = _actor(by)
        if options["yes"]:
            require_reason(reason)
        planned = moves.plan(_read(file), tenant)
        if not options["yes"]:
            self._audit_export(form, of="moves", people=len(planned))
        self.write_rows(planned, moves.COLUMNS, form)
        skip = options["skip_unknown"]
        if stops := moves.blocking(planned, skip_unknown=skip):
            unknown = any(row.what == "not here" for row in stops)
            hint = " (--skip-unknown leaves out who is not here)" if unknown else ""
            raise CommandError(
                f"{len(stops)} of {len(planned)} lines cannot be done{hint}: their notes say why."
                " Nothing was written."
            )
        if not options["yes"]:
            self.stderr.write("Nothing was written: the same with --reason and --yes writes it.")
            return
        self._carry_out(planned, reason, actor, skip_unknown=skip)

    def _carry_out(
        self, planned: list[moves.Planned], reason: str, actor: Any, *, skip_unknown: bool
    ) -> None:
        done = moves.carry_out(planned, reason, by=actor, skip_unknown=skip_unknown)
        self.stderr.write(f"{done.linked} linked and signed out, {done.addressed} new addresses.")
        if done.store_failed:
            raise CommandError("Written, but Redis did not answer: sessions list may lag.")

    def _erase(self, email: str, reason: str, yes: bool, form: str, **options: Any) -> None:
        user = people.find(email)
        _confirm(email, yes)
        try:
            erased = erasure.erase_person(user, reason)
        except sessions.StoreUnavailable:
            raise CommandError("Erased, but the session store did not answer: doctor.") from None
        self.write_value(asdict(erased), form)

    def _preview(
        self, file: str, tenant: str, only: str, link: bool, form: str, **options: Any
    ) -> None:
        if link and options["draft"]:
            raise CommandError("--link goes with the mapping in force: leave --role out.")
        drafts = roles.read_draft("\n".join(options["draft"]))
        report = preview(_read(file), tenant, roles.drafted(drafts) if drafts else None)
        self._audit_export(form, of="rehearsal", people=len(report.people))
        if form == "csv":
            self.write_rows(as_rows(report, only), SPREADSHEET, form)
        else:
            for line in [as_json(as_dict(report))] if form == "json" else as_lines(report, only):
                self.stdout.write(line)
        if link:
            self._link(report, tenant)

    def _link(self, report: Report, tenant: str) -> None:
        results: list[str] = []
        try:
            results.extend(link_all(report, tenant))
        finally:
            linked = results.count("")
            self.stderr.write(f"{linked} people were linked to their object IDs.")
        if problems := list(filter(None, results)):
            raise CommandError("\n".join(["Not linked:", *problems]))

    def _adopt(self, yes: bool, form: str, **options: Any) -> None:
        package = options["package"]
        named = {name: options[name] for name in ("tenant", "client_id", "everyone")}
        planned = adoption.plan(package, **named)
        if not yes:
            self._audit_export(form, of="adoption", people=len(planned))
        rows = self.write_done(
            (adoption.carry_out_one(package, row) if yes else row for row in planned),
            _ADOPTED,
            form,
            row_of=_with_object_id if form == "table" else asdict,
        )
        self.stderr.write(adoption.summary(package, rows))
        if conflicts := sum(row.what == "conflict" for row in rows) if yes else 0:
            raise CommandError(f"{conflicts} of {len(rows)} not adopted: their notes say why.")

    def _each(
        self, emails: list[str], form: str, done: str, change: Callable[[User], int | None]
    ) -> None:
        """Change each, even if others fail; exit 1 unless all is done."""
        changed = (_changed(email, done, change) for email in emails)
        rows = self.write_done(changed, _CHANGED, form)
        if failed := [row["email"] for row in rows if row["what"] != done]:
            raise CommandError(f"Not done for {', '.join(failed)}: see above.")

    def _audit_export(self, form: str, **facts: str | int) -> None:
        """A list of people that does not stay on the screen is an export."""
        if form != "table" or not self.stdout.isatty():
            audit.write("export.people", after={name: fact for name, fact in facts.items() if fact})


def _with_object_id(row: adoption.Planned) -> dict[str, Any]:
    """A table has room for the object ID or sub alone; the summary names the tenant."""
    return asdict(row) | {"identity": row.identity.rpartition(":")[2]}


def _changed(email: str, done: str, change: Callable[[User], int | None]) -> dict[str, Any]:
    what, ended = done, None
    try:
        ended = change(people.find(email))
    except OperatorError as problem:
        what = f"{problem} {problem.next_step}".rstrip()
    except sessions.StoreUnavailable:
        what = f"{done} and signed out, but Redis is unavailable: sessions list may lag"
    return {"email": email, "what": what, "sessions_ended": ended}


def _add_adding(parser: ArgumentParser) -> None:
    parser.add_argument("emails", nargs="*", metavar="EMAIL")
    parser.add_argument("--file", default="", help="a list or CSV; - reads standard input")
    parser.add_argument("--name", default="", help="the name of the one person added")
    add_guid(parser, "--oid", "object ID: linked at once")
    add_guid(parser, "--tenant", "the tenant of the object IDs")
    parser.add_argument("--superuser", action="store_true", help="may do everything in admin")
    parser.add_argument("--not-staff", action="store_true", help="add without access to admin")


def _add_listing(parser: ArgumentParser) -> None:
    parser.add_argument("--state", choices=_STATES, default="", help="only people in this state")
    parser.add_argument("--search", default="", metavar="TEXT", help="in email or name")
    parser.add_argument(
        "--idle",
        type=whole_number("days", 3650),
        default=0,
        metavar="DAYS",
        help="not signed in for so long",
    )


def _add_unlinking(parser: ArgumentParser) -> None:
    parser.set_defaults(unchanged="Nothing was written.")
    parser.add_argument("emails", nargs="*", metavar="EMAIL")
    add_guid(parser, "--tenant", "everyone of this tenant")
    parser.add_argument("--yes", action="store_true", help="with --tenant: write it")
    parser.add_argument("--reason", required=True, help="why; recorded in admin's history")
    parser.add_argument("--by", default="", metavar="EMAIL", help="the user here who does it")


def _add_relinking(parser: ArgumentParser) -> None:
    parser.set_defaults(unchanged="Nothing was written.")
    parser.add_argument("file", metavar="FILE", help="lines old,new as CSV; - standard input")
    add_guid(parser, "--tenant", "of the new object IDs")
    parser.add_argument("--reason", default="", help="why; kept in admin's history")
    parser.add_argument("--by", default="", metavar="EMAIL", help="who does it, of the users here")
    parser.add_argument("--skip-unknown", action="store_true", help="leave out who is not here")
    parser.add_argument("--yes", action="store_true", help="write it; without, nothing is written")


def _add_erasing(parser: ArgumentParser) -> None:
    parser.set_defaults(unchanged="Nothing was erased.")
    parser.add_argument("email", metavar="EMAIL")
    parser.add_argument("--reason", required=True, help="which request; without naming the person")
    parser.add_argument("--yes", action="store_true", help="do not ask: it cannot be undone")


def _confirm(email: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise CommandError("This cannot be undone: say --yes. Nothing was erased.")
    if input(f"Erase all that is known of {email}? It cannot be undone. Type yes: ") != "yes":
        raise CommandError("Nothing was erased.")


def _add_preview(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="CSV exported from Entra; - standard input")
    add_guid(parser, "--tenant", "the tenant of the file")
    parser.add_argument(
        "--role",
        dest="draft",
        action="append",
        default=[],
        metavar="VALUE=RIGHTS",
        help='as if this were mapped: "Editor=staff,Editors"; may be repeated; nothing is saved',
    )
    parser.add_argument("--only", choices=("in", "refused"), default="", help="only these rows")
    parser.add_argument(
        "--link", action="store_true", help="link everyone who would get in to their object ID now"
    )


def _add_adopting(parser: ArgumentParser) -> None:
    parser.set_defaults(unchanged="Nothing was written.")
    parser.add_argument(
        "--from", required=True, dest="package", choices=PACKAGES, help="which package it was"
    )
    add_guid(parser, "--tenant", "the tenant of the object IDs")
    add_guid(parser, "--client-id", "the client ID social-auth used")
    parser.add_argument("--all", dest="everyone", action="store_true", help="not only staff")
    parser.add_argument("--yes", action="store_true", help="write it; without, nothing is written")


def _read(file: str) -> str:
    text = text_of(read_input(file))
    if not text.strip():
        raise OperatorError(f"There is nothing in {file}.")
    return text


def _actor(email: str) -> User | None:
    try:
        return people.find(email) if email else None
    except OperatorError as problem:
        raise CommandError(f"{problem} --by names a user here, or leave it out.") from None
