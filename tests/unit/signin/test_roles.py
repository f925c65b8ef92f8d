"""What app roles make of rights: mapping, state and what was held before, as sentences."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.entra.claims import read_claims
from accounts.signin.roles import (
    NONE,
    Rights,
    Table,
    TokenRoles,
    rights_after,
    union,
    with_safeguards,
)
from tests.support.keys import claims as good_claims

APP = "33333333-3333-4333-8333-333333333333"
GROUP = "0e0e0e0e-0000-4000-8000-0000000000aa"
STAFF, SUPER = Rights(staff=True), Rights(staff=True, superuser=True)
EDITORS, AUDITORS = Rights(groups=frozenset({1})), Rights(groups=frozenset({2}))
ROWS = {"Staff": STAFF, "Superuser": SUPER, "Editor": STAFF | EDITORS}
TABLE = Table(ROWS, frozenset({APP}))
UNSEEN = Table(ROWS)


def roles(*names: str) -> TokenRoles:
    return TokenRoles(names)


ABSENT = TokenRoles(None)
OVERAGE = TokenRoles(None, None, "too many for the token (overage)")
SENTENCES = {
    "nothing is mapped: all stays": (Table(), roles("Staff"), SUPER, NONE, "off", SUPER),
    "a role gives staff": (TABLE, roles("Staff"), NONE, NONE, "known", STAFF),
    "two roles add up": (
        *(TABLE, roles("Editor", "Superuser"), NONE, NONE),
        *("known", SUPER | EDITORS),
    ),
    "no role takes what is managed": (TABLE, ABSENT, SUPER | EDITORS, SUPER, "known", NONE),
    "what is managed is taken though given by hand": (TABLE, ABSENT, SUPER, NONE, "known", NONE),
    "a group that is not managed stays": (TABLE, ABSENT, AUDITORS, NONE, "known", AUDITORS),
    "a role that nobody mapped gives nothing": (TABLE, roles("Other"), NONE, NONE, "known", NONE),
    "a role in another case gives nothing": (TABLE, roles("staff"), NONE, NONE, "known", NONE),
    "what was given and is no longer managed is taken back": (
        *(Table({"Staff": STAFF}, frozenset({APP})), roles("Staff"), STAFF | EDITORS, EDITORS),
        *("known", STAFF),
    ),
    "what was held by hand and is no longer managed stays": (
        *(Table({"Staff": STAFF}, frozenset({APP})), roles("Staff"), STAFF | EDITORS, NONE),
        *("known", STAFF | EDITORS),
    ),
    "too many roles for the token: all stays": (TABLE, OVERAGE, SUPER, SUPER, "unknown", SUPER),
    "too many roles for the token: nothing new": (TABLE, OVERAGE, NONE, NONE, "unknown", NONE),
    "no token ever had roles: all stays": (UNSEEN, ABSENT, SUPER, NONE, "unknown", SUPER),
    "another registration: all stays": (
        *(Table(ROWS, frozenset({"another"})), ABSENT, SUPER, SUPER),
        *("unknown", SUPER),
    ),
    "a group's id gives as a role does": (
        *(Table({GROUP: EDITORS}), TokenRoles(None, (GROUP,)), NONE, NONE),
        *("known", EDITORS),
    ),
    "a group that is named like a role is none": (
        *(TABLE, TokenRoles((), ("Superuser", "Staff")), NONE, NONE, "known", NONE),
    ),
    "a group's id in capitals is the same": (
        *(Table({GROUP: EDITORS}), TokenRoles(None, (GROUP.upper(),)), NONE, NONE),
        *("known", EDITORS),
    ),
    "groups emitted as roles count by their ids": (
        *(Table({GROUP: EDITORS}), roles(GROUP), NONE, NONE, "known", EDITORS),
    ),
    "groups told by name say nothing of ids: all stays": (
        *(Table({GROUP: EDITORS}), TokenRoles(None, ("Editors",)), EDITORS, EDITORS),
        *("unknown", EDITORS),
    ),
    "roles and groups mapped, no token ever had roles: all stays": (
        *(Table({GROUP: EDITORS, "Staff": STAFF}), TokenRoles(None, (GROUP,)), STAFF, NONE),
        *("unknown", STAFF),
    ),
    "an empty list of a registration that never had any: all stays": (
        *(UNSEEN, roles(), SUPER, SUPER, "unknown", SUPER),
    ),
    "an empty list where there were some takes": (TABLE, roles(), SUPER, SUPER, "known", NONE),
    "wids and look-alikes give nothing": (
        *(TABLE, roles("\u0405taff", "Staff\u200b", " Staff", "Superuser "), NONE, NONE),
        *("known", NONE),
    ),
    "nothing is mapped any more: what was given goes, what was held by hand stays": (
        *(Table(owed=True), roles("Staff"), SUPER | EDITORS, EDITORS, "off", SUPER - EDITORS),
    ),
    "nothing was ever mapped: all stays": (Table(), roles("Staff"), SUPER, NONE, "off", SUPER),
    "a role twice is a role": (TABLE, roles("Staff", "Staff"), NONE, NONE, "known", STAFF),
    "a group's id is mapped, and no groups came: all stays": (
        *(Table({GROUP: EDITORS}), ABSENT, EDITORS, EDITORS),
        *("unknown", EDITORS),
    ),
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_roles_make_rights(sentence: str) -> None:
    table, token_roles, held, given_before, state, after = SENTENCES[sentence]
    outcome = rights_after(table, APP, token_roles, held, given_before)
    assert (outcome.state, outcome.rights) == (state, after)
    assert outcome.given == (given_before if state == "unknown" else outcome.given)


@pytest.mark.parametrize("near", ["staff", "STAFF", "Sta ff", "Staff\u200b", "\uff33taff"])
def test_a_near_miss_is_named_by_what_is_mapped(near: str) -> None:
    note = rights_after(TABLE, APP, roles(near), NONE, NONE).note
    assert note == "roles: one is spelled almost like 'Staff', which is mapped"


RIGHTS = st.builds(
    Rights, st.booleans(), st.booleans(), st.frozensets(st.integers(1, 4), max_size=4)
)
NAMES = st.sampled_from(["Staff", "Superuser", "Editor", "staff", "", "x"])
TABLES = st.builds(
    Table, st.dictionaries(NAMES, RIGHTS, max_size=3), st.sampled_from([frozenset(), {APP}])
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(table=TABLES, held=RIGHTS, before=RIGHTS, value=ANY, groups=ANY, extra=ANY)
def test_no_claim_of_any_form_gives_more_than_the_mapping_says(
    table: Table, held: Rights, before: Rights, value: object, groups: object, extra: object
) -> None:
    payload = good_claims(roles=value, groups=groups, _claim_names=extra)
    found = read_claims(payload)
    token_roles = TokenRoles(found.roles, found.groups, found.roles_problem)
    outcome = rights_after(table, APP, token_roles, held, before)
    named = [text for text in _texts(value) if text in table.rows]
    allowed = held | union(table.rows[name] for name in named)
    assert not outcome.rights - allowed
    if outcome.state != "known":
        assert outcome.rights == (held - before if outcome.state == "off" else held)
    assert (held - table.managed - before) - outcome.rights == NONE


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(table=TABLES, held=RIGHTS, before=RIGHTS, value=ANY, groups=ANY, link=st.booleans())
def test_no_claim_of_any_form_takes_from_the_last_superuser_or_a_break_glass_person(
    table: Table, held: Rights, before: Rights, value: object, groups: object, link: bool
) -> None:
    found = read_claims(good_claims(roles=value, groups=groups))
    token_roles = TokenRoles(found.roles, found.groups, found.roles_problem)
    last = Rights(held.staff, superuser=True, groups=held.groups)
    foreseen = rights_after(table, APP, token_roles, last, before)
    outcome = with_safeguards(foreseen, last, is_last=True, by_link=link)
    assert outcome.rights.superuser
    assert outcome.rights.staff >= last.staff
    assert not link or not last - outcome.rights
    assert outcome.given == foreseen.given


def _texts(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    "payload",
    [
        {"roles": "Staff"},
        {"roles": {"Staff": True}},
        {"roles": ["Staff", 1]},
        {"roles": ["x" * 201]},
        {"roles": ["x"] * 1001},
        {"_claim_names": {"roles": "src1"}, "roles": ["Superuser"]},
        {"_claim_names": {"groups": "src1"}},
        {"hasgroups": True},
    ],
)
def test_a_form_that_cannot_be_read_is_unknown(payload: dict[str, object]) -> None:
    found = read_claims(good_claims(**payload))
    token_roles = TokenRoles(found.roles, found.groups, found.roles_problem)
    assert rights_after(TABLE, APP, token_roles, STAFF, NONE).state == "unknown"
    assert rights_after(TABLE, APP, token_roles, STAFF, NONE).rights == STAFF


def test_groups_that_are_left_out_say_nothing_about_roles() -> None:
    found = read_claims(good_claims(roles=["Staff"], _claim_names={"groups": "src1"}))
    token_roles = TokenRoles(found.roles, found.groups, found.roles_problem)
    assert rights_after(TABLE, APP, token_roles, NONE, NONE).rights == STAFF
    assert rights_after(Table({GROUP: EDITORS}), APP, token_roles, NONE, NONE).state == "unknown"


@pytest.mark.parametrize("overage", [{"hasgroups": True}, {"_claim_names": {"groups": "src1"}}])
def test_groups_that_are_listed_beside_an_overage_are_not_all(overage: dict[str, object]) -> None:
    found = read_claims(good_claims(roles=["Staff"], groups=[], **overage))
    token_roles = TokenRoles(found.roles, found.groups, found.roles_problem)
    outcome = rights_after(Table({GROUP: EDITORS}), APP, token_roles, EDITORS, EDITORS)
    assert outcome.state == "unknown"
