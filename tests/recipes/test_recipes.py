"""Each recipe of docs/extend.md: a sign-in, what it claims, and its pages with a clean console."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Final

import pytest
from playwright.sync_api import Page

from tests.journeys.admin_browser import watched
from tests.recipes.claims import CLAIMS, is_there, opens, signed_in
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
    pages = list(recipes()[title].pages)
    assert pages, "each names the pages to open"
    claim = CLAIMS.get(title)
    with recipe_site(title, **NEEDS.get(title, {})) as site:
        if claim:
            with nullcontext() if title in REFUSING else watched(page):
                claim(site, page)
        with watched(page):
            if not claim:
                first = next(path for path in pages if "/admin/" in path or "office/" in path)
                is_there(signed_in(page, site, first), site, first)
                pages = [path for path in pages if path != first]
            for path in pages:
                opens(page, site, path)
