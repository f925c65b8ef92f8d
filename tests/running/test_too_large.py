"""Requests too large for the server to read: a page that says so, with a reference."""

import pytest

from tests.servers.site import Site
from tests.site.web.test_errors import told
from tests.support.visitor import CALLBACK, LOGIN, Visitor


@pytest.mark.parametrize(("path", "cookie", "status", "title"), [
    (LOGIN, "a=" + "x" * 9000, 431, "Your browser sent more than this site takes"),
    (LOGIN, "; ".join(f"n{n}={'x' * 900}" for n in range(20)), 431,
     "Your browser sent more than this site takes"),
    (f"{CALLBACK}?code={'x' * 9000}", "", 414, "That address is too long"),
])  # fmt: skip
def test_too_much_is_told_in_words(
    site: Site, path: str, cookie: str, status: int, title: str
) -> None:
    page = Visitor(site.url).get(path, headers={"Cookie": cookie} if cookie else {})
    assert (page.status, told(page.text)[0]) == (status, title)
    assert f"{site.url}/admin/" in page.text
    assert "no-store" in page.headers["Cache-Control"]
    assert told(page.text)[1] in site.log()
    assert "xxxx" not in site.log()
