"""Microsoft swallows what it is asked, under load: what signed-in staff feel of it."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.soak.client import Client, NotSignedIn
from tests.soak.faults import Faults
from tests.soak.load import Journey, Load, Try
from tests.soak.stage import Stage

READERS = 6
EVERY_S = 0.3
RATE = 4.0
ENDPOINTS = ("discovery", "jwks", "token")
# The circuit is open for ten seconds, and its probe may just have been lost.
RECOVERY_S = 25.0


@dataclass(frozen=True, slots=True)
class Phase:
    """Seconds of each page of admin, how many failed, and what became of the sign-ins."""

    took: list[float]
    failed: int
    told: list[Try]


@dataclass(frozen=True, slots=True)
class Measured:
    normal: list[float]
    hanging: list[float]
    failed_reads: int
    told: list[Try]
    recovered_in: float

    @property
    def ratio(self) -> float:
        return p95(self.hanging) / p95(self.normal)


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def measure(stage: Stage, sessions: list[Try], *, normal: float, hanging: float) -> Measured:
    """Readers and sign-ins go on at the same pace; only Microsoft changes.

    Normal is before and after, so that other work on this machine counts on both sides.
    """
    before = _phase(stage, sessions, normal)
    for endpoint in ENDPOINTS:
        stage.microsoft.answer(endpoint, hang=True)
    meanwhile = _phase(stage, sessions, hanging)
    stage.microsoft.reset()
    stage.meet_people()
    recovered_in = _recovery(stage)
    after = _phase(stage, sessions, normal)
    failed = before.failed + meanwhile.failed + after.failed
    return Measured(before.took + after.took, meanwhile.took, failed, meanwhile.told, recovered_in)


def _phase(stage: Stage, sessions: list[Try], seconds: float) -> Phase:
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(READERS + 1) as pool:
        load = pool.submit(_sign_ins, stage, seconds)
        reads = [pool.submit(_read, stage, sessions[n], ends, n) for n in range(READERS)]
        took = [each for read in reads for each in read.result()]
        return Phase([each for each in took if each], took.count(0.0), load.result())


def _read(stage: Stage, session: Try, ends: float, number: int) -> list[float]:
    """Seconds of each answer; 0 for one that was not admin's page."""
    client = Client(stage.url, 200 + number, "")
    client.cookies = dict(session.cookies)
    took = []
    time.sleep(EVERY_S * number / READERS)
    while (began := time.monotonic()) < ends:
        try:
            good = client.ask("GET", "/admin/").status == 200
        except NotSignedIn:
            good = False
        took.append(time.monotonic() - began if good else 0.0)
        time.sleep(max(0.0, began + EVERY_S - time.monotonic()))
    return took


def _sign_ins(stage: Stage, seconds: float) -> list[Try]:
    load = Once(stage.url, stage.people, Faults())
    journeys: list[Journey] = load.run(int(seconds * RATE), RATE)
    return [journey.tries[0] for journey in journeys]


class Once(Load):
    """People who do not press again: every answer is counted as it is."""

    most_tries = 1


def _recovery(stage: Stage) -> float:
    """Seconds until sign-ins work on every worker again, which ten in a row show."""
    began, good = time.monotonic(), 0
    client = Client(stage.url, 100, stage.people[0])
    while good < 10 and time.monotonic() - began < 2 * RECOVERY_S:
        client.fresh()
        try:
            client.sign_in()
            good += 1
        except NotSignedIn:
            good = 0
            time.sleep(0.5)
    return time.monotonic() - began
