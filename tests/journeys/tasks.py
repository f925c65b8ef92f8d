"""What admins come to do, click by click: the journeys, and the pages of docs/admin are made of it.

A step says in the page's words what to do, and does it. What starts with `click` counts as a click.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.socialaccount.models import SocialAccount, SocialApp
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts import audit
from accounts.protection import secretbox
from accounts.signin.policy import BOUND_ELSEWHERE
from tests.support.admins import TID, browser_of, group, person, sign_in

CLIENT_ID = "33333333-3333-4333-8333-333333333333"
SECRET = "emulator-secret-not-for-production"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/130.0.0.0 Safari/537.36"
)
MAIL = (
    "Doe, Jane <jane@contoso.example>; Roe, Rick <rick@contoso.example>\n"
    "• Kim Lee (kim@contoso.example)"
)


@dataclass(frozen=True)
class Step:
    """`say` is the page's sentence; `shown` is where the page's picture is taken."""

    say: str
    do: Callable[[Page], None]
    is_click: bool = True
    shown: bool = False


@dataclass(frozen=True)
class Task:
    """`when` says why one comes, `then` what is true afterwards, which `proof` looks for."""

    slug: str
    title: str
    when: str
    steps: tuple[Step, ...]
    then: str
    proof: Callable[[Page], None]
    setup: Callable[[], object] = field(default=lambda: None)

    @property
    def clicks(self) -> int:
        return sum(step.is_click for step in self.steps)


def link(name: str, say: str = "", *, exact: bool = False, shown: bool = False) -> Step:
    def do(page: Page) -> None:
        place = page.locator("#content, .messagelist")
        with page.expect_navigation():
            place.get_by_role("link", name=name, exact=exact).first.click()

    return Step(say or f"Click **{name}**.", do, shown=shown)


def front(name: str) -> Step:
    def do(page: Page) -> None:
        page.locator("#content").get_by_role("link", name=name, exact=True).first.click()

    return Step(f"On the front page click **{name}**.", do)


def button(name: str, say: str = "", *, shown: bool = False) -> Step:
    def do(page: Page) -> None:
        with page.expect_navigation():
            page.get_by_role("button", name=name, exact=True).first.click()

    return Step(say or f"Click **{name}**.", do, shown=shown)


def fill(label: str, value: str, say: str, *, shown: bool = False) -> Step:
    def do(page: Page) -> None:
        page.get_by_label(label, exact=True).first.fill(value)

    return Step(say, do, is_click=False, shown=shown)


def search(text: str, say: str) -> Step:
    def do(page: Page) -> None:
        page.get_by_role("textbox", name="Search").fill(text)

    return Step(say, do, is_click=False)


def look(say: str, what: str) -> Step:
    """Something to read, and where the picture is taken."""

    def do(page: Page) -> None:
        expect(page.get_by_text(what).first).to_be_visible()

    return Step(say, do, is_click=False, shown=True)


def tick(row: str, say: str) -> Step:
    def do(page: Page) -> None:
        page.get_by_role("row", name=re.compile(row)).get_by_role("checkbox").check()

    return Step(say, do)


def choose(action: str, say: str) -> Step:
    def do(page: Page) -> None:
        page.get_by_label("Action:").select_option(action)
        page.get_by_role("button", name="Go").click()

    return Step(say, do)


def says(text: str) -> Callable[[Page], None]:
    return lambda page: expect(page.get_by_text(re.compile(text)).first).to_be_visible()


def a_month() -> None:
    """A month of sign-ins, and somebody who is here."""
    cole = person("cole@contoso.example", name="Cole League")
    now = timezone.now()
    for day in range(30):
        for number in range(day % 5 + 1):
            sign_in(at=now - timedelta(days=day, minutes=number), user=cole, user_agent=CHROME)
    sign_in(reason="unknown_user", email="new@contoso.example", at=now - timedelta(days=1))
    browser_of(cole)


def an_app(days: int = 300) -> SocialApp:
    expires = (timezone.localdate() + timedelta(days=days)).isoformat()
    made: SocialApp = SocialApp.objects.create(
        provider="microsoft",
        name="Microsoft",
        client_id=CLIENT_ID,
        secret=secretbox.encrypt(SECRET),
        settings={"tenant": TID, "secret_expires": expires},
    )
    return made


SEEN = {
    "client_ip": "10.1.2.3",
    "user_agent": CHROME,
    "signed_in_at": timezone.now().isoformat(timespec="seconds"),
}


def a_day() -> None:
    """What needs attention, and a refusal of today."""
    an_app(20)
    a_month()
    sign_in(reason="unknown_user", email="max@contoso.example")


def someone_refused() -> None:
    an_app()
    facts: dict[str, Any] = {
        "email": "new@contoso.example",
        "user_agent": CHROME,
        "tid": TID,
        "oid": TID,
    }
    sign_in(reason="unknown_user", reference="BCDF-2345", **facts)


def someone_recreated() -> None:
    an_app()
    jane = person("jane@contoso.example", name="Jane Doe")
    SocialAccount.objects.create(
        user=jane,
        provider="microsoft",
        uid=f"{TID}:22222222-2222-4222-8222-222222222222",
        extra_data={"email": jane.email, "name": "Jane Doe"},
    )
    facts: dict[str, Any] = {
        "tid": TID,
        "oid": CLIENT_ID,
        "email": jane.email,
        "claimed_name": "Jane Doe",
    }
    sign_in(reason="identity_conflict", user=jane, **facts)


def an_organization_that_moved() -> None:
    """Two people were bound in the former tenant, and refused from this one."""
    an_app()
    former = "99999999-9999-4999-8999-999999999999"
    for n, name in enumerate(("Ann Archer", "Bob Baker"), 1):
        user = person(f"{name[:3].lower()}@contoso.example", name=name)
        kept = {"email": user.email, "name": name}
        oid = f"aaaaaaaa-0000-4000-8000-00000000000{n}"
        SocialAccount.objects.create(
            user=user, provider="microsoft", uid=f"{former}:{oid}", extra_data=kept
        )
        facts: dict[str, Any] = {"tid": TID, "oid": oid.replace("a", "b"), "claimed_name": name}
        detail = f"{BOUND_ELSEWHERE}{former}: has the organization moved to this one?"
        sign_in(reason="identity_conflict", user=user, email=user.email, detail=detail, **facts)


def someone_leaving() -> None:
    an_app()
    for name in ("anna", "cole"):
        browser_of(person(f"{name}@contoso.example"), **SEEN)


def something_done() -> None:
    an_app()
    with audit.context(note="left the company"):
        audit.write("sessions.ended", person("cole@contoso.example"), after={"sessions": 2})


def with_groups() -> None:
    an_app()
    person("cole@contoso.example", name="Cole League")
    group("Editors")


def fill_in_the_app(page: Page) -> None:
    page.get_by_label("Client id:", exact=True).fill(CLIENT_ID)
    page.get_by_label("Tenant:", exact=True).fill(TID)
    page.get_by_label("Secret:", exact=True).fill(SECRET)


def fill_in_the_next_secret(page: Page) -> None:
    page.get_by_label("Next secret:", exact=True).fill(SECRET)
    until = (timezone.localdate() + timedelta(days=400)).isoformat()
    page.get_by_label("Next secret expires on:", exact=True).fill(until)


def choose_help_desk(page: Page) -> None:
    page.get_by_label("Group:").select_option(label="Help desk")
    page.get_by_role("button", name="Add to group").click()


TASKS: tuple[Task, ...] = (
    Task(
        "the-day",
        "See what needs attention",
        "The front page shows what needs attention, the sign-ins and refusals of the last 30 days,"
        " and who is signed in. A notice disappears when what it is about is fixed.",
        (
            look("Sign in. The front page opens.", "Sign-ins today"),
            link("1 refused", "To see a day's refusals, click their number or a day of the chart."),
        ),
        "You see exactly those sign-ins.",
        says("No account here"),
        setup=a_day,
    ),
    Task(
        "who-cannot-get-in",
        "Find out why someone cannot get in",
        "Someone calls: they were refused. Their page shows a reference such as BCDF-2345.",
        (
            front("Sign-ins"),
            search("BCDF-2345", "Type the reference into the search box."),
            button("Search"),
            link("BCDF-2345", "Click the reference.", shown=True),
        ),
        "The page says what happened, what it means, and what to do, as a link where one click is"
        " enough. Without a reference, search by email address instead.",
        says("no user here has their email address"),
        setup=someone_refused,
    ),
    Task(
        "add-from-a-refusal",
        "Let someone in who was refused",
        "Someone signed in with Microsoft, has no account here yet, and should have one.",
        (
            front("Sign-ins"),
            link("Add this person", "Click **Add this person** beside the refusal.", shown=True),
            button("Save"),
        ),
        "The address is exactly the one that Microsoft sent. The person presses the button again"
        " and is in.",
        says("was added successfully"),
        setup=someone_refused,
    ),
    Task(
        "add-people",
        "Add thirty people",
        "You have their addresses somewhere: the recipients of an email, columns of a spreadsheet,"
        " Entra's export.",
        (
            front("Users"),
            link("Add several"),
            fill("People:", MAIL, "Paste the text that contains their addresses."),
            button("Preview", shown=True),
            button("Add 3 people", "Click **Add 3 people**: the button says how many."),
        ),
        "They can sign in. What could not be read stays in the box, with a reason for each line.",
        says("kim@contoso.example"),
        setup=an_app,
    ),
    Task(
        "re-created",
        "Let someone in who was re-created in Entra",
        "Someone's account was deleted and created again in Entra. Their sign-in is refused: the"
        " email address is linked to another Microsoft identity.",
        (
            front("Sign-ins"),
            link("Compare and link this identity"),
            fill("Reason:", "re-created in Entra", "Compare both, and type a reason.", shown=True),
            button("Link the refused identity"),
        ),
        "The new account signs in as this person; the old one no longer does.",
        says("is linked to the identity"),
        setup=someone_recreated,
    ),
    Task(
        "moved",
        "Link everyone again after a move",
        "Your organization moved to another tenant, or people were created again in Entra. Everyone"
        " is refused, because their user is linked to the former account. The front page says so.",
        (
            Step(
                "Click **Show** beside the notice: those who were refused are in the box. Without"
                " a notice click **People who moved**, and paste a line `old,new` for each person,"
                " with email addresses or object IDs; or upload the file.",
                lambda page: (
                    page.locator(".messagelist li")
                    .filter(has_text="linked to another tenant")
                    .get_by_role("link", name="Show")
                    .click()
                ),
            ),
            button("Preview", "Click **Preview**: you see what each line would do."),
            fill("Reason:", "moved to the new tenant", "Say why.", shown=True),
            Step(
                "Click **Write this for 2 lines**: the button says how many.",
                lambda page: page.get_by_role("button", name="Write this for 2 lines").click(),
            ),
        ),
        "They sign in with their new accounts. Either all lines were written or, if one of them"
        " could not be, none.",
        says("Linked and signed out: 2"),
        setup=an_organization_that_moved,
    ),
    Task(
        "help-desk",
        "Let a help desk see why people are refused",
        "Colleagues take the calls of people who cannot get in. They should see why and sign"
        " people out, and change nothing else.",
        (
            front("Groups"),
            button("Add the Help desk group", shown=True),
            Step(
                "Click **Users** in the list of pages.",
                lambda page: (
                    page.get_by_role("navigation")
                    .get_by_role("link", name="Users", exact=True)
                    .first.click()
                ),
            ),
            tick("cole@", "Tick your colleagues."),
            choose("add_to_group", "Choose **Add to group** and click **Go**."),
            Step(
                "Choose **Help desk** and click **Add to group**.",
                choose_help_desk,
            ),
        ),
        "They see people, sign-ins and who is signed in. They cannot change anyone's rights,"
        " address, identity or password, least of all a superuser's.",
        says("1 person is in Help desk"),
        setup=someone_leaving,
    ),
    Task(
        "someone-leaves",
        "Switch someone off",
        "Someone leaves, or should have no access for a while. Their history stays.",
        (
            front("Users"),
            tick("cole@", "Tick the person, or several."),
            choose("deactivate", "Choose **Deactivate** and click **Go**."),
            button("Deactivate", shown=True),
        ),
        "They are signed out at once, everywhere, and cannot sign in until you reactivate them.",
        says("1 person was deactivated and signed out"),
        setup=someone_leaving,
    ),
    Task(
        "end-a-session",
        "End a session",
        "A laptop is lost, or someone forgot to sign out.",
        (
            front("Who is signed in"),
            look("Find the session by person, address and browser.", "cole@contoso.example"),
            Step(
                "Click **This session**, or **All of this person**.",
                lambda page: (
                    page.get_by_role("row", name=re.compile("cole@"))
                    .get_by_role("button", name="This session")
                    .click()
                ),
            ),
        ),
        "That browser is signed out on its next request.",
        says("Ended 1 session of cole@contoso.example"),
        setup=someone_leaving,
    ),
    Task(
        "give-rights",
        "Give someone permissions",
        "Someone needs to see or change more than now. Permissions come from groups.",
        (
            front("Users"),
            link("cole@contoso.example", "Click the person."),
            Step(
                "Tick the group. With **+** you add a group without leaving the page.",
                lambda page: page.get_by_label("Editors").check(),
                shown=True,
            ),
            button("Save"),
        ),
        "It takes effect on the person's next page. You can only grant permissions that you have.",
        says("was changed successfully"),
        setup=with_groups,
    ),
    Task(
        "rehearse",
        "Rehearse before you go live",
        "You want to know beforehand who will get in. Download the users from Entra (Users >"
        " Download users).",
        (
            front("Go-live rehearsal"),
            Step(
                "Choose the file.",
                lambda page: page.get_by_label(
                    re.compile("People exported from Entra")
                ).set_input_files(
                    {
                        "name": "users.csv",
                        "mimeType": "text/csv",
                        "buffer": b"id,userPrincipalName,mail,displayName,userType,accountEnabled\n"
                        b",cole@contoso.example,cole@contoso.example,Cole,Member,True\n"
                        b",new@contoso.example,new@contoso.example,New,Member,True\n",
                    }
                ),
            ),
            button("Rehearse", shown=True),
        ),
        "For everyone in the file it says whether they would get in, and if not, why. Nothing is"
        " written.",
        says("new@contoso.example"),
        setup=with_groups,
    ),
    Task(
        "enter-the-app",
        "Enter the Microsoft app",
        "Nothing is set up yet, and you have the app registration open in Entra. The page shows the"
        " redirect URI to register there.",
        (
            front("Microsoft apps"),
            link("Add Microsoft app"),
            Step(
                "Enter **Client id** and **Tenant** from Entra's Overview, and the **Secret**.",
                fill_in_the_app,
                is_click=False,
                shown=True,
            ),
            button("Save", "Click **Save**: Microsoft is asked first whether it accepts them."),
        ),
        "Everyone who has an account here can sign in.",
        says("was added successfully"),
    ),
    Task(
        "replace-the-secret",
        "Replace the secret",
        "The front page warns that the secret expires. Create a new one in Entra: both are valid"
        " until the old one ends.",
        (
            link("Show", "Click **Show** beside the warning."),
            link("Microsoft", "Click the app.", exact=True),
            Step(
                "Enter the new one as **Next secret**, with its last day.",
                fill_in_the_next_secret,
                is_click=False,
                shown=True,
            ),
            button("Save", "Click **Save**: Microsoft is asked first whether it accepts it."),
        ),
        "The next secret takes over by itself when Microsoft no longer accepts the first. The"
        " warning is gone.",
        says("was changed successfully"),
        setup=lambda: an_app(20),
    ),
    Task(
        "read-the-audit",
        "See who changed what",
        "Rights, identities, the Microsoft app, sessions, exports: each change leaves an entry that"
        " nobody can change.",
        (
            front("Audit entries"),
            search("cole", "Type any part of a name or an address."),
            button("Search", shown=True),
        ),
        "The list says when, what, who, to whom, and before and after. **Download as CSV** takes"
        " what the filters leave.",
        says("Sessions ended"),
        setup=something_done,
    ),
    Task(
        "own-sessions",
        "Check your own account",
        "The front page told you of a sign-in that you do not remember.",
        (
            Step(
                "Click **Your sessions** at the top of any page.",
                lambda page: page.get_by_role("link", name="Your sessions").click(),
                shown=True,
            ),
            button("End this session", "End what you do not recognize, and tell an administrator."),
        ),
        "That browser is signed out. Below are your latest sign-ins, and what others changed in"
        " your account.",
        says("Ended 1 session"),
        setup=an_app,
    ),
)
