"""Parse records of fields: vCards, LDIF, PowerShell's lists (`DisplayName : Jane`), JSON.

RFC 6350 (vCard), RFC 2849 (LDIF): a line that begins with a blank continues the field before, and
`mail:: ...` is base64.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from .columns import field_of

Fields = dict[str, str]
_FIELD: Final = re.compile(r"(?:item\d+\.)?([\w -]{1,40}?)(?:;[^:]*)?\s*:(:?)\s*(.*)")
_NEW: Final = ("BEGIN", "dn")
_NAMES: Final = ("name", "given", "family")


def read_records(lines: Sequence[str]) -> list[tuple[int, str, Fields]] | None:
    """The first line's number, the text and the fields of each; None if these are no records."""
    if (lines[0] if lines else "").lstrip()[:1] in ("[", "{"):
        return _of_json("\n".join(lines))
    fields = list(_fields(lines))
    if any(field is None for _number, field in fields):
        return None
    found = [_record(lines, record) for record in _divided(fields)]
    is_of_people = any(set(_NAMES) & set(one) and {"mail", "upn"} & set(one) for *_, one in found)
    return [one for one in found if one[2]] if is_of_people else None


def _fields(lines: Sequence[str]) -> Iterator[tuple[int, tuple[str, str] | None]]:
    """Key and value of each line, ("", "") of an empty one; None where it is no field."""
    unfolded: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if line[:1] in (" ", "\t") and line.strip() and unfolded and ":" not in line:
            unfolded[-1] = (unfolded[-1][0], unfolded[-1][1] + line[1:])
        else:
            unfolded.append((number, line))
    for number, line in unfolded:
        yield number, _field(line.strip())


def _field(line: str) -> tuple[str, str] | None:
    if not line or line.startswith("#"):
        return "", ""
    match = _FIELD.fullmatch(line)
    if match is None:
        return None
    return match[1], _decoded(match[3]) if match[2] else match[3].strip()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except ValueError:
        return text


def _divided(
    fields: Iterable[tuple[int, tuple[str, str] | None]],
) -> Iterator[list[tuple[int, str, str]]]:
    """A record ends at an empty line, where the next begins, or where a name is repeated."""
    record: list[tuple[int, str, str]] = []
    for number, field in fields:
        key, value = field or ("", "")
        known = {field_of(name) for _number, name, _value in record}
        is_repeated = field_of(key) in known & {*_NAMES, "oid"}
        if record and (not key or key in _NEW or is_repeated):
            yield record
            record = []
        if key:
            record.append((number, key, value))
    if record:
        yield record


def _record(
    lines: Sequence[str], record: Sequence[tuple[int, str, str]]
) -> tuple[int, str, Fields]:
    named: Fields = {}
    for _number, key, value in record:
        if key == "N":  # of a vCard: family; given; more
            family, _, rest = value.partition(";")
            named |= {"family": family, "given": rest.partition(";")[0]}
        elif meaning := field_of(key):
            named.setdefault(meaning, value.removeprefix("mailto:"))
    first, last = record[0][0], record[-1][0]
    return first, "\n".join(lines[first - 1 : last]), named


def _of_json(text: str) -> list[tuple[int, str, Fields]] | None:
    """As Graph and `az ad user list` write it; numbered from 1 instead of by line."""
    try:
        loaded = json.loads(text)
    except (ValueError, RecursionError):
        return None
    rows = loaded.get("value", [loaded]) if isinstance(loaded, dict) else loaded
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return [
        (number, json.dumps(row, ensure_ascii=False), _of_row(row))
        for number, row in enumerate(rows, start=1)
    ]


def _of_row(row: dict[str, Any]) -> Fields:
    found: Fields = {}
    for key, value in row.items():
        if (meaning := field_of(key)) and isinstance(value, str):
            found.setdefault(meaning, value)
    return found
