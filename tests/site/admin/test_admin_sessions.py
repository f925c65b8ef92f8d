"""Who is signed in, and ending it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.admin import sessions
from tests.support.admins import browser_of, person, superuser

PAGE = "/admin/accounts/sessions/"
END = "/admin/accounts/sessions/end/"
OWN = "/admin/accounts/my-sessions/"


def handles(browser: Client, **query: str) -> dict[str, str]:
    """Handles on the page, by email."""
    shown = browser.get(PAGE, query).context["open_sessions"]
    return {session.email: session.handle for session in shown}


def test_the_page_lists_everyone_who_is_signed_in(db: None) -> None:
    browser_of(person("cole@contoso.example"))
    assert set(handles(browser_of(superuser()))) == {"cole@contoso.example", "root@contoso.example"}


def test_the_page_reads_no_more_than_it_could_show(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "_MOST_READ", 2)
    cole = person("cole@contoso.example")
    browsers = [browser_of(superuser()), browser_of(cole), browser_of(cole)]
    page = browsers[0].get(PAGE)
    assert len(page.context["open_sessions"]) == 2
    assert "Over 2 sessions, 2 of them shown" in page.content.decode()
    assert len(handles(browsers[0], q="cole")) == 1


def test_the_page_is_searched_by_the_beginning_of_an_email(db: None) -> None:
    browser_of(person("cole@contoso.example"))
    assert set(handles(browser_of(superuser()), q="COLE")) == {"cole@contoso.example"}


def test_session_keys_do_not_reach_the_page(db: None) -> None:
    theirs = browser_of(person("cole@contoso.example"))
    page = browser_of(superuser()).get(PAGE).content.decode()
    assert "cole@contoso.example" in page
    assert str(theirs.session.session_key) not in page


def test_ending_one_session_leaves_the_persons_others(db: None) -> None:
    cole, browser = person("cole@contoso.example"), browser_of(superuser())
    first = browser_of(cole)
    handle = handles(browser)[cole.email]
    second = browser_of(cole)
    browser.post(END, {"user": cole.pk, "handle": handle})
    assert (first.get("/admin/").status_code, second.get("/admin/").status_code) == (302, 200)


def test_ending_all_of_a_person_leaves_everyone_elses(db: None) -> None:
    cole, other = person("cole@contoso.example"), person("other@contoso.example")
    browser, theirs = browser_of(superuser()), [browser_of(cole), browser_of(cole)]
    others = browser_of(other)
    browser.post(END, {"user": cole.pk})
    assert [client.get("/admin/").status_code for client in theirs] == [302, 302]
    assert others.get("/admin/").status_code == 200
    assert LogEntry.objects.get().change_message == "Ended sessions: 2"


def test_a_handle_ends_no_session_of_another_person(db: None) -> None:
    cole, other = person("cole@contoso.example"), person("other@contoso.example")
    browser, others = browser_of(superuser()), browser_of(other)
    theirs = handles(browser)[other.email]
    assert browser.post(END, {"user": cole.pk, "handle": theirs}).status_code == 302
    assert browser_of(cole).post(OWN, {"handle": theirs}).status_code == 302
    assert others.get("/admin/").status_code == 200


def test_someone_with_the_right_alone_needs_no_other(db: None) -> None:
    cole = person("cole@contoso.example")
    theirs = browser_of(cole)
    browser = browser_of(person("guard@contoso.example", "accounts.end_sessions"))
    browser.post(END, {"user": cole.pk})
    assert theirs.get("/admin/").status_code == 302


def test_a_get_ends_nothing(db: None) -> None:
    assert browser_of(superuser()).get(END).status_code == 405


def test_nonsense_is_not_found(db: None) -> None:
    browser = browser_of(superuser())
    assert [browser.post(END, {"user": user}).status_code for user in ("", "x", "99999")] == [
        404, 404, 404,
    ]  # fmt: skip


def test_it_leads_back_to_this_site_only(db: None) -> None:
    cole, browser = person("cole@contoso.example"), browser_of(superuser())
    for asked, led in (
        (f"/admin/accounts/user/{cole.pk}/change/", f"/admin/accounts/user/{cole.pk}/change/"),
        ("//evil.example/", PAGE),
        ("https://evil.example/", PAGE),
        ("/\\evil.example/", PAGE),
    ):
        response = browser.post(END, {"user": cole.pk, "next": asked})
        assert response.headers["Location"] == led
