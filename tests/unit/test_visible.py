"""What outsiders chose is shown so that it hides nothing, and is no formula to any spreadsheet."""

import csv
import re
from datetime import UTC, datetime
from io import StringIO

import pytest

from accounts.display.visible import visible
from accounts.operate import spreadsheet

SPLITS = (",", ";", "\t", "|")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("Zoë Müller, 山田, Nguyễn Thị Ánh", "Zoë Müller, 山田, Nguyễn Thị Ánh"),
        ("moc.live\u202e", "moc.live[U+202E]"),
        ("a\u200bda@x.example", "a[U+200B]da@x.example"),
        ("a\u00a0b", "a[U+00A0]b"),
        ("\u2066x\u2069", "[U+2066]x[U+2069]"),
        ("\u3164", "[U+3164]"),
        ("x\u00ad", "x[U+00AD]"),
        ("x\ufe0f", "x[U+FE0F]"),
        ("\U000e0041", "[U+E0041]"),
        ("a\x1b[2J", "a[U+001B][2J"),
        ("a\nb", "a[U+000A]b"),
        ("a\u2028b", "a[U+2028]b"),
    ],
)
def test_nothing_is_hidden(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_what_is_kept_does_not_keep_the_rest() -> None:
    assert visible("a\u202e\nb", keep="\n") == "a[U+202E]\nb"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
@pytest.mark.parametrize("before", ["", " ", "\t", "x;", "x,", "x|", "x\t", "x; ", 'x;"', "x\r\n"])
def test_no_part_of_a_cell_is_a_formula_wherever_it_is_split(before: str, sign: str) -> None:
    line = list(
        spreadsheet.lines([{"a": "ok", "b": f"{before}{sign}cmd|' /C calc'!A0"}], ["a", "b"])
    )
    for split in SPLITS:
        for cell in next(csv.reader(StringIO(line[1]), delimiter=split)):
            assert not re.match("[=+\\-@\uff1d\uff0b\uff0d\uff20]", cell.strip('" '))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("-5", "'-5"),
        (-5, -5),
        (None, ""),
        (True, True),
        ("a=b", "a=b"),
        ("a-b@c.example", "a-b@c.example"),
        (("one", "=two"), "one, '=two"),
        (datetime(2030, 1, 31, 12, tzinfo=UTC), "2030-01-31T12:00:00.000+00:00"),
    ],
)
def test_what_is_no_formula_stays(value: object, cell: object) -> None:
    assert spreadsheet.cell(value) == cell
