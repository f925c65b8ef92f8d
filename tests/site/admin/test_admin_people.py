"""People's pages: added by email, seen at a glance, and what is done to them takes effect."""

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.admin.people.add_several import digest
from accounts.models import AuditEntry, User
from tests.support.admins import (
    TID,
    browser_of,
    group,
    permissions,
    person,
    sign_in,
    superuser,
)

LIST = "/admin/accounts/user/"


@pytest.fixture
def browser(db: None) -> Client:
    return browser_of(superuser())


def act(
    browser: Client, action: str, *people: User, reason: str = "", confirmed: bool = True
) -> str:
    posted = {"action": action, "_selected_action": [user.pk for user in people], "reason": reason}
    confirmation = {"confirmed": "yes"} if confirmed else {"index": 0}
    response = browser.post(LIST, posted | confirmation, follow=True)
    for user in people:
        user.refresh_from_db()
    return response.content.decode()


def bind(user: User) -> None:
    SocialAccount.objects.create(
        user=user, provider="microsoft", uid=f"{TID}:{user.pk}", extra_data={"email": "m@x.example"}
    )


def test_an_email_is_enough_to_add_someone(browser: Client) -> None:
    browser.post(f"{LIST}add/", {"email": "new@contoso.example", "name": ""})
    added = User.objects.get(email="new@contoso.example")
    assert added.is_staff
    assert not added.has_usable_password()


def test_the_add_form_takes_the_email_from_a_link(browser: Client) -> None:
    page = browser.get(f"{LIST}add/?email=new%40contoso.example").content.decode()
    assert 'value="new@contoso.example"' in page


def test_an_email_that_differs_by_case_only_is_refused(browser: Client) -> None:
    person("new@contoso.example")
    page = browser.post(f"{LIST}add/", {"email": "NEW@contoso.example"}).content.decode()
    assert "already exists" in page


def test_several_are_added_by_pasting(browser: Client) -> None:
    here = person("here@contoso.example")
    pasted = f"Anna <anna@contoso.example>\n{here.email}\nnonsense\nbert@contoso.example"
    preview = browser.post(f"{LIST}add-several/", {"people": pasted})
    assert "nobody has been added yet" in preview.content.decode()
    assert User.objects.count() == 2
    assert not AuditEntry.objects.filter(action="person.added", actor_kind="person").exists()
    editors = group("Editors", "accounts.view_user")
    posted = {"people": pasted, "confirmed": preview.context["digest"], "groups": [editors.pk]}
    page = browser.post(f"{LIST}add-several/", posted).content.decode()
    assert "Added: <strong>2</strong>, here already: <strong>1</strong>" in page
    assert "Was here already" in page
    assert "There is no email address in this line." in page
    box = page.split("<textarea")[1].split("</textarea>")[0]
    assert box.split(">")[1].strip() == "nonsense"
    anna = User.objects.get(email="anna@contoso.example")
    assert (anna.name, list(anna.groups.all())) == ("Anna", [editors])
    assert not here.groups.exists()


def test_what_was_typed_after_the_preview_is_previewed_anew(browser: Client) -> None:
    preview = browser.post(f"{LIST}add-several/", {"people": "anna@contoso.example"})
    posted = {"people": "eve@contoso.example", "confirmed": preview.context["digest"]}
    page = browser.post(f"{LIST}add-several/", posted).content.decode()
    assert "nobody has been added yet" in page
    assert User.objects.count() == 1


def test_permissions_are_given_at_once_to_who_is_new(browser: Client) -> None:
    here = person("here@contoso.example")
    [right] = permissions("accounts.view_signin")
    lines = ["anna@contoso.example here@contoso.example"]
    posted = {"people": lines[0], "confirmed": digest(lines), "user_permissions": [right.pk]}
    browser.post(f"{LIST}add-several/", posted)
    assert User.objects.get(email="anna@contoso.example").has_perm("accounts.view_signin")
    assert not here.has_perm("accounts.view_signin")


def test_a_line_with_too_many_people_is_refused(browser: Client) -> None:
    text = " ".join(f"p{number}@contoso.example" for number in range(1001))
    page = browser.post(f"{LIST}add-several/", {"people": text}).content.decode()
    assert "At most 1000 people" in page


@pytest.mark.parametrize("what", ["groups", "user_permissions"])
def test_nobody_gives_by_pasting_what_they_do_not_hold(db: None, what: str) -> None:
    helper = person("helper@contoso.example", "accounts.add_user", "accounts.change_user")
    strong = group("Strong", "accounts.end_sessions")
    given = strong if what == "groups" else permissions("accounts.end_sessions")[0]
    lines = ["anna@contoso.example"]
    posted = {"people": lines[0], "confirmed": digest(lines), what: [given.pk]}
    browser_of(helper).post(f"{LIST}add-several/", posted)
    assert not User.objects.filter(email="anna@contoso.example").exists()


def test_people_are_added_to_a_group_together(browser: Client) -> None:
    anna, bert = person("anna@contoso.example"), person("bert@contoso.example")
    editors = group("Editors", "accounts.view_user")
    posted = {"action": "add_to_group", "_selected_action": [anna.pk, bert.pk]}
    page = browser.post(LIST, posted).content.decode()
    assert "Editors" in page
    assert "No Microsoft identity yet" in page
    browser.post(LIST, posted | {"confirmed": "yes", "group": editors.pk})
    assert set(editors.user_set.all()) == {anna, bert}


@pytest.mark.parametrize("what", ["group", "self", "person"])
def test_nobody_is_added_to_a_group_beyond_the_editors_rights(db: None, what: str) -> None:
    helper = person("helper@contoso.example", "accounts.view_user", "accounts.change_user")
    held = group("Held", "accounts.view_user")
    strong = group("Strong", "accounts.end_sessions")
    anna = superuser("anna@contoso.example") if what == "person" else person("anna@contoso.example")
    chosen = helper if what == "self" else anna
    asked = {"action": "add_to_group", "_selected_action": chosen.pk, "confirmed": "yes"}
    browser_of(helper).post(LIST, asked | {"group": (strong if what == "group" else held).pk})
    assert not chosen.groups.exists()


def test_pasting_too_much_is_refused(browser: Client) -> None:
    lines = "\n".join(f"p{number}@contoso.example" for number in range(1001))
    page = browser.post(f"{LIST}add-several/", {"people": lines}).content.decode()
    assert "At most 1000 lines" in page
    assert User.objects.count() == 1


def test_the_list_says_how_people_stand(browser: Client) -> None:
    never = person("never@contoso.example")
    refused = person("refused@contoso.example", last_login=timezone.now())
    person("off@contoso.example", is_active=False)
    bind(refused)
    sign_in(reason="identity_conflict", user=refused, reference="WXYZ-9876")
    page = browser.get(LIST).content.decode()
    assert "Not yet signed in" in page
    assert "Switched off" in page
    assert "m@x.example" in page
    assert "/admin/accounts/signin/?q=WXYZ-9876" in page
    assert never.email in page


def test_the_list_takes_as_many_queries_for_fifty_as_for_five(browser: Client) -> None:
    for number in range(5):
        _with_history(number)
    few = _queries(browser)
    for number in range(5, 50):
        _with_history(number)
    assert _queries(browser) == few
    assert few <= 15


def _with_history(number: int) -> None:
    user = person(f"p{number}@contoso.example")
    bind(user)
    sign_in(reason="user_inactive", user=user)


def _queries(browser: Client) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert browser.get(LIST).status_code == 200
    return len(captured)


@pytest.mark.parametrize("asked", ["ANNA@", "nna@contoso", "Anna M", "müller"])
def test_people_are_found_by_any_part_of_email_or_name(browser: Client, asked: str) -> None:
    person("anna@contoso.example", name="Anna Müller")
    person("bert@contoso.example", name="Bert Meier")
    page = browser.get(LIST, {"q": asked}).content.decode()
    assert "anna@contoso.example" in page
    assert "bert@contoso.example" not in page


def test_an_action_asks_first(browser: Client) -> None:
    cole = person("cole@contoso.example")
    page = act(browser, "deactivate", cole, confirmed=False)
    assert "cole@contoso.example" in page
    assert "Reason" in page
    assert cole.is_active


def test_deactivating_ends_the_session_on_the_next_request(browser: Client) -> None:
    cole = person("cole@contoso.example")
    theirs = browser_of(cole)
    assert theirs.get("/admin/").status_code == 200
    act(browser, "deactivate", cole, reason="left")
    assert theirs.get("/admin/").status_code == 302
    act(browser, "reactivate", cole)
    assert theirs.get("/admin/").status_code == 302
    assert "Deactivated: left" in _history(cole)


def test_signing_out_everywhere_ends_each_session_of_the_person_only(browser: Client) -> None:
    cole, other = person("cole@contoso.example"), person("other@contoso.example")
    first, second, theirs = browser_of(cole), browser_of(cole), browser_of(other)
    act(browser, "sign_out", cole)
    assert [client.get("/admin/").status_code for client in (first, second, theirs)] == [
        302, 302, 200,
    ]  # fmt: skip


def test_unlinking_needs_a_reason_and_keeps_it(browser: Client) -> None:
    cole = person("cole@contoso.example")
    bind(cole)
    theirs = browser_of(cole)
    assert "This field is required" in act(browser, "unlink", cole)
    assert SocialAccount.objects.exists()
    act(browser, "unlink", cole, reason="re-created in Entra")
    assert not SocialAccount.objects.exists()
    assert theirs.get("/admin/").status_code == 302
    assert "re-created in Entra" in _history(cole)


def test_unlinking_someone_without_identity_says_so(browser: Client) -> None:
    cole = person("cole@contoso.example")
    assert "no Microsoft identity" in act(browser, "unlink", cole, reason="why")


def test_switching_off_on_the_persons_page_signs_out_as_well(
    transactional_db: None,
) -> None:
    browser, cole = browser_of(superuser()), person("cole@contoso.example")
    theirs = browser_of(cole)
    browser.post(f"{LIST}{cole.pk}/change/", {"email": cole.email, "is_staff": "on"})
    browser.post(
        f"{LIST}{cole.pk}/change/", {"email": cole.email, "is_staff": "on", "is_active": "on"}
    )
    assert theirs.get("/admin/").status_code == 302


def test_the_persons_page_shows_sign_ins_sessions_and_identity(browser: Client) -> None:
    cole = person("cole@contoso.example")
    bind(cole)
    sign_in(user=cole, reference="QRST-2222")
    browser_of(cole)
    page = browser.get(f"{LIST}{cole.pk}/change/").content.decode()
    assert "QRST-2222" in page
    assert f"Tenant {TID}, object ID {cole.pk}" in page
    assert "All of this person" in page


def test_the_persons_page_keeps_sign_ins_and_sessions_from_those_without_the_right(
    db: None,
) -> None:
    cole = person("cole@contoso.example")
    sign_in(user=cole, reference="QRST-2222")
    browser_of(cole)
    reader = browser_of(person("reader@contoso.example", "accounts.view_user"))
    page = reader.get(f"{LIST}{cole.pk}/change/").content.decode()
    assert "QRST-2222" not in page
    assert "All of this person" not in page


@pytest.mark.parametrize("on", [False, True])
def test_passwords_are_offered_where_they_are_used(
    browser: Client, settings: Settings, on: bool
) -> None:
    settings.ADMIN_PASSWORD_LOGIN = on
    cole = person("cole@contoso.example")
    page = browser.get(f"{LIST}{cole.pk}/change/").content.decode()
    assert (f"{LIST}{cole.pk}/password/" in page) == on
    assert browser.get(f"{LIST}{cole.pk}/password/").status_code == (200 if on else 404)


def test_a_person_who_is_not_there_is_no_error(browser: Client) -> None:
    assert browser.get(f"{LIST}999999/change/").status_code == 302
    assert browser.get(f"{LIST}999999/unlink/").status_code == 404
    assert browser.get(f"{LIST}nobody/change/").status_code == 302


def _history(user: User) -> str:
    entries = LogEntry.objects.filter(object_id=str(user.pk))
    return " ".join(entries.values_list("change_message", flat=True))
