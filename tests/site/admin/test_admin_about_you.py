"""A person's front page tells what happened to their account."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import audit
from accounts.models import SignIn, User
from tests.support.admins import browser_of, person, sign_in

pytestmark = pytest.mark.django_db
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
NEWER = FIREFOX.replace("128", "141")
CHROME = "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0"


@pytest.fixture
def sam(db: None) -> User:
    return person("sam@contoso.example")


def came(sam: User, days_ago: int, address: str, agent: str = FIREFOX, **more: str) -> SignIn:
    at = timezone.now() - timedelta(days=days_ago)
    return sign_in(user=sam, at=at, client_ip=address, user_agent=agent, **more)


def front_page(user: User) -> str:
    return browser_of(user).get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("address", "agent", "told"),
    [
        ("192.0.2.7", FIREFOX, False),
        ("192.0.2.200", FIREFOX, False),  # the same network
        ("192.0.2.7", NEWER, False),  # the same browser, updated
        ("198.51.100.1", FIREFOX, True),
        ("192.0.2.7", CHROME, True),
        ("2001:db8::1", FIREFOX, True),
    ],
)
def test_a_sign_in_not_seen_before(sam: User, address: str, agent: str, told: bool) -> None:
    came(sam, 30, "192.0.2.7")
    came(sam, 1, address, agent)
    assert ("someone signed in as you" in front_page(sam)) is told


def test_the_first_sign_in_of_all_is_no_news(sam: User) -> None:
    came(sam, 0, "192.0.2.7")
    assert "someone signed in as you" not in front_page(sam)


def test_a_refused_one_is_none(sam: User) -> None:
    came(sam, 30, "192.0.2.7")
    came(sam, 1, "198.51.100.1", reason="user_inactive")
    assert "someone signed in as you" not in front_page(sam)


def test_what_another_changed(sam: User) -> None:
    came(sam, 30, "192.0.2.7")
    audit.write("person.rights_changed", sam, before={"staff": False}, after={"staff": True})
    assert "Your account: Rights changed" in front_page(sam)
    assert "Your account" not in front_page(person("other@contoso.example"))


def test_what_was_set_up_before_the_first_sign_in_is_no_news(sam: User) -> None:
    audit.write("person.rights_changed", sam, before={"staff": False}, after={"staff": True})
    assert "Your account" not in front_page(sam)


OWN_PAGE = "/admin/accounts/my-sessions/"


def messages_on(browser: Client, page: str = OWN_PAGE) -> str:
    return " ".join(map(str, browser.get(page).context["messages"]))


def at_the_desk(sam: User) -> Client:
    """A browser in which Sam came in a while ago, and was told of everything up to then."""
    came(sam, 30, "192.0.2.7")
    before = timezone.now() - timedelta(minutes=10)
    return browser_of(sam, signed_in_at=before.isoformat(), told_of=before.timestamp())


@pytest.mark.django_db(transaction=True)
def test_a_change_by_another_is_told_on_whatever_page_is_next_and_once(sam: User) -> None:
    browser = at_the_desk(sam)
    assert messages_on(browser) == ""
    sam.is_superuser = True
    sam.save()
    assert "Your account: Rights changed" in messages_on(browser)
    assert messages_on(browser) == ""


@pytest.mark.django_db(transaction=True)
def test_a_change_before_they_came_in_is_told_on_their_first_page(sam: User) -> None:
    came(sam, 30, "192.0.2.7")
    sam.is_superuser = True
    sam.save()
    assert "Your account: Rights changed" in messages_on(browser_of(sam))


@pytest.mark.django_db(transaction=True)
def test_the_front_page_says_it_once(sam: User) -> None:
    browser = at_the_desk(sam)
    sam.is_superuser = True
    sam.save()
    text = browser.get("/admin/").content.decode()
    assert text.count("Your account: Rights changed") == 1
    assert messages_on(browser) == ""


@pytest.mark.django_db(transaction=True)
def test_what_the_front_page_does_not_show_yet_is_told_on_the_next(sam: User) -> None:
    browser = at_the_desk(sam)
    browser.get("/admin/")  # cached for a minute
    came(sam, 0, "198.51.100.1")
    sam.last_login = timezone.now()
    sam.save(update_fields=["last_login"])
    assert "someone signed in as you" not in browser.get("/admin/").content.decode()
    assert "someone signed in as you" in messages_on(browser)


@pytest.mark.django_db(transaction=True)
def test_without_news_no_page_writes_the_session(sam: User) -> None:
    browser = at_the_desk(sam)
    for page in ("/admin/", OWN_PAGE):
        browser.get(page)  # a session's first page writes its CSRF token
        assert not browser.get(page).wsgi_request.session.modified


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("address", "told"), [("192.0.2.9", False), ("198.51.100.1", True)])
def test_a_sign_in_elsewhere_is_told_where_they_are(sam: User, address: str, told: bool) -> None:
    browser = at_the_desk(sam)
    assert messages_on(browser) == ""
    came(sam, 0, address)
    sam.last_login = timezone.now()
    sam.save(update_fields=["last_login"])
    assert ("someone signed in as you" in messages_on(browser)) is told
    assert messages_on(browser) == ""


@pytest.mark.django_db(transaction=True)
def test_what_they_changed_themselves_is_no_news(sam: User) -> None:
    browser = at_the_desk(sam)
    own = audit.Actor(kind="person", key=str(sam.pk), name=sam.email)
    with audit.context(who=lambda: own):
        sam.email = "sam2@contoso.example"
        sam.save()
    assert messages_on(browser) == ""
