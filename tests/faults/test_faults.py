"""Each fault is really set up: staff meet the right reason, and doctor names the cause."""

import pytest

from tests.faults.catalogue import FAULTS, PAGE, table, written
from tests.faults.fault import START_UP, Fault
from tests.faults.stage import Said, Stage

SEED = "per_process_sessions"


@pytest.mark.parametrize("fault", [f for f in FAULTS if f.name != SEED], ids=lambda f: f.name)
def test_the_page_says_what_happened_and_doctor_names_the_cause(fault: Fault, stage: Stage) -> None:
    play(fault, stage)


def test_per_process_sessions_under_two_workers(stage: Stage) -> None:
    said = play(next(fault for fault in FAULTS if fault.name == SEED), stage)
    text = said.problems["sessions.shared"]
    assert "live in django.contrib.sessions.backends.cache on" in text
    assert "LocMemCache" in text
    assert "Set REDIS_URL=redis://host:6379/0" in text
    assert "leave SESSION_ENGINE and CACHES to project/settings.py" in text


def play(fault: Fault, stage: Stage) -> Said:
    """Set up, sign in, ask doctor."""
    assert fault.play(stage) == fault.page
    said = stage.doctor(*fault.ask)
    if fault.doctor == START_UP:
        assert said.code != 0
        assert fault.says in said.errors
        return said
    assert fault.doctor in said.problems, f"{said.problems}\n{said.errors}"
    assert fault.says in said.problems[fault.doctor]
    assert said.code == (1 if said.document["errors"] else 0)
    return said


def test_there_are_at_least_forty_faults_each_told_apart() -> None:
    assert len(FAULTS) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.sentence and fault.set_up for fault in FAULTS)


def test_the_table_in_the_documentation_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert table() in text, "run: python -m tests.faults.catalogue"
    assert written(text) == text
