"""Requests that cannot be answered: a page in words, with a reference that the log has."""

import re

import pytest
from django.test import Client
from pytest_django import Settings

PAGE = re.compile(r"<h1>([^<]+)</h1>.*<code>([A-Z0-9]{4}-[A-Z0-9]{4})</code>", re.S)


def told(text: str) -> tuple[str, str]:
    """The page's title and reference."""
    found = PAGE.search(text)
    assert found, text[:500]
    return found[1], found[2]


def test_another_host_is_told_this_sites_address(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/nothing/", headers={"Host": "evil.example"})
    title, reference = told(response.content.decode())
    assert (response.status_code, title) == (400, "This is not this site&#x27;s address")
    assert "http://testserver/admin/" in response.content.decode()
    assert "evil" not in response.content.decode()
    assert reference in [getattr(line, "reference", "") for line in caplog.records]


@pytest.mark.parametrize(("name", "value"), [
    ("DATA_UPLOAD_MAX_MEMORY_SIZE", 10),
    ("DATA_UPLOAD_MAX_NUMBER_FIELDS", 1),
])  # fmt: skip
def test_a_form_that_is_too_large_is_told(settings: Settings, name: str, value: int) -> None:
    setattr(settings, name, value)
    browser = Client(enforce_csrf_checks=True)
    response = browser.post("/accounts/microsoft/login/", {"a": "b" * 20, "c": "d"})
    assert (response.status_code, told(response.content.decode())[0]) == (
        400, "That was too much at once",
    )  # fmt: skip
