"""`make soak`: 2,000 sign-ins on three instances while their parts fail; ARGS=--quick for 240.

Prints what was promised, what was measured, and exits with 1 when a promise is broken.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from tests.servers.environment import SECRET_KEY
from tests.servers.site import recent

settings.configure(SECRET_KEY=SECRET_KEY)  # to read the states that the site signs

from tests.soak import blackhole, verdict  # noqa: E402 -- only now can they be imported
from tests.soak.faults import Faults, Saboteur  # noqa: E402
from tests.soak.load import Load, still_in  # noqa: E402
from tests.soak.stage import Stage, stage  # noqa: E402

CLIENTS = 50


@dataclass(frozen=True, slots=True)
class Plan:
    sign_ins: int
    rate: float  # a second
    kill_every: float  # seconds
    normal: float  # before Microsoft hangs, and once more after
    hanging: float

    @property
    def lasting(self) -> float:
        return self.sign_ins / self.rate


FULL = Plan(sign_ins=2000, rate=13, kill_every=4, normal=20, hanging=60)
QUICK = Plan(sign_ins=240, rate=10, kill_every=3, normal=8, hanging=15)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make soak", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute instead of five")
    plan = QUICK if parser.parse_args(arguments).quick else FULL
    with stage(CLIENTS) as built:
        promises = _soak(built, plan)
    _show([(one.text, one.measured, "holds" if one.holds else "BROKEN") for one in promises])
    return 0 if all(one.holds for one in promises) else 1


def _soak(built: Stage, plan: Plan) -> list[verdict.Promise]:
    faults = Faults()
    load = Load(built.url, built.people, faults)
    with Saboteur(built, faults, every=plan.kill_every, lasting=plan.lasting):
        journeys = load.run(plan.sign_ins, plan.rate)
    rows = verdict.rows_of(built.database_url)
    _show(verdict.facts(journeys, faults, _log()))
    admitted = [one for journey in journeys for one in journey.tries if one.kind == "in"]
    sessions = still_in(built.url, admitted)
    measured = blackhole.measure(
        built, admitted[-blackhole.READERS :], normal=plan.normal, hanging=plan.hanging
    )
    return [
        *verdict.of_load(journeys, rows, sessions, _log()),
        *verdict.of_black_hole(measured),
    ]


def _log() -> str:
    """Of all instances, the replaced one included."""
    return "".join(site.log() for site in recent)


def _show(rows: Sequence[tuple[str, ...]]) -> None:
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
