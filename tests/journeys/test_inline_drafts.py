"""Rows that someone added to an inline, and had not saved when the session ended, come back."""

import json
from pathlib import Path

import django.contrib.admin
from playwright.sync_api import Page, Route, expect

from tests.servers.process import ROOT

DJANGO = Path(django.contrib.admin.__file__).parent / "static"
OURS = ROOT / "accounts/static"
INLINE = {"name": "#notes", "options": {"prefix": "notes", "addText": "Add another note"}}
SCRIPTS = "".join(
    f'<script src="/{name}"></script>'
    for name in (
        "admin/js/vendor/jquery/jquery.js",
        "admin/js/jquery.init.js",
        "admin/js/inlines.js",
    )
)
WORDS = {"back": "What you typed is back.", "discard": "Discard"}


def script(user: str) -> str:
    words = json.dumps(WORDS).replace('"', "&quot;")
    return (
        '<script src="/microsoft_admin/session.js"'
        f' data-user="{user}" data-words="{words}" defer></script>'
    )


def row(number: str, classes: str, name: str) -> str:
    return (
        f'<tr class="form-row {classes}" id="notes-{name}"><td class="original"></td>'
        f'<td><input name="notes-{number}-text" id="id_notes-{number}-text"></td></tr>'
    )


def hidden(name: str, value: int) -> str:
    return f'<input type="hidden" name="notes-{name}" id="id_notes-{name}" value="{value}">'


FORM = f"""<!doctype html><title>Form</title>{SCRIPTS}{script("7")}
<div id="content"><form method="post">
<div class="js-inline-admin-formset inline-group" id="notes-group" data-inline-type="tabular"
  data-inline-formset='{json.dumps(INLINE)}'>
<div class="tabular inline-related">{hidden("TOTAL_FORMS", 1)}{hidden("INITIAL_FORMS", 0)}
{hidden("MIN_NUM_FORMS", 0)}{hidden("MAX_NUM_FORMS", 1000)}
<fieldset><table><tbody>{row("0", "", "0")}{row("__prefix__", "empty-form", "empty")}
</tbody></table></fieldset>
</div></div></form></div>"""
PAGES = {"/form": FORM, "/sign-in": f"<!doctype html><title>Sign in</title>{script('')}"}


def answer(route: Route) -> None:
    path = "/" + route.request.url.split("/", 3)[3]
    if path in PAGES:
        route.fulfill(body=PAGES[path], content_type="text/html")
    else:
        folder = OURS if "microsoft_admin" in path else DJANGO
        route.fulfill(path=folder / path.lstrip("/"))


def test_added_rows_come_back_after_a_sign_in(page: Page) -> None:
    page.route("http://forms.test/**", answer)
    page.goto("http://forms.test/form")
    for number, text in enumerate(("first", "second", "third")):
        if number:
            page.get_by_role("button", name="Add another note").or_(
                page.get_by_role("link", name="Add another note")
            ).click()
        page.locator(f"[name=notes-{number}-text]").fill(text)
    page.goto("http://forms.test/sign-in")
    page.goto("http://forms.test/form")
    expect(page.get_by_text(WORDS["back"])).to_be_visible()
    for number, text in enumerate(("first", "second", "third")):
        expect(page.locator(f"[name=notes-{number}-text]")).to_have_value(text)
    expect(page.locator("[name=notes-TOTAL_FORMS]")).to_have_value("3")
