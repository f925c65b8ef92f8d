"""Admin speaks the reader's language: every string of ours is in the catalogues, and none is half.

What is missing is listed. Add it to locale/*/LC_MESSAGES/django.po, compile, and commit the .mo.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.utils.translation import gettext, override
from django.utils.translation.template import templatize
from typing_extensions import override as overrides

from accounts.admin.advice import OF_FINDINGS, WORDS, Words
from accounts.entra.aadsts import TABLE as NUMBERS
from accounts.http import causes
from accounts.operate.doctor.catalogue import CATALOGUE
from accounts.reasons import REASONS
from tests.servers.process import ROOT
from tests.site.admin.test_admin_pages import TABLE, things  # noqa: F401 -- a fixture
from tests.support.admins import browser_of, superuser
from tests.unit.documents.test_translations import IN_TEMPLATE, LANGUAGES, catalogue

ON_TERMINALS = [entry.fix for entry in CATALOGUE.values() if entry.id in OF_FINDINGS]
# What Test connection and a save may find.
TESTED = ("online.", "clock.microsoft", "claims.")
MARKS = ("_", "gettext", "gettext_lazy", "gettext_noop", "noop", "ngettext", "ngettext_lazy")
TEMPLATES = sorted(
    path
    for folder in ("templates", "accounts/templates")
    for path in (ROOT / folder).rglob("*.html")
)
# Tags, comments, scripts, entities and the variables' places; what is left is read by people.
NOT_WORDS = re.compile(
    r"\{%\s*comment.*?endcomment\s*%\}|\{#.*?#\}|\{% block bodyclass %\}.*?\{% endblock %\}"
    r"|\{%\s*blocktranslate.*?endblocktranslate\s*%\}|\{%.*?%\}|\{\{.*?\}\}"
    r"|<script.*?</script>|<[^>]*>|&\w+;",
    re.DOTALL,
)
ENGLISH = re.compile(
    r"\b(the|and|with|of|is|are|not|you|your|this|that|from|has|have|their|nobody|each)\b",
    re.IGNORECASE,
)
# English in every language: a permission's name is data, a part of Entra has its English name.
DATA = ("staff-right", "staff-copy", "readonly-data")


def marked(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and node.args and _name_of(node.func) in MARKS:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def _name_of(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def metas() -> list[Any]:
    return [model._meta for model in apps.get_app_config("accounts").get_models()]


@cache
def ours() -> frozenset[str]:
    """Every string that a page of ours may show."""
    code = (path for path in (ROOT / "accounts").rglob("*.py") if "migrations" not in path.parts)
    found = {text for path in code for text in marked(path)}
    for path in TEMPLATES:
        words = IN_TEMPLATE.findall(templatize(path.read_text(encoding="utf-8")))
        found |= {ast.literal_eval(word) for word in words}
    found |= {reason.operator for reason in REASONS.values()}
    found |= {r.fix for code, r in REASONS.items() if not WORDS.get(code, Words()).fix}
    found |= {row.hint for row in NUMBERS if row.hint}
    # What Test connection finds; a fix that is a command has admin's own words.
    tested = (entry for entry in CATALOGUE.values() if entry.id.startswith(TESTED))
    parts = {text for e in tested for text in (e.title, e.detail, e.fix, e.if_ok)}
    found |= {text for text in parts if text not in ("{why}", "{reason_fix}")} - set(ON_TERMINALS)
    found |= {str(one.advice) for one in vars(causes).values() if hasattr(one, "advice")}
    found |= {name for meta in metas() for _codename, name in meta.permissions}
    plurals = {entry["msgid_plural"] for entry in catalogue("de").values() if len(entry) > 2}
    return frozenset(found - plurals - {""})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_of_ours_is_in_the_catalogue(language: str) -> None:
    with override(language):
        missing = [
            text for text in ours() if text not in catalogue(language) and gettext(text) == text
        ]
    assert not missing, "\n".join(sorted(missing))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_no_words_but_marked_ones(path: Path) -> None:
    left = NOT_WORDS.sub(" ", path.read_text(encoding="utf-8"))
    assert not re.findall(r"[A-Za-z]{2,}", left.replace("AADSTS", ""))


class Texts(HTMLParser):
    """What a reader of the page reads, without what is data."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[bool] = []

    @overrides
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = dict(attrs).get("class") or ""
        skipped = tag in ("script", "style", "code") or any(name in classes for name in DATA)
        if tag not in ("br", "img", "input", "link", "meta", "hr", "path", "use", "rect"):
            self._open.append(skipped)

    @overrides
    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()

    @overrides
    def handle_data(self, data: str) -> None:
        if not any(self._open) and data.strip():
            self.found.append(" ".join(data.split()))


def german(client: Client, page: str) -> list[str]:
    response = client.get(page, HTTP_ACCEPT_LANGUAGE="de")
    if not response.headers["Content-Type"].startswith("text/html"):
        return []
    read = Texts()
    read.feed(response.content.decode())
    return [text for text in read.found if ENGLISH.search(text)]


def test_no_page_of_admin_is_half_in_english(things: dict[str, Any]) -> None:  # noqa: F811
    client = browser_of(superuser())
    pages = [page.format(**things) for page, method, who in TABLE if method == "GET" and who]
    found = {page: german(client, page) for page in [*pages, "/admin/accounts/my-sessions/"]}
    assert {page: texts for page, texts in found.items() if texts} == {}
