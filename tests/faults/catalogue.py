"""All faults in order, and the table of them: `python -m tests.faults.catalogue` writes it."""

import re
import sys

from accounts.reasons import REASONS
from tests.faults.fault import ALL, START_UP, Fault
from tests.servers.process import ROOT

# In the order of the table.
from tests.faults import session_settings  # isort: skip
from tests.faults import stores  # isort: skip
from tests.faults import instances  # isort: skip
from tests.faults import browsers  # isort: skip
from tests.faults import proxies  # isort: skip
from tests.faults import registrations  # isort: skip
from tests.faults import microsoft  # isort: skip
from tests.faults import people  # isort: skip
from tests.faults import environment  # isort: skip

PAGE = ROOT / "docs" / "troubleshooting.md"
PLACE = re.compile(r"(<!-- faults:[^\n]*-->\n).*?(<!-- /faults -->)", re.S)
FAULTS: tuple[Fault, ...] = tuple(ALL)
MODULES = (
    session_settings, stores, instances, browsers, proxies, registrations, microsoft, people,
    environment,
)  # fmt: skip


def table() -> str:
    """The faults as a table in Markdown, also for the terminal."""
    return "\n".join(
        ["| fault | page says | doctor says |", "| --- | --- | --- |", *map(_row, FAULTS)]
    )


def _row(fault: Fault) -> str:
    page = f"`{fault.page}`" if fault.page in REASONS else fault.page
    return f"| {fault.sentence}. {fault.set_up} | {page} | {_doctor(fault)} |"


def _doctor(fault: Fault) -> str:
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
