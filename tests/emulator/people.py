"""The people one can be. Their names match the users whom `./manage.py demo` seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from .ids import OTHER_TENANT, TENANT

GUEST_IDP = f"https://sts.windows.net/{OTHER_TENANT}/"


@dataclass(frozen=True, slots=True)
class Person:
    """An account at Microsoft. Only the claims that are not None appear in the id_token.

    `turned_away`: by Microsoft, as it does, where the site's tenant is not theirs. Without it they
    get a token of their own tenant, which the site must refuse by itself.
    """

    key: str
    name: str
    email: str | None = None
    preferred_username: str | None = None
    outcome: str = ""
    gets_in: bool = False
    tid: str = TENANT
    oid: str = ""
    idp: str | None = None
    acct: int | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    listed: bool = True
    turned_away: bool = False

    def __post_init__(self) -> None:
        if not self.oid:
            made = str(uuid5(NAMESPACE_DNS, f"{self.key}.people.example"))
            object.__setattr__(self, "oid", made)


def _member(key: str, name: str, email: str, outcome: str, *, gets_in: bool = False) -> Person:
    return Person(key, name, email, email, outcome, gets_in)


MAPPED_GROUP = "0e0e0e0e-0000-4000-8000-0000000000aa"
OTHER_GROUP = "0e0e0e0e-0000-4000-8000-0000000000bb"


def _with_claims(key: str, name: str, outcome: str, **claims: Any) -> Person:
    """Somebody whose token has these claims; they matter once app roles are mapped."""
    email = f"{key.replace('_', '-')}@contoso.example"
    return Person(key, name, email, email, f"Gets in. {outcome}", gets_in=True, claims=claims)


# With `roles set Staff` and `roles set Superuser --superuser`.
WITH_ROLES = (
    _with_claims(
        "promoted", "Petra Promoted", "Roles Staff and Superuser: becomes superuser once mapped.",
        roles=["Staff", "Superuser"],
    ),
    _with_claims(
        "demoted", "Dirk Demoted", "Role Staff only: loses superuser status once mapped.",
        roles=["Staff"],
    ),
    _with_claims(
        "overage", "Olga Overage", "Too many roles for the token: rights do not change.",
        _claim_names={"roles": "src1"}, _claim_sources={"src1": {"endpoint": "https://x.example"}},
    ),
    _with_claims(
        "wrong_type", "Wim Wrong-Type", "Roles that are not a list: rights do not change.",
        roles="Superuser",
    ),
    _with_claims(
        "group_ids", "Gina Groups", "Groups by object ID, one of which can be mapped.",
        groups=[MAPPED_GROUP, OTHER_GROUP],
    ),
    _with_claims(
        "display_name", "Dora Display", "The role's display name, not its Value: gets nothing.",
        roles=["Admin staff", "Superuser (full)"],
    ),
    _with_claims(
        "near_miss", "Nils Near-Miss", "A role in the wrong case: gets nothing; it is recorded.",
        roles=["superuser"],
    ),
    _with_claims(
        "no_roles", "Nele No-Roles", "Assigned without a role; refused with ROLES_REQUIRED.",
    ),
)  # fmt: skip

DEFAULT_PEOPLE = (
    _member(
        "staff", "Sam Staff", "staff@contoso.example", "Gets in: may do everything.", gets_in=True
    ),
    _member(
        "editor",
        "Eda Editor",
        "editor@contoso.example",
        "Gets in: staff, without any permission yet.",
        gets_in=True,
    ),
    _member(
        "other_case",
        "Sasha Staff",
        "Staff2@Contoso.Example",
        "Gets in: the user's address differs only in case.",
        gets_in=True,
    ),
    _member(
        "nobody", "Noel Nobody", "nobody@contoso.example", "Refused: the site has no such user."
    ),
    _member(
        "inactive",
        "Ina Inactive",
        "inactive@contoso.example",
        "Refused: has a user here, which is deactivated.",
    ),
    _member(
        "notstaff",
        "Nora Not-Staff",
        "notstaff@contoso.example",
        "Refused: has a user here, which is not staff.",
    ),
    Person(
        "guest",
        "Gus Guest",
        "guest@fabrikam.example",
        "guest@fabrikam.example",
        "Refused: a guest of the tenant, unless the site allows guests.",
        idp=GUEST_IDP,
        acct=1,
    ),
    Person(
        "other_tenant",
        "Otto Other",
        "other@fabrikam.example",
        "other@fabrikam.example",
        "Refused: an account of another organisation.",
        tid=OTHER_TENANT,
        turned_away=True,
    ),
    Person("no_email", "Nia No-Email", outcome="Refused: the account has no email address."),
    Person(
        "unverified",
        "Uma Unverified",
        "staff@contoso.example",
        "uma@contoso.example",
        "Refused: claims Sam's address, unverified.",
        claims={"xms_edov": False},
    ),
    _member(
        "impostor",
        "Imre Impostor",
        "staff@contoso.example",
        "Refused once Sam has signed in: another account with Sam's address.",
    ),
    *WITH_ROLES,
)


def default_people() -> dict[str, Person]:
    return {person.key: person for person in DEFAULT_PEOPLE}
