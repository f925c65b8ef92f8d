"""Set, show and test the Microsoft app, and register it in Entra."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from getpass import getpass
from typing import Any, NoReturn

from allauth.socialaccount.models import SocialApp
from django.core.management.base import CommandError, CommandParser
from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from ... import registration
from ...conf import conf
from ...operate import OperatorError, microsoft_app
from ...operate.doctor import Finding, before_saving
from ...operate.doctor.before_saving import Judgement
from ...operate.microsoft_app import Changes
from ...operate.microsoft_app_summary import CredentialSummary, entra_entries, show
from ...operate.output import OperatorCommand, add_output, read_input
from ...reasons import Refused
from ...stores import transaction

_NOT_SAVED = "Nothing was saved."
_TO_SAVE = "To save it all the same: --force. To save without asking Microsoft: --untested."
_PASSPHRASE = "MICROSOFT_CLIENT_CERTIFICATE_PASSWORD"  # noqa: S105 - a name
_DOMAINS = "its mail domains, with commas; several allowed tenants: each as TENANT-GUID=contoso.com"
_FOUND = ("level", "title", "detail", "fix")
_SECRET_VARIABLE = "MICROSOFT_CLIENT_SECRET"  # noqa: S105 - a name


class NotOnTheCommandLine(argparse.Action):
    """Refuses a secret among the arguments, without printing it."""

    @override
    def __call__(self, parser: argparse.ArgumentParser, *args: Any, **kwargs: Any) -> NoReturn:
        parser.error(
            "a secret on the command line can be read by other users of this machine and stays in"
            f" the shell's history. Use --secret-stdin, --secret-env ({_SECRET_VARIABLE}) or"
            " --secret-prompt; and take the one you typed for known: make a new one in Entra."
        )


class Command(OperatorCommand):
    """Sets, shows, tests."""

    help = "The Microsoft app registration that staff sign in with, as kept in admin."
    epilog = """
examples:
  ./manage.py microsoft_app set --client-id GUID --tenant GUID --secret-prompt
  ./manage.py microsoft_app set --secret-stdin --secret-expires 2030-01-31 < secret.txt
  ./manage.py microsoft_app set --next-secret-stdin < new.txt    a second, tried after the first
  ./manage.py microsoft_app set --promote-next             it becomes the only one
  ./manage.py microsoft_app set --certificate staff.pem    with its key; PFX as well
  ./manage.py microsoft_app set --managed-identity GUID    nothing that ever expires
  ./manage.py microsoft_app set --token-file               of a cluster: MICROSOFT_TOKEN_FILE
  ./manage.py microsoft_app set --undo                     as before the last change
  ./manage.py microsoft_app show                           the redirect URI to register, too
  ./manage.py microsoft_app test                           asks Microsoft whether it all fits
  ./manage.py microsoft_app register > register.sh         a script for az that registers it
  ./manage.py microsoft_app register --manifest            the same for the portal

The secret is never given on the command line. What is not named stays as it is. An app in admin
wins over the environment's: MICROSOFT_CLIENT_SECRET then has no effect, and is copied only if
--secret-env says so. Secrets and keys are kept encrypted.

Microsoft is asked before anything is saved. What would keep people out is saved only when you say
so: at the prompt, or by --force where there is none; --untested does not ask Microsoft.

exit codes:
  0  done; test: nothing would break a sign-in
  1  not saved, or nothing is in force; test: something would break a sign-in
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = self.add_actions(parser)
        _add_setting(actions.add_parser("set", help="create or change it"))
        actions.add_parser("show", help="show it, without its secrets")
        actions.add_parser("test", help="ask Microsoft whether it would work")
        for action in actions.choices.values():
            add_output(action)
        _add_register(actions.add_parser("register", help="print what registers it in Entra"))

    def _set(self, form: str, *, undo: bool, force: bool, untested: bool, **options: Any) -> None:
        app = microsoft_app.the_app()
        if undo:
            after = _undone(app)
        else:
            after = microsoft_app.changed(app, _changes(options, new=not app.pk))
        judgement = before_saving.of_saving(after, app if app.pk else None, asks=not untested)
        if judgement.consequences and not force:
            self._confirm(judgement)
        microsoft_app.remember_tests(after, judgement.tests)
        with transaction.atomic():
            if app.pk and not microsoft_app.is_as_read(app):
                raise CommandError(f"{_NOT_SAVED} Someone has changed the app meanwhile.")
            after.save()
        self._show(form)

    def _confirm(self, judgement: Judgement) -> None:
        """Ask at a terminal; without one, nothing is saved. Raises CommandError."""
        text = "\n".join(_consequences(judgement))
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise CommandError(f"{_NOT_SAVED}\n{text}\n{_TO_SAVE}")
        self.stderr.write(text)
        if input("Save anyway? [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError(_NOT_SAVED)

    def _show(self, form: str, **options: Any) -> None:
        summary = show()
        value = asdict(summary)
        if form == "table":
            value["credentials"] = tuple(map(_in_words, summary.credentials))
        self.write_value(value | {"to_enter_in_entra": _to_enter()}, form)
        if summary.problem:
            raise CommandError(f"{summary.problem}: {summary.fix}")

    def _register(self, *, manifest: bool, role: list[str], **options: Any) -> None:
        from ...operate import register_script

        plan = register_script.plan(role)
        write = register_script.manifest if manifest else register_script.script
        self.stdout.write(write(plan))

    def _test(self, form: str, **options: Any) -> None:
        from ...operate.doctor import online_findings

        findings = online_findings()
        if form == "json":
            self.write_rows(findings, _FOUND, form)
        for finding in findings if form == "table" else ():
            self.stdout.write(f"{finding.level:<8}{finding.title}")
            if finding.level != "ok":
                self.stdout.write("\n".join(_explained(finding)))
        if bad := sum(finding.level == "error" for finding in findings):
            raise CommandError(f"{bad} of {len(findings)} checks say that sign-in would fail.")


def _add_register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--manifest", action="store_true", help="JSON for the portal's Manifest")
    parser.add_argument(
        "--role", action="append", default=[], metavar="VALUE", help="an app role; may be repeated"
    )


def _add_setting(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(unchanged=_NOT_SAVED)
    parser.add_argument("--client-id", metavar="GUID", help="Application (client) ID")
    parser.add_argument("--tenant", metavar="GUID", help="Directory (tenant) ID, or a domain")
    parser.add_argument("--name", help="its name in admin")
    parser.add_argument("--domains", metavar="LIST", help=_DOMAINS)
    secret = parser.add_mutually_exclusive_group()
    for where, what in _SECRET_SOURCES.items():
        secret.add_argument(
            f"--secret-{where}", dest="source", action="store_const", const=where, help=what
        )
    for where in ("stdin", "env", "prompt"):
        secret.add_argument(
            f"--next-secret-{where}",
            dest="source",
            action="store_const",
            const=f"next {where}",
            help=f"the same for a second secret: --next --secret-{where}",
        )
    secret.add_argument(
        "--promote-next", action="store_true", help="make the next one the only one"
    )
    secret.add_argument("--undo", action="store_true", help="undo the last change")
    secret.add_argument("--certificate", metavar="FILE", help="PEM with its key, or PFX; -: stdin")
    secret.add_argument(
        "--next-certificate", metavar="FILE", help="a second one, tried after the first"
    )
    secret.add_argument(
        "--managed-identity",
        metavar="GUID",
        nargs="?",
        const="",
        help="client id of a user-assigned identity; without one, the environment's",
    )
    secret.add_argument(
        "--token-file", action="store_true", help="the file that MICROSOFT_TOKEN_FILE names"
    )
    parser.add_argument(
        "--passphrase-env", action="store_true", help=f"of the certificate: from {_PASSPHRASE}"
    )
    parser.add_argument(
        "--force", action="store_true", help="save even if people would be kept out"
    )
    parser.add_argument("--untested", action="store_true", help="do not ask Microsoft first")
    parser.add_argument("--secret-expires", type=_date, metavar="DATE", help="such as 2030-01-31")
    parser.add_argument("--next", action="store_true", help="the secret is a second one")
    parser.add_argument("--secret", nargs="?", action=NotOnTheCommandLine, help=argparse.SUPPRESS)


_SECRET_SOURCES = {
    "stdin": "read the secret from standard input",
    "env": f"read it from {_SECRET_VARIABLE}",
    "prompt": "ask for it, without showing it",
    "none": "remove the secret",
}


@sensitive_variables()
def _changes(options: dict[str, Any], *, new: bool) -> Changes:
    """A new app takes its client ID from the environment if none is given."""
    domains = options["domains"]
    given: dict[str, Any] = _credential(options)
    if not given and not options["promote_next"]:
        given = _secrets(options, new=new)
    return Changes(
        name=options["name"],
        client_id=options["client_id"] or (conf.MICROSOFT_CLIENT_ID if new else None),
        tenant=options["tenant"],
        domains=None if domains is None else _split(domains),
        promote=options["promote_next"] or None,
        **given,
    )


@sensitive_variables()
def _credential(options: dict[str, Any]) -> dict[str, Any]:
    """The credential, if it is not a secret."""
    if options["token_file"]:
        return {"credential": "token_file"}
    if options["managed_identity"] is not None:
        return {"credential": "managed_identity", "managed_identity": options["managed_identity"]}
    for slot in ("certificate", "next_certificate"):
        if options[slot]:
            return {
                "credential": "certificate",
                slot: _certificate(options[slot], by_env=options["passphrase_env"]),
            }
    return {}


@sensitive_variables()
def _secrets(options: dict[str, Any], *, new: bool) -> dict[str, Any]:
    source = options["source"] or (_source_for_new_app() if new else "")
    following = options["next"] or source.startswith("next ")
    which = "next_secret" if following else "secret"
    secret = _secret(source.removeprefix("next "))
    entered: dict[str, Any] = {"credential": "secret"} if secret else {}
    return {**entered, which: secret, f"{which}_expires": options["secret_expires"]}


@sensitive_variables()
def _certificate(name: str, *, by_env: bool) -> str:
    """The content of the file, which is what is stored."""
    data = read_input(name)
    passphrase = os.environ.get(_PASSPHRASE, "") if by_env else ""
    try:
        return microsoft_app.read_certificate(data, passphrase)
    except OperatorError as problem:
        if "passphrase" not in str(problem) or by_env:
            raise
        problem.next_step = f"--passphrase-env reads {_PASSPHRASE}."
        if not sys.stdin.isatty():
            raise
    return microsoft_app.read_certificate(data, getpass("Passphrase (not shown): "))


def _undone(app: SocialApp) -> SocialApp:
    if (after := microsoft_app.undone(app)) is None:
        raise OperatorError("There is nothing to undo.")
    return after


def _consequences(judgement: Judgement) -> Iterator[str]:
    for one in judgement.consequences:
        yield one.text
        for finding in one.findings:
            yield f"  {finding.title}"
            yield from _explained(finding)


def _explained(finding: Finding) -> Iterator[str]:
    yield f"  {finding.detail}"
    yield f"  What to do: {finding.fix}"


def _in_words(one: CredentialSummary) -> str:
    ends = f" until {one.expires}" if one.expires else ""
    result = f"refused: {one.refused}" if one.refused else f"accepted {one.tested}"
    use = "in use" if one.in_use else "next"
    return f"{one.label}, {use}{ends}, {result if one.tested else 'never tested'}"


def _to_enter() -> str:
    """What to enter in Entra under Certificates & secrets, as far as it is known."""
    try:
        found = entra_entries(registration.read_afresh().app)
    except Refused:
        return ""
    return "; ".join(f"{name}: {value}" for name, value in found.items())


def _source_for_new_app() -> str:
    """The environment's secret is not taken unasked: it may be of another app."""
    if sys.stdin.isatty():
        return "prompt"
    copied = f" (copies {_SECRET_VARIABLE})" if _of_environment() else ""
    raise OperatorError(
        f"A new app needs a secret: --secret-stdin, --secret-prompt or --secret-env{copied}. From"
        " now on admin's app is in force, not the environment's."
    )


@sensitive_variables()
def _secret(source: str) -> str | None:
    def ask() -> str:
        return getpass("Client secret (not shown): ")

    typed = ask if sys.stdin.isatty() else sys.stdin.readline  # a terminal would show it
    read = {"stdin": typed, "env": _of_environment, "prompt": ask}
    if source not in read:
        return "" if source == "none" else None
    secret = read[source]().rstrip("\r\n")
    if not secret:
        raise OperatorError(f"No secret came from --secret-{source}.")
    return secret


def _split(domains: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in domains.split(",") if part.strip())


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date: write it such as 2030-01-31"
        ) from None


def _of_environment() -> str:
    """MICROSOFT_CLIENT_SECRET or its _FILE; not the settings' default."""
    in_file = conf.MICROSOFT_CLIENT_SECRET if f"{_SECRET_VARIABLE}_FILE" in os.environ else ""
    return os.environ.get(_SECRET_VARIABLE) or in_file
