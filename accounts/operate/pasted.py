"""Parse names and addresses in pasted text: mails, address books, tables, records, lists.

Addresses are found anywhere: `Doe, Jane <jane@contoso.com>; Roe, Rick <rick@...>`, `Name
(address)`, `Name address`, `address, Name`, in HTML, after bullets and numbers, between blanks, in
the columns of a spreadsheet, or in a table with titles. A line without an address is returned with
its problem.
"""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from ..display.visible import is_hidden
from . import columns
from .pasted_records import read_records

# Characters that no address has, here and in Entra; full-width and typographic forms, too.
_SEPARATORS: Final = (
    r"\s<>()\[\]{},;:\"|\u201c\u201d\u201e\u00ab\u00bb"
    r"\uff1c\uff1e\uff08\uff09\u3001\uff0c\uff1b\uff1a"
)
_AT: Final = "@\uff20\ufe6b"  # addresses with a full-width @ are found, and reported
_ADDRESS: Final = re.compile(
    rf"(?<![^{_SEPARATORS}{_AT}=])[^{_SEPARATORS}{_AT}=]+[{_AT}][^{_SEPARATORS}/]+"
)
_RECIPIENTS: Final = "to|cc|bcc|from|reply-to|an|von|kopie|à|de|para|cco|cci|tới|mailto"
# Bullets, numbers, and the headers before the recipients of a mail.
_LEADING: Final = re.compile(
    r"^\s*(?:[^\w\s\"'<(\[]+\s+)?"
    r"(?:[•‣◦·●▪\u2460-\u24ff\u2776-\u2793]|\d\ufe0f?\u20e3|\[[ x]?\]\s*"
    r"|(?:#\s?|n[or°º]\.?\s?)\d{1,4}[.):]?\s+|\(?\d{1,4}[.)\]:]\s*|\d{1,4}\s+"
    r"|\(?(?:[a-z]|[ivx]{1,5})\)\s+)?\s*"
    rf"(?:(?:{_RECIPIENTS})\s*:\s*)?",
    re.IGNORECASE,
)
_GLUED: Final = re.compile(r"(@[^\s/@]{1,255})/(?=[^\s/@]{1,320}@)")
_RECIPIENT: Final = re.compile(rf"^[\s,;>]*(?:{_RECIPIENTS})\s*:", re.IGNORECASE)
_TAG: Final = re.compile(
    r"</?(?:a|abbr|b|br|div|em|font|i|li|o:p|ol|p|span|strong|table|tbody|td|th|thead|tr|u|ul)"
    r"(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_LINK: Final = re.compile(
    r"""<a\s[^<>]*?href\s*=\s*["']?mailto:([^"'?>\s]+)[^<>]*>(.*?)</a>""", re.IGNORECASE
)
_MARKDOWN: Final = re.compile(r"\[([^\[\]]*)\]\(mailto:([^()?\s]+)[^()]*\)", re.IGNORECASE)
# Teams and Outlook add a status or department.
_STATUS: Final = re.compile(
    r"\s*[(\[](?:guest|gast|invitée?|invitad[oa]|khách|extern(?:al|e|o|a)?|external user"
    r"|[^\W\d_]{1,6}(?:/[^\W\d_]{1,6}){1,2})[)\]]$",
    re.IGNORECASE,
)
_SPELLED_OUT: Final = re.compile(
    r"\S\s*[\[({<\s](?:at|ät|arobase|arroba|a còng)[\])}>\s]\s*\S+"
    r"(?:\s*[\[({<\s](?:dot|punkt|point|punto|chấm)[\])}>\s]\s*|\.)\S",
    re.IGNORECASE,
)
_JOINING: Final = re.compile(
    r"and|und|et|y|or|oder|o|ou|&|và|hoặc|mailto|smtp|upn|e-?mail|mail|xmpp|b?cc", re.IGNORECASE
)
_ENUMERATED: Final = re.compile(r"[ivx]{1,5}\.|[a-z]\.", re.IGNORECASE)
_RULE: Final = re.compile(r"[\s|:=+_-]+")  # between the head of a table and its rows
_MOST_LINES_OF_A_CELL: Final = 10
_LONGEST_NAME: Final = 150
_LONGEST_LINE: Final = 100_000  # less than the csv module refuses
NO_ADDRESS: Final = noop("There is no email address in this line.")
TOO_LONG: Final = noop("This line is too long: split it.")
SPELLED_OUT: Final = noop("The address is spelled out: write it with @ and dots.")
EMPTY_COLUMNS: Final = noop("Its columns for the address (mail, userPrincipalName) are empty.")


@dataclass(frozen=True, slots=True)
class Entry:
    """One person, and the number of their line from 1; or a `problem` without a person."""

    line: int
    email: str
    name: str = ""
    oid: str = ""
    tenant: str = ""
    text: str = field(default="", compare=False)
    problem: str = field(default="", compare=False)


def read_people(lines: Iterable[str]) -> Iterator[Entry]:
    """Everyone in these lines; empty lines are skipped."""
    titled, skipped = columns.lines_from_titles("\n".join(lines))
    for number, line in enumerate(titled, start=1):
        if len(line) > _LONGEST_LINE:
            yield Entry(number, line[:_LONGEST_NAME], text=line, problem=_(TOO_LONG))
            titled[number - 1] = ""
    if (records := read_records(titled)) is not None:
        for number, text, fields in records:
            yield _by_fields(number + skipped, text, fields)
        return
    rows = [(n + skipped, text) for n, text in _logical(titled) if not _RULE.fullmatch(text)]
    if rows:
        yield from _in_rows(rows)


def title_line(lines: Iterable[str]) -> str:
    """The first line, if it has the titles of columns; else ""."""
    titled, _skipped = columns.lines_from_titles("\n".join(lines))
    head = next((line for line in titled if line.strip()), "")
    return head if {"mail", "upn"} & set(_columns_named(head)) else ""


def _columns_named(head: str) -> dict[str, int]:
    return columns.indexes(_cells(head, _delimiter_of(head)), columns.OF_PEOPLE)


def _delimiter_of(head: str) -> str:
    return "|" if head.lstrip().startswith("|") else columns.delimiter_of(head)


def _in_rows(rows: Sequence[tuple[int, str]]) -> Iterator[Entry]:
    delimiter, held = _delimiter_of(rows[0][1]), _columns_named(rows[0][1])
    if {"mail", "upn"} & set(held):
        for number, text in rows[1:]:
            cells = _cells(text, delimiter)
            at = {key: cells[index] for key, index in held.items() if index < len(cells)}
            yield _by_fields(number, text, at)
        return
    for number, text in rows:
        yield from _unique(_of_line(number, text))


def _by_fields(number: int, text: str, at: Mapping[str, str]) -> Entry:
    email = at.get("mail") or at.get("upn") or ""
    name = at.get("name") or f"{at.get('given', '')} {at.get('family', '')}".strip()
    problem = "" if email else _(EMPTY_COLUMNS)
    return Entry(
        number, email, _clean(name), at.get("oid", ""), at.get("tenant", ""), text, problem
    )


def _of_line(number: int, text: str) -> Iterator[Entry]:
    line = _without_markup(text)
    if cells := _columns_of(line):
        return _in_columns(number, cells, text)
    return _in_free_text(number, line, text)


def _unique(entries: Iterable[Entry]) -> Iterator[Entry]:
    """A link has its address twice: keep one, with the name that either has."""
    found: dict[str, Entry] = {}
    for entry in entries:
        known = found.get(entry.email)
        if known is None or not known.name:
            found[entry.email] = entry
    return iter(found.values())


def _logical(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; lines within one pair of quotes are joined."""
    at = 0
    while at < len(lines):
        size = _size(lines[at : at + _MOST_LINES_OF_A_CELL])
        if text := "\n".join(lines[at : at + size]).strip(" \r\n"):
            yield at + 1, text
        at += size


def _size(lines: Sequence[str]) -> int:
    """The number of lines until the quotes are closed; one, when they never are."""
    quotes = 0
    for size, line in enumerate(lines, start=1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return size
    return 1


def _without_markup(text: str) -> str:
    """HTML and Markdown as text: `Name <address>` for a link, a tab between cells."""
    line = text.replace("\n", " ")
    line = _LINK.sub(r" \2 <\1> ", line) if "<" in line else line
    line = re.sub(r"</t[dh]>", "\t", line, flags=re.IGNORECASE)
    line = re.sub(r"<br\s*/?>|</(?:li|p|div|tr)>", "; ", line, flags=re.IGNORECASE)
    line = html.unescape(_TAG.sub(" ", line))
    return _MARKDOWN.sub(r" \1 <\2> ", line).replace("**", "")


# --- in columns ----------------------------------------------------------------------------------


def _cells(text: str, delimiter: str) -> list[str]:
    if delimiter == "|":
        return [" ".join(cell.split()) for cell in text.strip().strip("|").split("|")]
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    return [" ".join(cell.split()) for cell in next(reader, [])]


def _columns_of(line: str) -> list[str]:
    """The cells of a row with tabs; of CSV if one of at least three cells is an address."""
    if "\t" in line.strip():
        return _cells(line, "\t")
    delimiter = "|" if line.count("|") > 1 else columns.delimiter_of(line)
    cells = _cells(line, delimiter) if line.count(delimiter) > 1 else []
    plain = [cell for cell in cells if _ADDRESS.fullmatch(cell)]
    is_row = len(plain) == 1 and sum("@" in cell for cell in cells) == 1
    return [cell for cell in cells if cell] if is_row else []


def _in_columns(number: int, cells: Sequence[str], text: str) -> Iterator[Entry]:
    """Each cell with an address is a person, a cell beside it the name."""
    holding = [at for at, cell in enumerate(cells) if _ADDRESS.search(cell)]
    if not holding:
        yield Entry(number, text, text=text, problem=_why_none(text))
    for at in holding:
        for entry in _in_free_text(number, cells[at], text):
            name = entry.name or _name_beside(cells, at, entry.email)
            yield Entry(number, entry.email, name, text=text, problem=entry.problem)


def _name_beside(cells: Sequence[str], at: int, email: str) -> str:
    """The cell, or two of one word each, with most words of the address; else the nearest."""
    local = _plain(email.partition("@")[0])
    pairs = [
        (index, f"{cells[index]} {cells[index + 1]}")
        for index in range(len(cells) - 1)
        if _is_word(cells[index]) and _is_word(cells[index + 1])
    ]
    options = [(i, cell) for i, cell in enumerate(cells) if i != at and _is_name(cell)]
    options += [(i, name) for i, name in pairs if at not in (i, i + 1)]
    if not options:
        return ""

    def rank(option: tuple[int, str]) -> tuple[int, bool, bool, int]:
        index, name = option
        words = [word for word in _plain(name).split() if word in local]
        return (len(words), index < at, " " in name, -abs(index - at))

    best = max(options, key=rank)
    plausible = rank(best)[0] > 0 or best[0] < at or " " in best[1]
    return _clean(best[1]) if plausible else ""


# --- free text -----------------------------------------------------------------------------------


def _in_free_text(number: int, text: str, row: str) -> Iterator[Entry]:
    line = _GLUED.sub(r"\1; ", _LEADING.sub("", text))
    found = list(_ADDRESS.finditer(line))
    if not found:
        yield Entry(number, row, text=row, problem=_why_none(text))
        return
    ends = [0, *(match.end() for match in found)]
    starts = [*(match.start() for match in found), len(line)]
    gaps = [line[end:start] for end, start in zip(ends, starts, strict=True)]
    for match, name in zip(found, _names(gaps), strict=True):
        yield Entry(number, _address(match[0]), name, text=row)


def _why_none(text: str) -> str:
    return _(SPELLED_OUT) if _SPELLED_OUT.search(text) else _(NO_ADDRESS)


def _address(text: str) -> str:
    bare = text.partition("?")[0].strip("'`\u2018\u2019")
    return bare.lstrip("./").rstrip(".!*\u2026\u3002")


def _names(gaps: Sequence[str]) -> list[str]:
    """A name for each address, from the text before it, or after it if there is none before."""
    before, after = gaps[:-1], gaps[1:]
    if not _clean(before[0]) and _clean(after[-1]):
        return [_following(gap) for gap in after]
    names, parenthesis = [], ""
    for gap, following in zip(before, after, strict=True):
        names.append(_preceding(gap.removeprefix(parenthesis)) or _parenthesis(following)[1])
        parenthesis = "" if names[-1] and _preceding(gap) else _parenthesis(following)[0]
    return names


def _preceding(gap: str) -> str:
    """`Doe, Jane <` is a name with a comma; of `Sales,Jane Doe,` only the nearest part is one."""
    gap = _RECIPIENT.sub("", re.sub(r"(?i)mailto\s*:\s*$", "", gap)).rstrip()
    if quoted := re.search(r'["\u201c\u201e]([^"\u201c\u201d]+)["\u201c\u201d]\s*[,;:<(]?$', gap):
        return _clean(quoted[1])
    nearest = re.split(r"[;|>\n]", gap.lstrip(",;>)/ \t"))
    pieces = [piece for piece in nearest if _clean(piece)]
    if not pieces:
        return ""
    piece = pieces[-1]
    if gap.endswith((",", ":")) or (gap.endswith(";") and "," in piece):
        piece = piece.rstrip(" ,:;").split(",")[-1]
    return _clean(piece)


def _following(gap: str) -> str:
    piece = re.split(r"[,;|\n]", gap.strip(" \t,;:|=<>()[]-/"))[0]
    return _clean(piece) if _is_name(piece) else ""


def _parenthesis(gap: str) -> tuple[str, str]:
    """`(Name)` right after the address: the matched text, and the name."""
    found = re.match(r"\s*>?\s*\(([^()@]+)\)", gap)
    return (found[0], _clean(found[1])) if found else ("", "")


# --- names ---------------------------------------------------------------------------------------


def _clean(name: str) -> str:
    """Without punctuation around it, and without invisible characters."""
    seen = (" " if c.isspace() else c for c in name if c.isspace() or not is_hidden(c))
    plain = _without_punctuation(" ".join("".join(seen).split()).rstrip(" <([{"))
    if _JOINING.fullmatch(plain) or _ENUMERATED.fullmatch(plain) or "://" in plain:
        return ""
    return plain[:_LONGEST_NAME]


def _without_punctuation(text: str) -> str:
    """From the first letter or digit to the last, with a closing bracket or full stop."""
    text = _STATUS.sub("", text.rstrip(" \"'\u201d\u00bb"))
    at = [index for index, c in enumerate(text) if unicodedata.category(c)[0] in "LMN"]
    if not at:
        return ""
    end = at[-1] + 1
    inner = text[at[0] : end]
    closes = text[end : end + 1] == ")" and inner.count("(") > inner.count(")")
    return text[at[0] : end + 1] if closes or text[end : end + 1] == "." else inner


def _is_name(cell: str) -> bool:
    has_digit = any(c.isdigit() for c in cell)
    return bool(re.search(r"[^\W\d_]", cell)) and not has_digit and len(cell.split()) <= 5


def _is_word(cell: str) -> bool:
    return _is_name(cell) and " " not in cell and "@" not in cell


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))
