"""Each recipe of docs/extend.md: a sign-in, what it claims, and its pages with a clean console."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.admin_browser import watched
from tests.recipes.claims import CLAIMS, opens, signed_in
from tests.recipes.conftest import RecipeSite
from tests.recipes.document import recipes

NEEDS: Final[Mapping[str, Mapping[str, str]]] = {
    "django-axes": {"ADMIN_PASSWORD_LOGIN": "true"},
    "django-debug-toolbar": {"DEBUG": "true"},
}
# A refusal is 403, which browsers write to the console.
REFUSING: Final = ("django-unfold", "django-jazzmin", "django-grappelli", "django-admin-interface")


@pytest.mark.parametrize("title", [title for title in recipes() if title != "Sentry"])
def test_a_recipe(title: str, recipe_site: RecipeSite, page: Page) -> None:
    pages = recipes()[title].pages
    assert pages, "each names the pages to open"
    with recipe_site(title, **NEEDS.get(title, {})) as site:
        with nullcontext() if title in REFUSING else watched(page):
            if claim := CLAIMS.get(title):
                claim(site, page)
            else:
                first = next(path for path in pages if "/admin/" in path or "office/" in path)
                signed_in(page, site, first)
                expect(page).to_have_url(f"{site.url}{first}")
        with watched(page):
            for path in pages:
                opens(page, site, path)
