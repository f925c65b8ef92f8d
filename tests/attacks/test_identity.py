"""Well-signed tokens of people who should not get in, or not as somebody else.

The sources are the nOAuth research (Descope 2023, Semperis 2025: an email that an attacker set on
an account of their own), Microsoft's "Migrate away from using email claims", OWASP ASVS 5.0,
10.5.2, and the Unicode Consortium's report on security (UTS 39).
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount

from accounts.models import SignIn, User
from tests.attacks.mallory import as_someone, someone
from tests.attacks.scene import VICTIM, Attack, Scene, withstand
from tests.emulator.id_token import pairwise
from tests.emulator.ids import CLIENT_ID, CONSUMERS, OTHER_TENANT, TENANT
from tests.emulator.people import DEFAULT_PEOPLE, Person
from tests.support.visitor import Page

SAM = next(person for person in DEFAULT_PEOPLE if person.key == "staff")
NOAUTH = "nOAuth (Descope 2023)"
NOAUTH_AGAIN = "nOAuth (Semperis 2025)"
UNICODE = "UTS 39"
EXACT = "Who gets in, 6"


def with_email(sentence: str, email: str, source: str = EXACT) -> Attack:
    return someone(sentence, "unknown_user", source, email=email)


def claiming(sentence: str, reason: str, source: str, **claims: Any) -> Attack:
    """The victim's address, and claims that take its worth."""
    return someone(sentence, reason, source, email=VICTIM, claims=claims)


def existing(sentence: str, person: str, reason: str, source: str = EXACT) -> Attack:
    return Attack(sentence, lambda scene: scene.sign_in(person), reason, source, redeemed=1)


PEOPLE_WITHOUT_RIGHTS = [
    existing("nobody's account", "nobody", "unknown_user"),
    existing("someone deactivated", "inactive", "user_inactive", "ASVS 7.4.2"),
    existing("someone who is not staff", "notstaff", "user_not_staff"),
    existing("an account without any address", "no_email", "no_email"),
]

GUESTS = [
    existing("a guest whom a user here matches", "guest", "guest_not_allowed", "Who gets in, 4"),
    someone("a guest by idp, with the victim's address", "guest_not_allowed", NOAUTH_AGAIN,
            email=VICTIM, idp="live.com"),
    someone("a guest by acct, with the victim's address", "guest_not_allowed", NOAUTH_AGAIN,
            email=VICTIM, acct=1),
    claiming("acct 1 as a text", "guest_not_allowed", "Who gets in, 4", acct="1"),
    claiming("acct of a kind that nobody knows", "guest_not_allowed", "Who gets in, 4", acct=[0]),
    claiming("idp is our issuer with a slash more", "guest_not_allowed", "Who gets in, 4",
             idp=f"https://sts.windows.net/{TENANT}/"),
]  # fmt: skip

TENANTS = [
    someone("another tenant's account with the victim's address", "wrong_tenant", NOAUTH,
            email=VICTIM, tid=OTHER_TENANT),
    someone("a personal account with the victim's address", "wrong_tenant", NOAUTH,
            email=VICTIM, tid=CONSUMERS),
    claiming("our issuer with another tenant's tid", "wrong_tenant",
             "Microsoft, validate claims: tid", tid=OTHER_TENANT),
    claiming("our issuer with the personal accounts' tid", "wrong_tenant",
             "Microsoft, validate claims: tid", tid=CONSUMERS),
    claiming("our tid with a letter more", "wrong_tenant", "Who gets in, 3", tid=f"{TENANT}0"),
]  # fmt: skip

UNVERIFIED = [
    existing("an address that nobody verified", "unverified", "no_email", NOAUTH),
    claiming("xms_edov false as a text", "no_email", NOAUTH, xms_edov="false"),
    claiming("xms_edov 0", "no_email", NOAUTH, xms_edov=0),
    claiming("xms_edov in a form that nobody knows", "no_email", NOAUTH, xms_edov={"value": True}),
    claiming("email_verified false", "no_email", "OpenID Connect Core 5.1", email_verified=False),
    claiming("email_verified false as a text", "no_email", "OpenID Connect Core 5.1",
             email_verified="False"),
    claiming("email_verified true does not outweigh xms_edov false", "no_email", NOAUTH,
             email_verified=True, xms_edov=False),
]  # fmt: skip

ADDRESSES = [
    someone("the victim's address in preferred_username only", "unknown_user", NOAUTH,
            email="mallory@contoso.example", preferred_username=VICTIM),
    someone("the victim's address in upn only", "no_email", NOAUTH, claims={"upn": VICTIM}),
    someone("the victim's address in name and unique_name", "no_email", NOAUTH,
            claims={"name": VICTIM, "unique_name": VICTIM}),
    someone("the victim's address among verified_primary_email", "no_email", NOAUTH,
            claims={"verified_primary_email": [VICTIM]}),
    someone("an address of spaces, and a good preferred_username", "unknown_user", EXACT,
            email="  ", preferred_username=VICTIM),
    with_email("a space after it", f"{VICTIM} "),
    with_email("a space before it", f" {VICTIM}"),
    with_email("a line break after it", f"{VICTIM}\n"),
    with_email("a dot after it", f"{VICTIM}."),
    with_email("a tab after it", f"{VICTIM}\t"),
    with_email("a no-break space after it", f"{VICTIM}\N{NO-BREAK SPACE}", UNICODE),
    with_email("a letter that nobody sees", "st\N{ZERO WIDTH SPACE}aff@contoso.example", UNICODE),
    with_email("a soft hyphen in it", "st\N{SOFT HYPHEN}aff@contoso.example", UNICODE),
    with_email("a mark that turns its letters round",
               f"\N{RIGHT-TO-LEFT OVERRIDE}{VICTIM}", UNICODE),
    with_email("a Cyrillic letter", "st\N{CYRILLIC SMALL LETTER A}ff@contoso.example", UNICODE),
    with_email("a long s, whose capital is S",
               "\N{LATIN SMALL LETTER LONG S}taff@contoso.example", UNICODE),
    with_email("a Kelvin sign, whose small letter is k",
               "\N{KELVIN SIGN}im@contoso.example", UNICODE),
    with_email("a dotless i, whose capital is I",
               "k\N{LATIN SMALL LETTER DOTLESS I}m@contoso.example", UNICODE),
    with_email("a ligature of two f", "sta\N{LATIN SMALL LIGATURE FF}@contoso.example", UNICODE),
    with_email("letters of full width", "\uff53\uff54\uff41\uff46\uff46@contoso.example", UNICODE),
    with_email("an at sign of full width",
               "staff\N{FULLWIDTH COMMERCIAL AT}contoso.example", UNICODE),
    with_email("a letter with a combining mark", "sta\u0301ff@contoso.example", UNICODE),
    with_email("a domain in Punycode that looks alike", "staff@xn--contso-n0a.example", UNICODE),
    with_email("a part after a plus", "staff+x@contoso.example"),
    with_email("a comment in it", "staff(x)@contoso.example", "RFC 5322 3.2.2"),
    with_email("its name in quotes", '"staff"@contoso.example', "RFC 5322 3.2.4"),
    with_email("as a mailbox with a name", f"Sam <{VICTIM}>", "RFC 5322 3.4"),
    with_email("two addresses", f"{VICTIM},mallory@contoso.example"),
    with_email("two at signs", f"{VICTIM}@attacker.example"),
    with_email("a wildcard of LIKE", "%@contoso.example", "CWE-89"),
    with_email("a one-letter wildcard of LIKE", "st_ff@contoso.example", "CWE-89"),
    with_email("SQL", "' OR 1=1 --", "CWE-89"),
    with_email("markup", "<script>alert(1)</script>@contoso.example", "CWE-79"),
]  # fmt: skip


# --- an identity is who it was -------------------------------------------------------------------


def bound(scene: Scene) -> None:
    """Sam has been in: Sam's identity is bound to Sam's user."""
    scene.let_in("staff")


def bound_then(scene: Scene, change: Callable[[], object]) -> None:
    bound(scene)
    change()


def address_given_to_a_new_user() -> None:
    """Sam's address belongs to a new colleague now; Sam has left."""
    User.objects.filter(email=VICTIM).update(email="sam.former@contoso.example", is_active=False)
    User.objects.create(email=VICTIM, is_superuser=True)


def adopted(scene: Scene, uid: str) -> None:
    """Sam's identity came from another package, and Sam has not been here since."""
    SocialAccount.objects.create(user=User.objects.get(email=VICTIM), provider="microsoft", uid=uid)


BINDINGS = [
    Attack("a second account with the address of someone bound",
           lambda scene: scene.sign_in("impostor"), "identity_conflict", NOAUTH, given=bound),
    Attack("a second account with that address in other letters",
           partial(as_someone, email=VICTIM.upper()), "identity_conflict", NOAUTH, given=bound),
    Attack("the address of someone whom allauth's own provider bound",
           lambda scene: scene.sign_in("impostor"), "identity_conflict", NOAUTH,
           given=lambda scene: adopted(scene, SAM.oid)),
    Attack("the address of someone whose sub is expected",
           lambda scene: scene.sign_in("impostor"), "identity_conflict", NOAUTH,
           given=lambda scene: adopted(scene, f"sub:{CLIENT_ID}:of-sam")),
    Attack("the sub of someone, at another app registration",
           lambda scene: scene.sign_in("staff"), "identity_conflict", "OpenID Connect Core 8.1",
           given=lambda scene: adopted(scene, f"sub:{OTHER_TENANT}:{pairwise(CLIENT_ID, SAM)}")),
    Attack("who has left keeps no claim to the address that a new user has",
           lambda scene: scene.sign_in("staff"), "user_inactive", "ASVS 10.5.2",
           given=lambda scene: bound_then(scene, address_given_to_a_new_user)),
    Attack("someone bound, deactivated, comes with another's address",
           lambda scene: moved(scene, "kim@contoso.example"), "user_inactive", "ASVS 10.5.2",
           given=lambda scene: bound_then(
               scene, lambda: User.objects.filter(email=VICTIM).update(is_active=False))),
    Attack("someone bound, no longer staff", lambda scene: scene.sign_in("staff"),
           "user_not_staff", "Who gets in, 7",
           given=lambda scene: bound_then(
               scene, lambda: User.objects.filter(email=VICTIM).update(is_staff=False))),
]  # fmt: skip


def moved(scene: Scene, email: str) -> Page:
    """Sam's account at Microsoft has another address now."""
    scene.emulator.tamper(claims={"email": email, "preferred_username": email})
    return scene.sign_in("staff")


TABLE = [
    *PEOPLE_WITHOUT_RIGHTS, *GUESTS, *TENANTS, *UNVERIFIED, *ADDRESSES, *BINDINGS,
]  # fmt: skip


@pytest.mark.parametrize("attack", TABLE, ids=str)
def test_nobody_gets_in_as_someone_else(scene: Scene, attack: Attack) -> None:
    withstand(scene, attack)


def test_someone_bound_stays_who_they_are_whatever_their_address_says(scene: Scene) -> None:
    """ASVS 10.5.2: Kim's address on Sam's account is Sam, and never Kim."""
    bound(scene)
    scene.emulator.tamper(claims={"email": "kim@contoso.example"})
    sam = scene.let_in("staff")
    assert VICTIM in sam.get("/admin/").text
    assert not SocialAccount.objects.filter(user__email="kim@contoso.example").exists()
    assert "keeps its own" in SignIn.objects.latest().detail


def test_who_is_deactivated_is_out_at_the_next_click(scene: Scene) -> None:
    """ASVS 7.4.2."""
    sam = scene.let_in("staff")
    User.objects.filter(email=VICTIM).update(is_active=False)
    assert not sam.is_in()
    assert sam.sign_in("staff").reason == "user_inactive"


def test_an_address_in_other_ascii_letters_is_the_same(scene: Scene) -> None:
    scene.emulator.register_person(Person("sam", "Sam", email="STAFF@Contoso.Example"))
    assert VICTIM in scene.let_in("sam").get("/admin/").text
