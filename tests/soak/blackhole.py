"""Microsoft swallows what it is asked, under load: what signed-in staff feel of it."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.soak.client import Client, Trouble
from tests.soak.faults import Faults
from tests.soak.load import Journey, Load, Try
from tests.soak.stage import Stage

READERS = 6
EVERY_S = 0.3
RATE = 4.0
ENDPOINTS = ("discovery", "jwks", "token")
# The circuit is open for ten seconds, and its probe may just have been lost.
RECOVERY_S = 25.0


@dataclass(slots=True)
class Measured:
    normal: list[float] = field(default_factory=list)
    hanging: list[float] = field(default_factory=list)
    failed_reads: int = 0
    told: list[Try] = field(default_factory=list)
    recovered_in: float = float("inf")

    @property
    def ratio(self) -> float:
        return p95(self.hanging) / p95(self.normal)


def p95(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def measure(stage: Stage, sessions: list[Try], *, normal: float, hanging: float) -> Measured:
    """Readers and sign-ins go on at the same pace; only Microsoft changes."""
    measured = Measured()
    measured.normal, failed, _ = _phase(stage, sessions, normal)
    measured.failed_reads += failed
    for endpoint in ENDPOINTS:
        stage.microsoft.answer(endpoint, hang=True)
    measured.hanging, failed, measured.told = _phase(stage, sessions, hanging)
    measured.failed_reads += failed
    stage.microsoft.reset()
    stage.meet_people()
    measured.recovered_in = _recovery(stage)
    return measured


def _phase(stage: Stage, sessions: list[Try], seconds: float) -> tuple[list[float], int, list[Try]]:
    ends = time.monotonic() + seconds
    with ThreadPoolExecutor(READERS + 1) as pool:
        loads = pool.submit(_sign_ins, stage, seconds)
        reads = [pool.submit(_read, stage, sessions[n], ends, n) for n in range(READERS)]
        took = [each for read in reads for each in read.result()]
        return [t for t in took if t], took.count(0.0), loads.result()


def _read(stage: Stage, session: Try, ends: float, number: int) -> list[float]:
    """Seconds of each answer; 0 for one that was not admin's page."""
    client = Client(stage.url, 200 + number, "")
    client.cookies = dict(session.cookies)
    took = []
    time.sleep(EVERY_S * number / READERS)
    while (began := time.monotonic()) < ends:
        try:
            good = client.ask("GET", "/admin/").status == 200
        except Trouble:
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
    """Seconds until sign-ins work on every worker again: ten in a row."""
    began, good = time.monotonic(), 0
    client = Client(stage.url, 100, stage.people[0])
    while good < 10 and time.monotonic() - began < 2 * RECOVERY_S:
        client.fresh()
        try:
            client.sign_in()
            good += 1
        except Trouble:
            good = 0
            threading.Event().wait(0.5)
    return time.monotonic() - began
