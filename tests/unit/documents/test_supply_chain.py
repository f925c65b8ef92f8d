"""What `make audit` and `make sbom` tell: findings, who was not asked, and every pin."""

import json
import re

import pytest

from tests.servers.audit import verdict
from tests.servers.process import ROOT
from tests.servers.sbom import NEEDED, OPTIONAL, bill

SOUND = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([SOUND], 0, "No known vulnerability in 1 packages."),
        ([SOUND, HOLED], 1, "b 2: CVE-1, fixed in 3"),
        ([UNKNOWN, HOLED], 1, "b 2: CVE-1, fixed in 3"),
        ([SOUND, UNKNOWN], 0, "NOT looked at: c."),
        ([UNKNOWN], 0, "The advisory service could NOT be asked"),
    ],
)
def test_what_the_audit_says(packages: list[object], code: int, says: str) -> None:
    told = verdict(json.dumps({"dependencies": packages}), "")
    assert told.code == code
    assert says in told.text


@pytest.mark.parametrize(
    ("errors", "code", "says"),
    [
        ("x\nrequests.exceptions.ProxyError: no", 0, "could NOT be asked"),
        ("requests.exceptions.ConnectionError: no", 0, "could NOT be asked"),
        ("requests.exceptions.ReadTimeout: no", 0, "could NOT be asked"),
        ("pip_audit._service.interface.ServiceError", 0, "could NOT be asked"),
        ("ERROR:pip_audit._cli:Could not connect to PyPI's feed", 0, "could NOT be asked"),
        ("ERROR:pip_audit._cli:invalid requirements input", 2, "The audit failed: ERROR"),
        ("", 2, "The audit failed"),
    ],
)
def test_an_audit_without_an_answer(errors: str, code: int, says: str) -> None:
    told = verdict("", errors)
    assert told.code == code
    assert says in told.text


def test_the_bill_of_materials_has_every_pin_and_hash() -> None:
    told = json.loads(bill())
    parts = {part["bom-ref"]: part for part in told["components"]}
    text = "".join(
        (ROOT / name).read_text(encoding="utf-8")
        for name in NEEDED + OPTIONAL
        if (ROOT / name).is_file()
    )
    assert parts.keys() == set(re.findall(r"^([\w.-]+==[\w.]+)", text, re.M))
    hashes = {each["content"] for part in parts.values() for each in part["hashes"]}
    assert hashes == set(re.findall(r"sha256:(\w+)", text))
    scopes = {part["name"]: part["scope"] for part in parts.values()}
    assert (scopes["django"], scopes["azure-identity"]) == ("required", "optional")
    assert told["specVersion"] == "1.6"


def test_the_same_pins_make_the_same_bill() -> None:
    assert bill() == bill()
