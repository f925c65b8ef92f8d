"""All faults, and the page that tells of them: `make troubleshooting` writes it.

With --print the table goes to the terminal.
"""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from accounts.reasons import REASONS
from tests.faults.fault import START_UP, Fault, faults_of
from tests.servers.process import ROOT

PAGE = ROOT / "docs" / "troubleshooting.md"
PLACE = re.compile(r"(<!-- faults:[^\n]*-->\n).*?(<!-- /faults -->)", re.S)
# How the table begins; what else is here follows by name.
FIRST = (
    "session_settings", "stores", "instances", "browsers", "proxies", "registrations", "microsoft",
    "people", "environment",
)  # fmt: skip


def modules() -> Iterator[ModuleType]:
    """The modules with faults, in the order of the table."""
    found = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    for name in (*FIRST, *sorted(found.difference(FIRST))):
        yield importlib.import_module(f"tests.faults.test_{name}")


def faults() -> list[tuple[str, Fault]]:
    """Each fault with its name, all of them."""
    return [pair for module in modules() for pair in faults_of(module).items()]


def table() -> str:
    """The faults as a table in Markdown, also for the terminal; at its end their number."""
    every = [fault for _, fault in faults()]
    named = sum(bool(fault.doctor and fault.says) for fault in every)
    return "\n".join(
        [
            "| fault | page says | doctor says |",
            "| --- | --- | --- |",
            *map(_row, every),
            "",
            f"{len(every)} faults; `doctor` names the cause of {named}.",
        ]
    )


def _row(fault: Fault) -> str:
    page = f"`{fault.page}`" if fault.page in REASONS else fault.page
    return f"| {fault.sentence}. {fault.set_up} | {page} | {_doctor(fault)} |"


def _doctor(fault: Fault) -> str:
    if not fault.doctor:
        return "nothing"
    where = f" (`{fault.ask[0]}`)" if fault.ask else ""
    name = "does not start either" if fault.doctor == START_UP else f"`{fault.doctor}`"
    return f"{name}{where}: … {fault.says} …"


def written(text: str) -> str:
    """The page with the table as it is now."""
    return PLACE.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", text)


if __name__ == "__main__":
    if "--print" in sys.argv:
        print(table())
    else:
        PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
