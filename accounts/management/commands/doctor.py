"""`doctor`: checks everything that can break a sign-in and says how to fix each."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any, Final
from urllib.parse import urlsplit

from django.core.management.base import CommandError, OutputWrapper
from typing_extensions import override

from ...conf import conf
from ...display.naming import as_set_here
from ...http.origins import origin_of
from ...http.tls import trusted_context
from ...operate import doctor
from ...operate.doctor import Finding, page
from ...operate.doctor import report as reports
from ...operate.output import OperatorCommand

EXIT_CODES: Final = {"error": 1, "unknown": 4, "warning": 3}  # the first that applies


class Command(OperatorCommand):
    """Findings to standard output, progress to standard error."""

    help = "Check everything that can break a Microsoft sign-in, and say how to fix each."
    epilog = """
examples:
  ./manage.py doctor                                    what can be seen from here
  ./manage.py doctor --online                           and what only Microsoft can tell
  ./manage.py doctor --online --url                     and through PUBLIC_URL, as a browser
  ./manage.py doctor --url https://staff.example.com --json > doctor.json
  ./manage.py doctor --explain redis.eviction           what an id means; "all": docs/doctor.md

exit codes:
  0  nothing breaks a sign-in
  1  something does
  2  wrong options
  3  nothing does now, but something will, or does for some people (warnings)
  4  no problem was found, but something could not be checked
--url presses the button about ten times and comes back twenty times; nobody is signed in. No rows
are left in the sign-in record if doctor has the site's SECRET_KEY; otherwise their user agent is
"doctor".
"""

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--online",
            action="store_true",
            help="ask Microsoft: tenant, keys, secret, redirect URI",
        )
        parser.add_argument(
            "--url",
            nargs="?",
            const="",
            metavar="URL",
            help="sign in through this address as a browser would; PUBLIC_URL when none is given",
        )
        parser.add_argument(
            "--ca-file", default="", metavar="FILE", help="trust this certificate with --url (PEM)"
        )
        parser.add_argument(
            "--slow", action="store_true", help="with --url: does an answer of 11 s come through?"
        )
        parser.add_argument("--json", action="store_true", help="a stable document for monitoring")
        parser.add_argument("--explain", metavar="ID", help="explain an id without checking")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if options["explain"] is not None:
            self.stdout.write(_explained(options["explain"]))
            return
        url = _url(options["url"])
        if not url and (options["ca_file"] or options["slow"]):
            raise _wrong("--ca-file and --slow say how to visit the site: add --url.")
        report = doctor.diagnose(
            online=options["online"],
            url=url,
            ca_file=_ca_file(options["ca_file"]),
            slow=options["slow"],
            progress=_Progress(self.stderr),
        )
        if options["json"]:
            self.stdout.write(json.dumps(reports.as_json(report), indent=2))
        else:
            self.stdout.write("\n".join(reports.as_text(report)))
        self.stdout.flush()
        code = next((code for level, code in EXIT_CODES.items() if report.of(level)), 0)
        if code:
            sys.exit(code)


class _Progress(doctor.Progress):
    """One line a check, while it works."""

    def __init__(self, stream: OutputWrapper) -> None:
        self._stream = stream
        self._style = stream.style_func
        stream.style_func = None  # not everything on standard error is an error

    @override
    def begins(self, name: str) -> None:
        self._stream.write(f"{name:<20}", ending="")
        self._stream.flush()

    @override
    def ends(self, findings: list[Finding], because: str) -> None:
        levels = {finding.level for finding in findings}
        worst = next((level for level in reports.WORST_FIRST if level in levels), "ok")
        self._stream.write(f" skipped, needs {because}" if because else f" {worst}")


def _explained(id_: str) -> str:
    if id_ == "all":
        return as_set_here(page.page())
    if text := page.explained(id_):
        return as_set_here(text)
    if near := page.similar_to(id_):
        raise _wrong(f"{id_} is not an id of doctor. Similar ones: {', '.join(near)}")
    raise _wrong(
        f"{id_} is not an id of doctor. All of them: ./manage.py doctor --explain all. Reason"
        " codes: docs/reasons.md"
    )


def _url(given: str | None) -> str:
    """The origin to visit; "" for no visit."""
    if given is None:
        return ""
    address = given or conf.PUBLIC_URL
    if origin_of(address) is None:
        raise _wrong(
            "--url is no address of http or https, without a user name. Example:"
            " --url https://staff.example.com"
        )
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _ca_file(given: str) -> str:
    try:
        if given:
            trusted_context(given)
    except OSError as error:  # ssl.SSLError, too
        raise _wrong(
            f"--ca-file {given} holds no certificate that can be read ({error}). It must be PEM:"
            " the authority's certificate, or the site's own when it signed it itself."
        ) from None
    return given


def _wrong(text: str) -> CommandError:
    return CommandError(text, returncode=2)
