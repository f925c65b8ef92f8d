"""How a uid names a person."""

import pytest

from accounts.signin.bindings import Binding, canonical, expected_sub, is_known, read

TID = "11111111-1111-4111-8111-111111111111"
OID = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"


@pytest.mark.parametrize(
    ("uid", "binding"),
    [
        (f"{TID}:{OID}", Binding(tid=TID, oid=OID)),
        (OID, Binding(oid=OID)),
        (f"sub:{TID}:AAAA-b_c", Binding(client_id=TID, sub="AAAA-b_c")),
        ("48d31887fad3f5a5", Binding()),
        ("AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ", Binding()),
        ("", Binding()),
    ],
)
def test_a_uid_is_read(uid: str, binding: Binding) -> None:
    assert read(uid) == binding
    assert is_known(uid) == (binding != Binding())


@pytest.mark.parametrize(
    ("uid", "written"),
    [
        (f"{TID.upper()}:{OID.upper()}", f"{TID}:{OID}"),
        (OID.upper(), OID),
        (f"Contoso:{OID.upper()}", f"Contoso:{OID.upper()}"),
        (f"sub:{TID}:AbC", f"sub:{TID}:AbC"),
    ],
)
def test_only_guids_are_the_same_in_capitals(uid: str, written: str) -> None:
    assert canonical(uid) == written


def test_a_sub_is_expected_at_one_client_id() -> None:
    assert expected_sub(TID.upper(), "AbC") == f"sub:{TID}:AbC"
