"""The promises, each with what was measured and whether it holds."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg

from tests.soak.blackhole import RECOVERY_S, Measured, p95
from tests.soak.faults import FAIL_OVER, KILLED, RESTART, Faults
from tests.soak.load import Journey, Try

SLOWEST_S = 11.0  # ten for Microsoft, one for the site
RATIO = 1.5
SHOWN = 5
UNEXPECTED = ("microsoft_unreachable", "token_invalid", "microsoft_refused")
ERROR = re.compile(r'"reason": "unexpected"|"message": "[A-Z]+ [^"]* 500"')


@dataclass(frozen=True, slots=True)
class Promise:
    text: str
    measured: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Row:
    reference: str
    outcome: str
    reason: str


def rows_of(database_url: str) -> list[Row]:
    with psycopg.connect(database_url) as connection:
        found = connection.execute("SELECT reference, outcome, reason FROM accounts_signin")
        return [Row(*row) for row in found]


def of_load(
    journeys: Sequence[Journey], rows: Sequence[Row], sessions: Sequence[bool], log: str
) -> list[Promise]:
    """`log` is all instances', so that an error which nobody saw counts, too."""
    tries = [one for journey in journeys for one in journey.tries]
    return [
        *_of_sign_ins(journeys, tries, log),
        _none("no 500", [*ERROR.findall(log), *(t.told for t in tries if t.kind == "error")]),
        Promise(
            "no session is lost: each opens admin at the end",
            f"{sum(sessions)} of {len(sessions)}",
            all(sessions),
        ),
        *_of_records(tries, rows, log),
    ]


def of_black_hole(measured: Measured) -> list[Promise]:
    normal, hanging = p95(measured.normal), p95(measured.hanging)
    told = Counter(one.told or one.kind for one in measured.told)
    slowest = max(one.seconds for one in measured.told)
    return [
        Promise(
            f"Microsoft hangs: admin's p95 stays within {RATIO:g} times its normal",
            f"{normal * 1000:.0f} ms, then {hanging * 1000:.0f} ms: {measured.ratio:.2f}",
            measured.ratio <= RATIO and not measured.failed_reads,
        ),
        Promise(
            "Microsoft hangs: people are answered in time, and only that",
            f"{_list(told)}; slowest {slowest:.1f} s",
            set(told) == {"microsoft_unreachable"} and slowest <= SLOWEST_S,
        ),
        Promise(
            "Microsoft is back: sign-ins work again",
            f"after {measured.recovered_in:.1f} s",
            measured.recovered_in <= RECOVERY_S,
        ),
    ]


def facts(journeys: Sequence[Journey], faults: Faults, log: str) -> list[tuple[str, str]]:
    tries = [one for journey in journeys for one in journey.tries]
    took = [one.seconds for one in tries if one.kind == "in" and not one.excuses]
    lines = [
        ("workers killed", str(len(faults.kills))),
        ("Redis without a master", f"{faults.seconds(FAIL_OVER):.1f} s"),
        ("PostgreSQL away", f"{faults.seconds(RESTART):.1f} s"),
        ("instances replaced", str(len(faults.replaced))),
        ("a whole sign-in outside the faults, p95", f"{p95(took):.2f} s"),
    ]
    for fault in (FAIL_OVER, RESTART, KILLED):
        met = [one for one in tries if one.kind != "in" and _fault_of(one) == fault]
        told = _list(Counter(_told(one, log) for one in met))
        lines.append((f"met while {fault}", f"{told}; {_slowest(met)}" if met else "nothing"))
    return lines


def _of_sign_ins(journeys: Sequence[Journey], tries: Sequence[Try], log: str) -> list[Promise]:
    troubled = [one for one in tries if one.kind != "in"]
    unserved = [one for one in troubled if one.kind in ("gateway", "lost")]
    presses = [journey.tries[1:] for journey in journeys if len(journey.tries) > 1]
    in_vain = [
        one.told for press in presses for one in press if one.kind != "in" and not one.excuses
    ]
    first = sum(journey.tries[0].kind == "in" for journey in journeys)
    return [
        Promise(
            "every sign-in ends in admin",
            f"{sum(j.is_in for j in journeys)} of {len(journeys)}, {first} of them at once",
            all(journey.is_in for journey in journeys),
        ),
        _none(
            "outside the faults none fails",
            [_told(one, log) for one in troubled if not one.excuses],
        ),
        _none("in them, a page that leads in with one press", in_vain, of=len(presses)),
        _none(
            "nginx's own page only in a fault, and a retry passes",
            [one.told for one in unserved if not one.excuses],
            of=len(unserved),
        ),
    ]


def _slowest(tries: Sequence[Try]) -> str:
    return f"slowest {max((one.seconds for one in tries), default=0):.1f} s"


def _fault_of(one: Try) -> str:
    """Of several that overlap, the one that its page speaks of."""
    named = {"database_unavailable": RESTART, "session_store_unavailable": FAIL_OVER}
    return named.get(one.told) or (one.excuses[-1] if one.excuses else "")


def _told(one: Try, log: str) -> str:
    """What the person read; with the log's word to the operator where it is not the fault's own."""
    if one.told not in UNEXPECTED and one.excuses:
        return one.told
    found = re.search(rf'"detail": "([^"]*)", "reference": "{one.reference}"', log)
    return f"{one.told} ({found[1] if one.reference and found else f'{one.seconds:.1f} s'})"


def _of_records(tries: Sequence[Try], rows: Sequence[Row], log: str) -> list[Promise]:
    """A database that is away costs the row of a refusal, but the log has the same facts."""
    admitted = Counter(row.reference for row in rows if row.outcome == "admitted")
    refused = Counter((row.reference, row.reason) for row in rows if row.outcome == "refused")
    ins = {one.reference for one in tries if one.kind == "in"}
    lost = [reference for reference in ins if not admitted[reference]]
    pages = [one for one in tries if one.kind == "page" and one.is_attempt]
    kept = [one for one in pages if RESTART not in one.excuses]
    lost += [one.reference for one in kept if not refused[one.reference, one.told]]
    lost += [one.reference for one in pages if f'"reference": "{one.reference}"' not in log]
    doubled = [f"{reference} admitted" for reference, count in admitted.items() if count > 1]
    # A killed worker's request is asked again elsewhere by nginx: both may have refused it.
    answered_once = [one for one in kept if KILLED not in one.excuses]
    doubled += [o.reference for o in answered_once if refused[o.reference, o.told] > 1]
    unseen = len(set(admitted) - ins)
    cut_off = sum(one.kind != "in" for one in tries)
    return [
        _none("no record is lost", lost, of=len(ins) + len(pages)),
        _none("no record is doubled", doubled, of=len(rows)),
        Promise(
            "who was admitted without seeing it, was cut off by a fault",
            f"{unseen} of {cut_off} that were",
            unseen <= cut_off,
        ),
    ]


def _none(text: str, against: Iterable[str], *, of: int | None = None) -> Promise:
    counted = Counter(against)
    number = counted.total()
    examples = f": {_list(counted)}" if counted else ""
    return Promise(text, f"{number}{'' if of is None else f' of {of}'}{examples}", number == 0)


def _list(counted: "Counter[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in counted.most_common(SHOWN))
