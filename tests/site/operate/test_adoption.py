"""`./manage.py staff adopt`: from the real tables of the packages that people come from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model

from accounts.models import AuditEntry
from accounts.operate import adoption
from accounts.operate.doctor.probes import people as probe
from accounts.operate.other_packages import WITHOUT_IDENTITIES
from accounts.signin.identities import accounts_of
from tests.emulator.ids import CLIENT_ID
from tests.support.admins import TID, let_in, person, superuser
from tests.support.doctoring import bad, rendered
from tests.support.operators import fail, run, run_json
from tests.support.other_packages import make_tables

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User

pytestmark = pytest.mark.django_db

OID, OTHER, CLIENT, TENANT_TWO = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3, 4))
PERSONAL = "48d31887fad3f5a5"
SUB = "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ"


@pytest.fixture
def ada() -> User:
    return person("ada@contoso.example")


@pytest.fixture
def bob() -> User:
    return person("bob@contoso.example")


def of_allauth(user: User, uid: str, **said: str) -> None:
    """As allauth's own provider binds: the answer of Graph's /me beside its id."""
    SocialAccount.objects.create(
        user=user, provider="microsoft", uid=uid, extra_data={"id": uid, **said}
    )


def of_microsoft_sso(*rows: tuple[User, str | None], upto: str = "9999") -> None:
    model = make_tables("django_microsoft_sso", upto).get_model(
        "django_microsoft_sso", "MicrosoftSSOUser"
    )
    for user, oid in rows:
        model.objects.create(user_id=user.pk, microsoft_id=oid)


def of_social_auth(*rows: tuple[User, str, str, dict[str, Any]], upto: str = "9999") -> None:
    """User, backend, uid, extra_data."""
    model = make_tables("social_django", upto).get_model("social_django", "UserSocialAuth")
    old = model._meta.get_field("extra_data").get_internal_type() == "TextField"
    for user, provider, uid, extra in rows:
        kept = json.dumps(extra) if old else extra
        model.objects.create(user_id=user.pk, provider=provider, uid=uid, extra_data=kept)


def bound() -> dict[str, str]:
    """Who is bound to what."""
    return dict(SocialAccount.objects.values_list("user__email", "uid"))


def adopt(package: str, *words: str) -> dict[str, tuple[str, str]]:
    """What is said of each person, and the note."""
    rows = run_json("staff", "adopt", "--from", package, *words)
    return {row["email"]: (row["what"], row["note"]) for row in rows}


# --- a preview, then once ------------------------------------------------------------------------


def test_nothing_is_written_before_it_was_shown(ada: User) -> None:
    of_allauth(ada, OID)
    said = run("staff", "adopt", "--from", "allauth")
    assert OID in said
    assert f"of the tenant {TID}" in adoption.summary("allauth", adoption.plan("allauth"))
    assert bound() == {ada.email: OID}
    assert not AuditEntry.objects.filter(subject_key=str(ada.pk), action="identity.changed")


def test_it_is_written_once_and_audited(ada: User) -> None:
    of_allauth(ada, OID, mail="ada@fabrikam.example")
    expected = "Microsoft knew them as ada@fabrikam.example"
    assert adopt("allauth", "--yes") == {ada.email: ("adopted", expected)}
    assert bound() == {ada.email: f"{TID}:{OID}"}
    entries = AuditEntry.objects.filter(action="identity.linked").order_by("at")
    said = entries.last().parts.get(role="subject").content  # type: ignore[union-attr]
    assert said["after"]["identity"] == f"{TID}:{OID}"
    assert said["note"] == "adopted from allauth"
    assert adopt("allauth", "--yes") == {ada.email: ("already", "")}
    assert entries.count() == 2  # as allauth bound it, and the tenant


# --- each package --------------------------------------------------------------------------------


@pytest.mark.parametrize("upto", ["0001", "9999"])
def test_microsoft_sso_kept_object_ids(ada: User, bob: User, upto: str) -> None:
    eve = person("eve@contoso.example")
    of_microsoft_sso((ada, OID.upper()), (bob, PERSONAL), upto=upto)
    assert adopt("django-microsoft-sso", "--yes") == {
        ada.email: ("adopted", ""),
        bob.email: ("by address", "bound to a personal Microsoft account"),
        eve.email: ("by address", ""),
    }
    assert bound() == {ada.email: f"{TID}:{OID}"}


def test_doctor_says_whom_nobody_has_adopted(ada: User, bob: User) -> None:
    of_microsoft_sso((ada, OID), (bob, PERSONAL))
    [left] = [each for each in probe.run() if each.id == "people.not_adopted"]
    assert "1 people are known to django-microsoft-sso" in rendered(left).title
    adopt("django-microsoft-sso", "--yes")
    assert "people.not_adopted" not in bad(probe.run())


@pytest.mark.parametrize("upto", ["0009", "0017", "9999"])
def test_social_auth_kept_subs_addresses_or_object_ids(ada: User, bob: User, upto: str) -> None:
    eve, kim, tim = (person(f"{name}@contoso.example") for name in ("eve", "kim", "tim"))
    of_social_auth(
        (ada, "azuread-tenant-oauth2", SUB, {}),
        (bob, "azuread-v2-tenant-oauth2", "bob@contoso.example", {}),
        (eve, "azuread-tenant-oauth2", "another-sub", {"oid": OID, "tid": TENANT_TWO}),
        (kim, "microsoft-graph", OTHER, {}),
        (tim, "github", OID, {}),
        upto=upto,
    )
    assert adopt("social-auth", "--client-id", CLIENT, "--yes") == {
        ada.email: ("by address", f"its sub is good for the client ID {CLIENT} only"),
        bob.email: ("by address", "known by an address only, bob@contoso.example"),
        eve.email: ("by address", f"of the tenant {TENANT_TWO}, which is not allowed here"),
        kim.email: ("adopted", ""),
        tim.email: ("by address", ""),
    }
    assert bound() == {kim.email: f"{TID}:{OTHER}"}


def test_a_sub_is_expected_at_the_app_registration_it_is_of(ada: User, settings: Any) -> None:
    settings.SOCIAL_AUTH_AZUREAD_TENANT_OAUTH2_KEY = CLIENT_ID
    of_social_auth((ada, "azuread-tenant-oauth2", SUB, {}))
    assert adopt("social-auth", "--yes") == {ada.email: ("adopted", "")}
    assert bound() == {ada.email: f"sub:{CLIENT_ID}:{SUB}"}
    assert adopt("social-auth", "--yes") == {ada.email: ("already", "")}


def test_newer_rows_of_social_auth_name_tenant_and_object_id(ada: User) -> None:
    of_social_auth((ada, "azuread-tenant-oauth2", SUB, {"oid": OID, "tid": TID}))
    assert adopt("social-auth", "--yes") == {ada.email: ("adopted", "")}
    assert bound() == {ada.email: f"{TID}:{OID}"}


def test_a_sub_needs_its_client_id(ada: User) -> None:
    of_social_auth((ada, "azuread-tenant-oauth2", SUB, {}))
    assert "--client-id GUID" in fail("staff", "adopt", "--from", "social-auth").error


@pytest.mark.parametrize("package", sorted(WITHOUT_IDENTITIES))
def test_a_package_without_identities_leaves_addresses(package: str, ada: User, bob: User) -> None:
    of_allauth(bob, f"{TID}:{OID}")
    assert adopt(package, "--yes") == {ada.email: ("by address", ""), bob.email: ("already", "")}
    assert "keeps no identity" in adoption.summary(package, adoption.plan(package))


@pytest.mark.parametrize("package", ["django-microsoft-sso", "social-auth"])
def test_a_table_that_is_not_there_is_one_line(package: str) -> None:
    assert "There is no table" in fail("staff", "adopt", "--from", package).error


# --- what is not adopted -------------------------------------------------------------------------


def test_what_is_bound_stays(ada: User) -> None:
    of_allauth(ada, f"{TID}:{OTHER}")
    of_microsoft_sso((ada, OID))
    failed = fail("staff", "adopt", "--from", "django-microsoft-sso", "--yes")
    assert failed.error == "1 of 1 not adopted: their notes say why."
    assert "which stays" in failed.out
    assert bound() == {ada.email: f"{TID}:{OTHER}"}


def test_two_packages_that_disagree_are_a_conflict(ada: User) -> None:
    of_allauth(ada, OTHER)
    of_microsoft_sso((ada, OID))
    assert adopt("django-microsoft-sso")[ada.email][0] == "conflict"


def test_an_identity_of_two_is_nobodys(ada: User, bob: User) -> None:
    of_microsoft_sso((ada, OID), (bob, OID))
    said = adopt("django-microsoft-sso")
    assert said[ada.email] == ("conflict", f"the same identity as {bob.email}")
    assert said[bob.email] == ("conflict", f"the same identity as {ada.email}")


def test_an_identity_of_someone_else_stays_theirs(ada: User, bob: User) -> None:
    of_allauth(bob, f"{TID}:{OID}")
    of_microsoft_sso((ada, OID))
    what, note = adopt("django-microsoft-sso")[ada.email]
    assert (what, bob.email in note) == ("conflict", True)


def test_several_object_ids_of_one_are_named(ada: User) -> None:
    of_allauth(ada, OID)
    of_allauth(ada, OTHER)
    what, note = adopt("allauth")[ada.email]
    assert (what, OID in note, OTHER in note) == ("conflict", True, True)


def test_a_personal_account_alone_has_to_be_unlinked(ada: User, bob: User) -> None:
    of_allauth(ada, PERSONAL)
    of_allauth(bob, PERSONAL.replace("4", "5"))
    of_allauth(bob, OID)
    said = adopt("allauth")
    assert (said[ada.email][0], "staff unlink" in said[ada.email][1]) == ("conflict", True)
    assert said[bob.email][0] == "adopt"


def test_customers_are_left_alone_unless_asked_for(ada: User) -> None:
    person("customer@contoso.example", is_staff=False)
    assert set(adopt("mozilla-django-oidc")) == {ada.email}
    assert len(adopt("mozilla-django-oidc", "--all")) == 2


def test_of_several_tenants_one_is_named(ada: User, settings: Any) -> None:
    settings.MICROSOFT_ALLOWED_TENANTS = frozenset({TID, TENANT_TWO})
    of_allauth(ada, OID)
    assert "--tenant GUID" in fail("staff", "adopt", "--from", "allauth").error
    assert "not one of" in fail("staff", "adopt", "--from", "allauth", "--tenant", OTHER).error
    adopt("allauth", "--tenant", TENANT_TWO, "--yes")
    assert bound() == {ada.email: f"{TENANT_TWO}:{OID}"}


def test_nobody_without_an_address_is_found_by_it(ada: User) -> None:
    ada.email = "ada"
    ada.save()
    what, note = adopt("django-auth-adfs")["ada"]
    assert (what, "no email address" in note) == ("conflict", True)


# --- other people's data -------------------------------------------------------------------------

G = "aaaaaaaa-bbbb-4ccc-8ddd-00000000000{}"  # has letters, which may be capitals
# What allauth's rows of one person hold (uid and what was said of them), what becomes of them, and
# the uid that counts afterwards.
ODD: dict[str, tuple[list[tuple[str, Any]], str, str]] = {
    "capitals": ([(G.format(1).upper(), {})], "adopt", f"{TID}:{G.format(1)}"),
    "nothing said": ([(G.format(2), "")], "adopt", f"{TID}:{G.format(2)}"),
    "no object said": ([(G.format(3), ["x"])], "adopt", f"{TID}:{G.format(3)}"),
    "tenant said": ([(G.format(4), {"tid": TID.upper()})], "adopt", f"{TID}:{G.format(4)}"),
    "other tenant said": ([(G.format(5), {"tenantId": TENANT_TWO})], "conflict", G.format(5)),
    "tenant first": ([(f"{TID}.{G.format(6)}", {})], "adopt", f"{TID}:{G.format(6)}"),
    "home account": ([(f"{G.format(7)}.{TID}", {})], "adopt", f"{TID}:{G.format(7)}"),
    "ours in capitals": ([(f"{TID}:{G.format(8)}".upper(), {})], "adopt", f"{TID}:{G.format(8)}"),
    "sub, and oid said": ([(SUB, {"oid": G.format(9)})], "adopt", f"{TID}:{G.format(9)}"),
    "twice": (
        [(OID.replace("1", "a"), {}), (OID.replace("1", "a").upper(), {})],
        "adopt",
        f"{TID}:{OID.replace('1', 'a')}",
    ),
    "two": ([(OID, {}), (OTHER, {})], "conflict", OID),
    "work and personal": ([(PERSONAL, {}), (CLIENT, {})], "adopt", f"{TID}:{CLIENT}"),
    "personal": ([(PERSONAL.upper(), {})], "conflict", PERSONAL.upper()),
    "whole already": ([(f"{TID}:{TENANT_TWO}", {})], "already", f"{TID}:{TENANT_TWO}"),
    "nothing": ([], "by address", ""),
}


def counts() -> dict[str, str]:
    """By person: the identity that counts."""
    found = {}
    for user in get_user_model().objects.all():
        first = accounts_of(user).first()
        found[user.email] = first.uid if first else ""
    return found


def test_what_others_wrote_is_read_as_meant_and_the_preview_is_what_is_done() -> None:
    for name, (rows, _what, _uid) in ODD.items():
        user = person(f"{name.replace(' ', '-').replace(',', '')}@contoso.example")
        user.is_active = name != "capitals"  # who is switched off keeps their identity as well
        user.save()
        for uid, said in rows:
            SocialAccount.objects.create(user=user, provider="microsoft", uid=uid, extra_data=said)
    of_names = {f"{n.replace(' ', '-').replace(',', '')}@contoso.example": n for n in ODD}
    shown = {of_names[email]: what for email, (what, _) in adopt("allauth").items()}
    assert shown == {name: what for name, (_, what, _) in ODD.items()}
    fail("staff", "adopt", "--from", "allauth", "--yes")
    assert {of_names[e]: uid for e, uid in counts().items()} == {
        n: u for n, (_, _, u) in ODD.items()
    }
    before = list(SocialAccount.objects.order_by("pk").values())
    entries = AuditEntry.objects.count()
    again = json.loads(fail("staff", "adopt", "--from", "allauth", "--yes", "--json").out)
    done = {of_names[row["email"]]: row["what"] for row in again}
    assert done == {n: "already" if what == "adopt" else what for n, what in shown.items()}
    assert list(SocialAccount.objects.order_by("pk").values()) == before
    assert AuditEntry.objects.count() == entries


def test_pages_and_commands_read_rows_of_others(ada: User, client: Client) -> None:
    SocialAccount.objects.create(user=ada, provider="microsoft", uid=OID, extra_data=[])
    let_in(client, superuser())
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get(f"/admin/accounts/user/{ada.pk}/change/").status_code == 200
    run("staff", "erase", ada.email, "--reason", "asked for", "--yes")


def test_an_object_id_that_allauth_bound_to_another_is_theirs(ada: User, bob: User) -> None:
    of_allauth(bob, OID.upper())
    of_microsoft_sso((ada, OID))
    what, note = adopt("django-microsoft-sso")[ada.email]
    assert (what, bob.email in note) == ("conflict", True)


def test_an_object_id_is_surer_than_a_sub(ada: User, bob: User) -> None:
    of_social_auth(
        (ada, "azuread-tenant-oauth2", SUB, {}),
        (ada, "microsoft-graph", OID.upper(), {}),
        (bob, "azuread-v2-tenant-oauth2", SUB[::-1], {"oid": OTHER}),
    )
    said = adopt("social-auth", "--client-id", CLIENT_ID, "--yes")
    assert {what for what, _ in said.values()} == {"adopted"}
    assert bound() == {ada.email: f"{TID}:{OID}", bob.email: f"{TID}:{OTHER}"}


def test_whoever_has_no_address_is_bound_by_object_id_and_called_by_name(ada: User) -> None:
    of_microsoft_sso((ada, f" {OID} "))
    ada.email = ""
    ada.save()
    assert list(adopt("django-microsoft-sso", "--yes").values()) == [("adopted", "")]
