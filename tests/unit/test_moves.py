"""A mapping file, line by line: what is planned, and what each line that cannot be meant says."""

import pytest

from accounts.operate import OperatorError
from accounts.operate.entra_export import text_of
from accounts.operate.moves import blocking, decide
from accounts.operate.moves_file import read_moves
from accounts.signin.policy import Candidate

OLD = "11111111-1111-4111-8111-111111111111"
NEW = "22222222-2222-4222-8222-222222222222"
OID = {name: f"aaaaaaaa-0000-4000-8000-00000000000{n}" for n, name in enumerate("abcn")}
PEOPLE = (
    Candidate(1, "ann@old.example", f"{OLD}:{OID['a']}"),
    Candidate(2, "Bob@old.example", f"{OLD}:{OID['b']}"),
    Candidate(3, "cyd@old.example"),
    Candidate(4, "root@old.example", f"{OLD}:{OID['c']}", is_superuser=True),
)


def planned(text: str, tenant: str = NEW) -> list[tuple[int, str, str]]:
    moves = decide(read_moves(text), PEOPLE, tenant, frozenset({NEW}))
    return [(each.line, each.what, each.note) for each in moves]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ann@old.example,ann@new.example", "address"),
        ("ann@old.example;ann@new.example", "address"),
        ("ann@old.example\tann@new.example", "address"),
        ("ann@old.example -> ann@new.example", "address"),
        ("ann@old.example \u2192 ann@new.example", "address"),
        ("ann@old.example ann@new.example", "address"),
        ('"ann@old.example","ann@new.example"', "address"),
        ("\ufeffold,new\nann@old.example,ann@new.example", "address"),
        ("oldUPN;newUPN\nann@old.example;ann@new.example", "address"),
        ("Alte E-Mail-Adresse;Neue E-Mail-Adresse\nann@old.example;ann@new.example", "address"),
        ("new,old\nann@new.example,ann@old.example", "address"),
        ("name,new mail,old mail\nAnn,ann@new.example,ann@old.example", "address"),
        ("ANN@old.example,ann@new.example", "address"),
        (f"ann@old.example,{OID['n']}", "link"),
        (f"{OID['a']},{OID['n']}", "link"),
        (f"{OID['a'].upper()},{{{OID['n'].upper()}}}", "link"),
        (f"{OLD}:{OID['a']},{NEW}:{OID['n']}", "link"),
        (f"{OID['a']},ann@new.example", "address"),
        (f"old,new,tenant\n{OID['a']},{OID['n']},{NEW}", "link"),
        (f"cyd@old.example,{OID['n']}", "link"),
        ("ann@old.example,Ann@old.example", "already"),
        ("ann@old.example,ann@old.example", "already"),
        ("nobody@old.example,nobody@new.example", "not here"),
        ("ann@gone.example,ann@old.example", "not here"),
    ],
)
def test_a_line_says_who_becomes_who(text: str, what: str) -> None:
    assert planned(text)[0][1] == what


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ann@old.example,", "new one is missing"),
        (",ann@new.example", "old one is missing"),
        ("ann@old.example", "new one is missing"),
        ("ann@old.example,ann", "neither an address nor an object ID"),
        ("ann@old.example,ann@new", "no email address"),
        (f"ann@old.example,{'a' * 250}@new.example", "no email address"),
        ("ann@old.example,ann@n\u200bew.example", "U+200B"),
        ("ann\u00a0@old.example,ann@new.example", "U+00A0"),
        ("ann@old.example,\u0430nn@new.example", "look-alike"),
        ("ann@old.example,bob@OLD.example", "another user's address"),
        (f"ann@old.example,{OLD}:{OID['n']}", "MICROSOFT_ALLOWED_TENANTS"),
        (f"old,new,tenant\nann@old.example,{OID['n']},contoso", "no GUID"),
    ],
)
def test_a_line_that_cannot_be_done_says_why(text: str, why: str) -> None:
    _line, what, note = planned(text)[-1]
    assert what == "problem"
    assert why in note


@pytest.mark.parametrize(
    ("first", "second", "why"),
    [
        ("ann@old.example,bob@old.example", "Bob@old.example,ann@old.example", "Swaps with line"),
        ("ann@old.example,bob@old.example", "bob@old.example,zoe@new.example", "second file"),
        (f"{OID['a']},{OID['b']}", f"{OID['b']},{OID['a']}", "Swaps with line"),
        (f"{OID['a']},{OID['b']}", f"{OID['b']},{OID['n']}", "second file"),
        ("ann@old.example,x@new.example", "ANN@old.example,y@new.example", "same person"),
        ("ann@old.example,x@new.example", f"{OID['a']},y@new.example", "same person"),
        ("ann@old.example,x@new.example", "ann@old.example,x@new.example", "keep one of them"),
        ("ann@old.example,x@new.example", "cyd@old.example,X@new.example", "same new one"),
    ],
)
def test_two_lines_that_meet_are_both_named(first: str, second: str, why: str) -> None:
    for text in (f"{first}\n{second}", f"{second}\n{first}"):
        made = planned(text)
        assert {what for _, what, _note in made} == {"problem"}
        assert any(why in note for *_, note in made)


def test_an_object_id_that_is_bound_here_is_nobody_elses() -> None:
    people = (*PEOPLE, Candidate(9, "eve@new.example", f"{NEW}:{OID['n']}"))
    made = decide(read_moves(f"ann@old.example,{OID['n']}"), people, NEW)
    assert made[0].note == "The new object ID is linked to eve@new.example here."


def test_one_person_may_have_a_new_address_and_a_new_identity() -> None:
    text = f"ann@old.example,ann@new.example\n{OID['a']},{OID['n']}"
    assert [what for _, what, _note in planned(text)] == ["address", "link"]


def test_two_users_of_one_address_are_not_guessed_between() -> None:
    people = (Candidate(1, "a@x.example"), Candidate(2, "A@x.example"))
    assert (
        "more than one user" in decide(read_moves("a@x.example,b@x.example"), people, NEW)[0].note
    )


def test_superusers_are_pointed_out() -> None:
    assert "superuser" in planned("root@old.example,root@new.example")[0][2]


def test_who_is_not_here_stops_the_file_unless_they_are_left_out() -> None:
    made = decide(read_moves("nobody@old.example,x@new.example"), PEOPLE, NEW)
    assert blocking(made)
    assert not blocking(made, skip_unknown=True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing in it"),
        ("\n  \n", "nothing in it"),
        ("old,old mail,new\na@x,b@x,c@x", "Two columns are titled old"),
        ("a@x.example,b@x.example\n" * 5001, "split it"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(text: str, why: str) -> None:
    with pytest.raises(OperatorError, match=why):
        read_moves(text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_file_may_be_as_excel_saves_it(encoding: str) -> None:
    text = text_of("old;new\r\nann@old.example;ann@new.example\r\n".encode(encoding))
    assert planned(text)[0][:2] == (2, "address")
