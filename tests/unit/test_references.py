import pytest

from accounts.display.references import new_reference, parse_reference


def test_a_reference_is_easy_to_read_aloud() -> None:
    reference = new_reference()
    assert len(reference) == 9
    assert reference[4] == "-"
    assert not set(reference) & set("AEIOU01")


def test_references_differ_and_use_the_whole_alphabet() -> None:
    made = {new_reference() for _ in range(2000)}
    assert len(made) == 2000
    assert len({letter for one in made for letter in one}) == len("BCDFGHJKLMNPQRSTVWXZ23456789-")


@pytest.mark.parametrize(
    ("typed", "reference"),
    [
        ("BCDF-2345", "BCDF-2345"),
        ("bcdf2345", "BCDF-2345"),
        (' "bcdf 2345"', "BCDF-2345"),
        ("bcdf\u20132345.", "BCDF-2345"),
        ("BCDF", ""),
        ("BCDF-23456", ""),
        ("BCDF - - 2345", ""),
        ("", ""),
    ],
)
def test_a_reference_is_found_however_it_is_typed(typed: str, reference: str) -> None:
    assert parse_reference(typed) == reference
