"""Staff meet their own language: all of it, and as the catalogues say.

After a change of words: `manage.py makemessages --all --add-location file`, translate what is
new in locale/*/LC_MESSAGES/django.po, then `manage.py compilemessages`, and commit the .mo too:
hosts do not compile. Both need Debian's package gettext; these tests do not.
"""

from __future__ import annotations

import ast
import gettext
import re
from functools import cache
from pathlib import Path

import pytest
from django.utils.translation import override
from django.utils.translation.template import templatize

from accounts.reasons import REASONS
from tests.servers.process import ROOT

LANGUAGES = ("de", "es", "fr", "vi")
TEMPLATES = (
    *ROOT.glob("templates/*.html"),
    *ROOT.glob("accounts/templates/microsoft_admin/*.html"),
    *ROOT.glob("accounts/templates/microsoft_admin/admin/log*.html"),
)
LITERAL = r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
IN_TEMPLATE = re.compile(rf"(?:gettext|\b_)\(u?{LITERAL}")
ENTRY_LINE = re.compile(r'(msgid_plural|msgid|msgstr)?(?:\[(\d)\])?\s*(".*")')
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def in_template(path: Path) -> set[str]:
    code = templatize(path.read_text(encoding="utf-8"))
    return {ast.literal_eval(found) for found in IN_TEMPLATE.findall(code)}


def in_reasons() -> set[str]:
    with override("en"):
        return {
            str(words) for reason in REASONS.values() for words in (reason.title, reason.person)
        }


@cache
def catalogue(language: str) -> dict[str, dict[str, str]]:
    """What the .po says: the parts of each entry that is not fuzzy, by its msgid."""
    text = (ROOT / f"locale/{language}/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    entries = (read_entry(block) for block in text.split("\n\n") if "#, fuzzy" not in block)
    return {entry["msgid"]: entry for entry in entries if entry.get("msgid")}


def read_entry(block: str) -> dict[str, str]:
    entry: dict[str, str] = {}
    part = ""
    for keyword, index, literal in ENTRY_LINE.findall(re.sub(r"(?m)^#.*$", "", block)):
        part = keyword + index or part
        entry[part] = entry.get(part, "") + ast.literal_eval(literal)
    return entry


def translations(entry: dict[str, str]) -> dict[str, str]:
    return {part: words for part, words in entry.items() if part.startswith("msgstr")}


def compiled(language: str) -> gettext.GNUTranslations:
    with (ROOT / f"locale/{language}/LC_MESSAGES/django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_that_staff_meet_is_translated_in_whole(language: str, path: Path) -> None:
    assert in_template(path) <= catalogue(language).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_is_translated(language: str) -> None:
    assert in_reasons() <= catalogue(language).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_in_a_catalogue_is_left_empty(language: str) -> None:
    for msgid, entry in catalogue(language).items():
        assert all(translations(entry).values()), msgid


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_keeps_the_placeholders(language: str) -> None:
    for msgid, entry in catalogue(language).items():
        for words in translations(entry).values():
            assert set(PLACEHOLDER.findall(words)) == set(PLACEHOLDER.findall(msgid)), msgid


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_says_what_its_source_says(language: str) -> None:
    built = compiled(language)
    for msgid, entry in catalogue(language).items():
        if "msgid_plural" not in entry:
            assert built.gettext(msgid) == entry["msgstr"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_counts_as_its_source_does(language: str) -> None:
    built = compiled(language)
    for msgid, entry in catalogue(language).items():
        if plural := entry.get("msgid_plural"):
            forms = {built.ngettext(msgid, plural, count) for count in (0, 1, 2, 5, 10**6)}
            assert forms == set(translations(entry).values())


def test_a_template_gives_up_its_words() -> None:
    assert "Sign in with Microsoft" in in_template(
        ROOT / "accounts/templates/microsoft_admin/microsoft_button.html"
    )
    assert "You can try again in %(seconds)s second." in in_template(
        ROOT / "accounts/templates/microsoft_admin/refused.html"
    )
