from accounts.display.references import new_reference


def test_a_reference_is_easy_to_read_aloud() -> None:
    reference = new_reference()
    assert len(reference) == 9
    assert reference[4] == "-"
    assert not set(reference) & set("AEIOU01")


def test_references_differ_and_use_the_whole_alphabet() -> None:
    made = {new_reference() for _ in range(2000)}
    assert len(made) == 2000
    assert len({letter for one in made for letter in one}) == len("BCDFGHJKLMNPQRSTVWXZ23456789-")
