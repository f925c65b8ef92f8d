"""Each fault is really set up: staff meet the right reason, and doctor names the cause."""

import pytest

from tests.faults.catalogue import FAULTS, PAGE, table, written
from tests.faults.conftest import Results
from tests.faults.fault import GETS_IN, START_UP, Fault
from tests.faults.stage import Played, Stage, play
from tests.servers.nginx import Nginx
from tests.servers.redis import Redis

SEED = "per_process_sessions"
# The first of them waits for all that are played together.
pytestmark = pytest.mark.timeout(600)


def _faults(*, alone: bool) -> list[Fault]:
    return [fault for fault in FAULTS if fault.alone == alone and fault.name != SEED]


@pytest.mark.parametrize("fault", _faults(alone=False), ids=lambda fault: fault.name)
def test_the_page_tells_and_doctor_names_the_cause(
    fault: Fault, transactional_db: None, played_together: Results
) -> None:
    check(fault, played_together[fault.name].result())


@pytest.mark.parametrize("fault", _faults(alone=True), ids=lambda fault: fault.name)
def test_what_all_share_breaks_and_doctor_names_the_cause(fault: Fault, stage: Stage) -> None:
    check(fault, play(fault, stage))


def test_per_process_sessions_under_two_workers(stage: Stage) -> None:
    seed = next(fault for fault in FAULTS if fault.name == SEED)
    played = play(seed, stage)
    check(seed, played)
    assert played.page == "session_not_found"
    text = played.doctor.problems["sessions.shared"]
    assert "Sessions are not shared between processes" in text
    assert "LocMemCache" in text
    assert "Set REDIS_URL=redis://host:6379/0" in text
    assert "leave SESSION_ENGINE and CACHES to project/settings.py" in text


def test_doctor_says_that_a_healthy_site_is_healthy(stage: Stage) -> None:
    """Behind nginx with TLS; soon, and without a false alarm."""
    redis = stage.stack.enter_context(Redis(keep=True))
    stage.start_behind(Nginx([]), REDIS_URL=redis.url)
    assert stage.sign_in() == GETS_IN
    said = stage.doctor("--online", "--url")
    assert said.problems == {}
    assert (said.code, said.document["ok"], said.document["skipped"]) == (0, True, [])
    assert said.document["took_ms"] < 15_000
    groups = {finding["id"].partition(".")[0] for finding in said.document["findings"]}
    assert {"sessions", "redis", "database", "clock", "app", "online", "public"} <= groups


def check(fault: Fault, played: Played) -> None:
    """The page is the right one; the finding is there, in these words; the exit code fits."""
    said = played.doctor
    assert played.page == fault.page
    if fault.doctor == START_UP:
        assert (said.code, fault.says in said.errors) == (1, True), said.errors
        return
    assert fault.doctor in said.problems, f"{said.problems}\n{said.errors}"
    assert fault.says in said.problems[fault.doctor]
    assert said.code == (1 if said.document["errors"] else 0)


def test_there_are_at_least_forty_faults_each_told_apart() -> None:
    assert len(FAULTS) >= 40
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(fault.sentence and fault.set_up for fault in FAULTS)


def test_the_table_in_the_documentation_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert table() in text, "run: python -m tests.faults.catalogue"
    assert written(text) == text
