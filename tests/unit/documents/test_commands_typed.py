"""Advice that can be typed: commands in fixes, reasons and documents exist, with their flags."""

import re
import shlex
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from accounts.operate.doctor.catalogue import CATALOGUE
from accounts.operate.doctor.causes import FIXES
from accounts.reasons import REASONS
from tests.servers.process import ROOT

COMMAND = re.compile(r"(?:\./|python )manage\.py ([a-z_]+)((?: +[^\s`|<>;,()&]+)*)")
WORD = re.compile(r"[A-Za-z0-9_./@:='-]+")
FENCED = re.compile(r"^(?:\./|python |\$ )*manage\.py (.+)$", re.M)


def sources() -> Iterator[tuple[str, str]]:
    for entry in CATALOGUE.values():
        yield entry.id, f"{entry.detail} {entry.fix}"
    yield from FIXES.items()
    for reason in REASONS.values():
        yield reason.code, f"{reason.operator} {reason.fix}"
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
    modules = [*(ROOT / "accounts").rglob("*.py"), *(ROOT / "project").rglob("*.py")]
    templates = sorted(
        p for d in ("templates", "accounts/templates") for p in (ROOT / d).rglob("*.html")
    )
    for path in [*pages, *modules, *templates]:
        yield str(path.relative_to(ROOT)), joined(path)


def joined(path: Path) -> str:
    """The text; in code, strings that go on in the next line are one."""
    text = path.read_text(encoding="utf-8")
    return re.sub(r'"\n\s*f?"', "", text) if path.suffix == ".py" else text


@cache
def parser_of(command: str) -> ArgumentParser:
    made = load_command_class(str(get_commands()[command]), command)
    return made.create_parser("manage.py", command)


def subparsers(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    found = [each for each in parser._actions if isinstance(each, _SubParsersAction)]
    return dict(found[0].choices) if found else {}


def problems_of(command: str, rest: str) -> Iterator[str]:
    if command not in get_commands():
        yield f"there is no command {command}"
        return
    parser, words = parser_of(command), list(of_sentence(WORD.findall(rest)))
    actions = subparsers(parser)
    if actions and words and not words[0].startswith("-") and words[0].isidentifier():
        if words[0] not in actions:
            yield f"{command} has no action {words[0]}"
            return
        parser = actions[words[0]]
    known = set(parser._option_string_actions)
    for word in words:
        flag = word.partition("=")[0].rstrip(".:'")
        if flag.startswith("--") and flag != "--" and flag not in known:
            yield f"{command} {words[0] if actions else ''} has no {flag}"


def of_sentence(words: list[str]) -> Iterator[str]:
    """As far as the command goes: the end of a sentence, or a table's cell, ends it."""
    for word in words:
        if word.startswith("./manage") or word == "python":
            return
        yield word
        if word.endswith((".", ":")):
            return


@pytest.mark.parametrize("text", [pytest.param(text, id=where) for where, text in sources()])
def test_every_command_that_is_named_exists_with_its_flags(text: str) -> None:
    named = [match.groups() for match in COMMAND.finditer(text)]
    assert [problem for each in named for problem in problems_of(*each)] == []


PLACEHOLDERS = {
    "EMAIL": "you@example.com", "GUID": "33333333-3333-4333-8333-333333333333", "CODE": "cancelled",
    "ID": "redis.eviction", "SESSION": "0123456789ab", "FILE": "README.md", "DATE": "2030-01-31",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_every_line_of_a_command_is_parsed(path: Path) -> None:
    for line in FENCED.findall(path.read_text(encoding="utf-8")):
        typed = re.split(r"\s[|<>#]|\s&&", line)[0]
        words = [PLACEHOLDERS.get(word, word) for word in shlex.split(typed, comments=True)]
        parser_of(words[0]).parse_args(words[1:])


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert list(problems_of("microsoft_app", " set --next-secret-file"))
    assert list(problems_of("microsoft_app", " make"))
    assert list(problems_of("physician", ""))
    assert not list(problems_of("microsoft_app", " set --next-secret-stdin"))
