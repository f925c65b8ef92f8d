"""The built wheel has what its own messages name."""

import re

from accounts.operate.doctor.catalogue import CATALOGUE
from tests.hosts.projects import wheel
from tests.servers.process import ROOT


def test_the_documents_that_messages_send_people_to_are_in_it() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "accounts").rglob("*.py"))
    named = set(re.findall(r"docs/([a-z-]+\.md)", code + "".join(map(str, CATALOGUE.values()))))
    assert {"doctor.md", "deploy.md", "credentials.md", "audit.md"} <= named
    there = {path.name for path in (wheel() / "microsoft_admin/docs").glob("*.md")}
    assert named <= there
    assert (wheel() / "microsoft_admin/locale/de/LC_MESSAGES/django.mo").is_file()
