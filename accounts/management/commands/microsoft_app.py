"""The Microsoft app registration, for whoever has a shell."""

from __future__ import annotations

import argparse
import os
import sys
from datetime import date
from getpass import getpass
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.core.management.base import CommandError
from django.views.decorators.debug import sensitive_variables
from typing_extensions import override

from ...operate import microsoft_app
from ...operate.microsoft_app import Changes, Invalid
from ...operate.microsoft_app_summary import show
from ...operate.output import OperatorCommand, add_json
from ...reasons import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.management.base import CommandParser

_DOMAINS = "its mail domains, with commas; several allowed tenants: each as TENANT-GUID=contoso.com"
_FOUND = ("level", "title", "detail", "fix")
_SECRET_VARIABLE = "MICROSOFT_CLIENT_SECRET"  # noqa: S105 - a name


class NotOnTheCommandLine(argparse.Action):
    """Refuses a secret among the arguments, and does not repeat it."""

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
  ./manage.py microsoft_app set --promote-next             it becomes the first
  ./manage.py microsoft_app show                           the redirect URI to register, too
  ./manage.py microsoft_app test                           asks Microsoft whether it all fits
  ./manage.py microsoft_app register > register.sh         a script for az that registers it
  ./manage.py microsoft_app register --manifest            the same for the portal

The secret never stands on the command line. What is not named stays as it is. An app in admin
wins over the environment's: MICROSOFT_CLIENT_SECRET then has no effect, and is copied only if
--secret-env says so.

exit codes:
  0  done; test: nothing would break a sign-in
  1  not saved, or nothing is in force; test: something would break a sign-in
  2  wrong arguments
"""

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        _add_setting(actions.add_parser("set", help="create or change it"))
        actions.add_parser("show", help="show it, without its secrets")
        actions.add_parser("test", help="ask Microsoft whether it would work")
        for action in actions.choices.values():
            add_json(action)
        _add_register(actions.add_parser("register", help="print what registers it in Entra"))

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        run: Callable[..., None] = getattr(self, f"_{options['action']}")
        run(**options)

    def _set(self, form: str, **options: Any) -> None:
        try:
            if options["promote_next"]:
                microsoft_app.promote_next()
            else:
                microsoft_app.save(_changes(options))
        except Invalid as invalid:
            problems = [text for texts in invalid.problems.values() for text in texts]
            raise CommandError("\n".join(["Nothing was saved.", *problems])) from None
        except Refused as refusal:
            raise CommandError(f"{refusal.reason.operator} {refusal.reason.fix}") from None
        self._show(form)

    def _show(self, form: str, **options: Any) -> None:
        shown = show()
        self.write_value(shown.as_dict(), form)
        if shown.problem:
            raise CommandError(f"{shown.problem}: {shown.fix}")

    def _register(self, *, manifest: bool, role: list[str], **options: Any) -> None:
        from ...operate import register_script

        made = register_script.plan(role)
        text = register_script.manifest(made) if manifest else register_script.script(made)
        self.stdout.write(text)

    def _test(self, form: str, **options: Any) -> None:
        from ...operate.doctor import online_findings

        findings = online_findings()
        self.write_rows(({n: getattr(f, n) for n in _FOUND} for f in findings), _FOUND, form)
        if bad := sum(finding.level == "error" for finding in findings):
            raise CommandError(f"{bad} of {len(findings)} checks say that sign-in would fail.")


def _add_register(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--manifest", action="store_true", help="JSON for the portal's Manifest")
    parser.add_argument(
        "--role", action="append", default=[], metavar="VALUE", help="an app role; may be repeated"
    )


def _add_setting(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client-id", metavar="GUID", help="Application (client) ID")
    parser.add_argument("--tenant", metavar="GUID", help="Directory (tenant) ID, or a domain")
    parser.add_argument("--name", help="how admin lists it")
    parser.add_argument("--domains", metavar="LIST", help=_DOMAINS)
    secret = parser.add_mutually_exclusive_group()
    for where, what in _WHENCE.items():
        secret.add_argument(
            f"--secret-{where}", dest="whence", action="store_const", const=where, help=what
        )
    for where in ("stdin", "env", "prompt"):
        secret.add_argument(
            f"--next-secret-{where}",
            dest="whence",
            action="store_const",
            const=f"next {where}",
            help=f"the same for a second secret: --next --secret-{where}",
        )
    secret.add_argument("--promote-next", action="store_true", help="use the second secret only")
    parser.add_argument("--secret-expires", type=_date, metavar="DATE", help="as 2030-01-31")
    parser.add_argument("--next", action="store_true", help="the secret is a second one")
    parser.add_argument("--secret", nargs="?", action=NotOnTheCommandLine, help=argparse.SUPPRESS)


_WHENCE = {
    "stdin": "read the secret from standard input",
    "env": f"read it from {_SECRET_VARIABLE}",
    "prompt": "ask for it, without showing it",
    "none": "remove the secret",
}


def _changes(options: dict[str, Any]) -> Changes:
    """New apps take what is not named from the environment's registration."""
    new = not microsoft_app.visible()
    domains = options["domains"]
    whence = options["whence"] or (_whence_of_new() if new else "")
    following = options["next"] or whence.startswith("next ")
    which = "next_secret" if following else "secret"
    secret: dict[str, Any] = {
        which: _secret(whence.removeprefix("next ")),
        f"{which}_expires": options["secret_expires"],
    }
    return Changes(
        name=options["name"],
        client_id=options["client_id"] or (settings.MICROSOFT_CLIENT_ID if new else None),
        tenant=options["tenant"],
        domains=None if domains is None else _split(domains),
        **secret,
    )


def _whence_of_new() -> str:
    """A new app needs a secret; the environment's may be the wrong one, so it is not guessed."""
    if sys.stdin.isatty():
        return "prompt"
    copied = f" (copies {_SECRET_VARIABLE})" if _of_environment() else ""
    raise CommandError(
        f"A new app needs a secret: --secret-stdin, --secret-prompt or --secret-env{copied}. From"
        " now on admin's app is in force, not the environment's. Nothing was saved."
    )


@sensitive_variables()
def _secret(whence: str) -> str | None:
    read = {
        "stdin": sys.stdin.readline,
        "env": _of_environment,
        "prompt": lambda: getpass("Client secret (not shown): "),
    }
    if whence not in read:
        return "" if whence == "none" else None
    secret = read[whence]().rstrip("\r\n")
    if not secret:
        raise CommandError(f"No secret came from --secret-{whence}. Nothing was saved.")
    return secret


def _split(domains: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in domains.split(",") if part.strip())


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write it as 2030-01-31") from None


def _of_environment() -> str:
    """MICROSOFT_CLIENT_SECRET, which settings may have read from a file; never their default."""
    in_file = settings.MICROSOFT_CLIENT_SECRET if f"{_SECRET_VARIABLE}_FILE" in os.environ else ""
    return os.environ.get(_SECRET_VARIABLE) or in_file
