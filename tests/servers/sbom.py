"""`make sbom`: a software bill of materials (CycloneDX 1.6, JSON) of what a server may install.

requirements/hosts.txt is for tests and on no server; what a team has added is (docs/extend.md).

From the pinned requirements alone, so that the same pins give the same file: each package with its
version, hashes and purl, the licence where it is installed here; what only the optional
requirements bring has the scope `optional`.
"""

import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from cyclonedx.contrib.hash.factories import HashTypeFactory
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from pip_requirements_parser import InstallRequirement, RequirementsFile

from tests.servers.process import ROOT

FILE = ROOT / "sbom.cdx.json"
NEEDED = ("requirements/production.txt", "extension/requirements.txt")
OPTIONAL = ("requirements/azure.txt", "requirements/telemetry.txt")


def bill() -> str:
    """The bill as JSON."""
    site = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bom = Bom()
    bom.metadata.component = root = Component(
        type=ComponentType.APPLICATION, name=site["name"], version=site["version"], bom_ref="site"
    )
    parts = set({part.purl: part for part in reversed([*_parts()])}.values())
    bom.components |= parts
    bom.register_dependency(root, parts)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, " ".join(sorted(str(p.purl) for p in parts)))
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the same pins, the same file
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)
    return f"{text}\n"


def _parts() -> Iterator[Component]:
    """Those of the needed requirements first."""
    for scope, names in ((ComponentScope.REQUIRED, NEEDED), (ComponentScope.OPTIONAL, OPTIONAL)):
        for name in names:
            path = ROOT / name
            pinned = RequirementsFile.from_file(str(path)).requirements if path.is_file() else ()
            yield from (_component(requirement, scope) for requirement in pinned)


def _component(requirement: InstallRequirement, scope: ComponentScope) -> Component:
    name, version = str(requirement.name).lower(), requirement.get_pinned_version
    licence = _licence(name, version)
    return Component(
        name=name,
        version=version,
        scope=scope,
        purl=PackageURL("pypi", name=name, version=version),
        bom_ref=f"{name}=={version}",
        hashes=[
            HashTypeFactory().from_composite_str(text.removeprefix("--hash="))
            for text in requirement.hash_options
        ],
        licenses=[LicenseFactory().make_from_string(licence)] if licence else (),
    )


def _licence(name: str, version: str) -> str:
    """The package's own word, if it is installed here in this version."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return ""
    told = {**found.metadata.json} if found.version == version else {}
    licence = str(told.get("license_expression") or told.get("license", ""))
    return licence if "\n" not in licence else ""


def main() -> int:
    FILE.write_text(bill(), encoding="utf-8")
    there = [name for name in NEEDED + OPTIONAL if (ROOT / name).is_file()]
    print(f"{FILE.relative_to(ROOT)}: CycloneDX 1.6 of {', '.join(there)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
