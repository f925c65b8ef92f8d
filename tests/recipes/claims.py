"""What docs/extend.md says beside the pages that open: each claim, where it could be wrong.

Each leaves the browser signed in, unless somebody else is left in it on purpose.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

import requests
from playwright.sync_api import Page, Response, expect

from tests.recipes.grown import Grown
from tests.support.visitor import Visitor

BUTTON: Final = "Sign in with Microsoft"
IMPORTS: Final = """
from django.core.management import call_command
from accounts.models import User
"""
PASSWORD: Final = "correct horse battery staple"


def signed_in(page: Page, site: Grown, path: str, person: str = "staff") -> Response:
    """From a page of staff's to the button, to Microsoft, which asks nothing, and back."""
    page.goto(f"{site.url}{path}")
    page.set_extra_http_headers({"X-Emulator-Person": person})
    with page.expect_navigation() as landed:
        page.get_by_role("button", name=BUTTON).click()
    page.set_extra_http_headers({})
    answer = landed.value
    assert answer is not None
    return answer


def opens(page: Page, site: Grown, path: str) -> None:
    answer = page.goto(f"{site.url}{path}")
    assert answer is not None
    is_there(answer, site, path)


def is_there(answer: Response, site: Grown, path: str) -> None:
    assert answer.status == 200, (path, answer.status)
    assert answer.url == f"{site.url}{path}"


def a_theme_shows_the_button_and_the_refusal(site: Grown, page: Page) -> None:
    signed_in(page, site, "/admin/", "nobody")
    shown = page.locator("[data-reason]")
    expect(shown).to_have_attribute("data-reason", "unknown_user")
    expect(shown).to_be_visible()
    again = page.get_by_role("button", name="Try again")
    box = again.bounding_box()
    assert box is not None
    assert box["width"] > 60, "its text fits in"
    again.click()
    page.locator('button[name="person"][value="staff"]').click()
    expect(page).to_have_url(f"{site.url}/admin/")


def a_code_on_top(site: Grown, page: Page) -> None:
    signed_in(page, site, "/admin/books/book/")
    expect(page).to_have_url(f"{site.url}/code/?next=/admin/books/book/")
    _manage(site, "addstatictoken", "staff@contoso.example", "-t", "secret-token")
    page.reload()
    page.locator("#id_otp_device").select_option(label="Backup Code")
    page.locator("#id_otp_token").fill("secret-token")
    page.get_by_role("button", name="Verify").click()
    expect(page).to_have_url(f"{site.url}/admin/books/book/")


def the_toolbar_is_there(site: Grown, page: Page) -> None:
    signed_in(page, site, "/admin/books/book/")
    expect(page.locator("#djDebug")).to_be_attached()


def customers_have_passwords_and_never_admin(site: Grown, page: Page) -> None:
    person = "u = User.objects.get(email='staff@contoso.example')"
    _run(site, f"{person}; u.set_password({PASSWORD!r}); u.save()")
    visitor = Visitor(site.url)
    assert visitor.get("/orders/").location.endswith("/customers/login/?next=/orders/")
    form = visitor.get("/customers/login/?next=/orders/").text
    sent = _token(form) | {"username": "staff@contoso.example", "password": PASSWORD}
    answer = visitor.post("/customers/login/?next=/orders/", sent)
    assert answer.location.endswith("/orders/")
    assert visitor.get("/orders/").text == "Orders of staff@contoso.example"
    assert visitor.get("/admin/").status == 302, "a password is no door"
    visitor.sign_in("staff")
    assert visitor.is_in(), "and the button leads in from there"
    signed_in(page, site, "/admin/")


def being_somebody_else_shows_no_admin(site: Grown, page: Page) -> None:
    signed_in(page, site, "/admin/accounts/user/")
    row = page.locator("tr", has_text="editor@contoso.example")
    row.get_by_role("button", name="Impersonate").click()
    expect(page.locator("body")).to_contain_text("Hello, editor@contoso.example")
    page.goto(f"{site.url}/admin/")
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()
    page.goto(site.url)
    page.get_by_role("button", name="Stop").click()
    signed_in(page, site, "/admin/")


def names_are_locked_and_the_button_is_not(site: Grown, page: Page) -> None:
    _run(site, f"User.objects.create_user('root@contoso.example', {PASSWORD!r})")
    for password in (*["wrong"] * 3, PASSWORD):
        visitor = Visitor(site.url)
        sent = _token(visitor.get("/admin/login/").text)
        sent |= {"username": "root@contoso.example", "password": password}
        answer = visitor.post("/admin/login/", sent)
    assert answer.status == 429, "the right password, after three wrong ones"
    link = re.search(r"token=([\w-]+)", _manage(site, "break_glass", "staff@contoso.example"))
    assert link
    other = Visitor(site.url)
    shown = other.get("/admin/break-glass/", params={"token": link[1]})
    other.post("/admin/break-glass/", _token(shown.text) | {"token": link[1]})
    assert other.is_in(), "break-glass names a backend that looks people up"
    signed_in(page, site, "/admin/")


def the_api_takes_the_sessions_that_admin_takes(site: Grown, page: Page) -> None:
    assert Visitor(site.url).get("/api/books/").status == 403
    signed_in(page, site, "/admin/")
    page.goto(f"{site.url}/api/books/")
    assert '"title":"Emma"' in page.content()


def uploads_come_as_downloads_to_staff_alone(site: Grown, page: Page) -> None:
    (site.folder / "media").mkdir()
    (site.folder / "media/evil.html").write_text("<script>alert(1)</script>")
    visitor = Visitor(site.url)
    assert visitor.get("/files/evil.html").location.endswith("?next=/files/evil.html")
    assert visitor.sign_in("staff", "/files/evil.html").location.endswith("/files/evil.html")
    file = visitor.get("/files/evil.html")
    assert file.headers["Content-Disposition"].startswith("attachment")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert visitor.get("/files/%2e%2e/project/settings.py").status in (400, 404)
    signed_in(page, site, "/admin/")


CLAIMS: Final[Mapping[str, Callable[[Grown, Page], None]]] = {
    "A public site with its own login": customers_have_passwords_and_never_admin,
    "Uploads": uploads_come_as_downloads_to_staff_alone,
    "django-otp": a_code_on_top,
    "django-debug-toolbar": the_toolbar_is_there,
    "django-hijack": being_somebody_else_shows_no_admin,
    "Django REST framework": the_api_takes_the_sessions_that_admin_takes,
    "django-axes": names_are_locked_and_the_button_is_not,
    "django-unfold": a_theme_shows_the_button_and_the_refusal,
    "django-jazzmin": a_theme_shows_the_button_and_the_refusal,
    "django-grappelli": a_theme_shows_the_button_and_the_refusal,
    "django-admin-interface": a_theme_shows_the_button_and_the_refusal,
}


def _run(site: Grown, code: str) -> str:
    """Python in the process that serves the grown site; its output."""
    done = requests.post(f"{site.url}/-/run", data=f"{IMPORTS}{code}", timeout=60)
    assert done.status_code == 200, site.process.log_tail()
    return done.text


def _manage(site: Grown, *words: str) -> str:
    return _run(site, f"call_command(*{words!r})")


def _token(text: str) -> dict[str, str]:
    return dict(re.findall(r'name="(csrfmiddlewaretoken)" value="([^"]*)"', text))
