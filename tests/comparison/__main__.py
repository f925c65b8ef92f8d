"""`make comparison`: set each package up on a stock project, try it, write docs/comparison.md."""

import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten

from tests.comparison import network
from tests.comparison.edits import OURS, PACKAGES, Package
from tests.comparison.hosts import Host, ThisProject
from tests.comparison.visits import FAILURES, ORIGIN, Met, Visit
from tests.emulator.ids import OTHER_TENANT
from tests.emulator.people import Person
from tests.emulator.server import Emulator
from tests.servers.process import ROOT

PLACE = ROOT / ".comparison"
PAGE = ROOT / "docs/comparison.md"
BEGIN, END = "<!-- comparison: written by make comparison -->", "<!-- /comparison -->"
LONGEST = 150
SAM = "staff@contoso.example"
STAFF = {"groups": ["django-staff"]}
PEOPLE = (
    Person("staff", "Sam Staff", SAM, SAM, claims=STAFF),
    Person("guest", "Gus Guest", "guest@fabrikam.example", "guest_fabrikam#EXT#@contoso.example",
           idp=f"https://sts.windows.net/{OTHER_TENANT}/", acct=1, claims=STAFF),
    # nOAuth: the attacker's own tenant, and in it an account with Sam's address.
    Person("foreign", "Mallory", SAM, "mallory@fabrikam.example", tid=OTHER_TENANT,
           turned_away=True, claims=STAFF),
)  # fmt: skip


def main() -> int:
    PLACE.mkdir(exist_ok=True)
    named = sys.argv[1:]  # only these, and nothing is written
    hosts = [_host(one) for one in PACKAGES if not named or one.name in named]
    if not network.inside():
        for host in hosts:
            host.make()
    network.enter(PLACE)
    rows = list(_tried(hosts))
    table = "\n".join([*_set_up(hosts), "", *_failures(rows)])
    print(table)
    if not named:
        before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
    return 0


def _host(package: Package) -> Host:
    return (ThisProject if package is OURS else Host)(package, PLACE)


def _tried(hosts: list[Host]) -> Iterator[tuple[Package, dict[str, Met]]]:
    pem, key = network.certificate(PLACE)
    public = f"https://{network.MICROSOFT}"
    with Emulator(443, (pem, key), host="127.0.0.1", public_url=public, stock=True) as emulator:
        for host in hosts:
            yield host.package, dict(_met(host, emulator, pem))


def _met(host: Host, emulator: Emulator, trust: Path) -> Iterator[tuple[str, Met]]:
    """Each on a database of its own."""
    acts = {"a member of staff": lambda visit, _: visit.sign_in("staff"), **FAILURES}
    for name, act in acts.items():
        emulator.reset()
        emulator.register_redirect_uris([ORIGIN + host.package.callback])
        for person in PEOPLE:
            emulator.register_person(person)
        host.prepare(trust)
        server = host.serve(trust)
        try:
            yield name, act(Visit(host.package, trust), emulator)
        except Exception:
            traceback.print_exc()
            yield name, Met("", 0, "the visit itself failed")
        finally:
            server.stop()


def _set_up(hosts: list[Host]) -> Iterator[str]:
    yield "| package | version | lines written | steps | from |"
    yield "| --- | --- | --- | --- | --- |"
    for host in hosts:
        package = host.package
        steps = "; ".join(package.steps)
        yield (
            f"| {package.name} | {host.version()} | {package.lines()} |"
            f" {len(package.steps)}: {steps} | {package.source} |"
        )


def _failures(rows: list[tuple[Package, dict[str, Met]]]) -> Iterator[str]:
    yield "| what happens | " + " | ".join(package.name for package, _ in rows) + " |"
    yield "| --- |" + " --- |" * len(rows)
    for name in rows[0][1]:
        yield f"| {name} | " + " | ".join(_cell(met[name]) for _, met in rows) + " |"


def _cell(met: Met) -> str:
    """What was seen, in the page's own words; a bar would end the cell."""
    if met.who:
        return f"**in admin** as {met.who}"
    said = shorten(met.said, LONGEST, placeholder=" ...")
    return f"not in, status {met.status}: {said}".replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
