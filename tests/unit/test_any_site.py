"""What keeps the app from running under another name, user model or settings, found by its text."""

import re

import pytest

from accounts.host import HostVariables
from tests.servers.process import ROOT

APP = sorted(
    path
    for path in (ROOT / "accounts").rglob("*.py")
    if "migrations" not in path.parts
    and path.name not in ("models.py", "demo.py", "transaction.py")
)
NAMES = "|".join([*HostVariables.variables().keys() - {"DEBUG"}, "INSTANCE_ID"])
FORBIDDEN = {
    "conf.NAME: another site's settings have no such name": rf"\bsettings\.({NAMES})\b",
    "users.everyone(): the user model may be another": r"\bUser\.objects\b",
    "accounts.transaction: databases": r"django\.db import .*\b(transaction|connection)\b",
    "app.permission(): the label may be another": r"\"accounts\.[a-z]+_[a-z]+\"\)",
    "app.admin_url(), user_url(): the label may be another": r"admin:accounts_",
    "microsoft_admin/…: a site may have such a template": r"\"(admin/)?accounts/[a-z_/]+\.html",
}


@pytest.mark.parametrize("instead", FORBIDDEN)
def test_nothing_is_written_that_only_this_site_has(instead: str) -> None:
    pattern = re.compile(FORBIDDEN[instead])
    own = {"person_page.py", "dangerous.py"}  # of the admin page of this project's own user model
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in APP
        if path.name not in own
        for match in pattern.finditer(path.read_text())
        if not match[0].startswith('"accounts.') or "dispatch_uid" not in path.read_text()
    ]
    assert found == []
