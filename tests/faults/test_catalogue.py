"""Nothing is told of faults that is not so, and a healthy site has none."""

from tests.faults.catalogue import PAGE, faults, table, written
from tests.faults.fault import GETS_IN, Fault, fault
from tests.faults.stage import Stage
from tests.servers.nginx import Nginx
from tests.servers.redis import Redis


def test_doctor_says_that_a_healthy_site_is_healthy(stage: Stage) -> None:
    """Behind nginx with TLS; soon, and without a false alarm."""
    redis = stage.stack.enter_context(Redis(keep=True))
    stage.start_behind(Nginx([]), REDIS_URL=redis.url)
    assert stage.sign_in() == GETS_IN
    said = stage.doctor("--online", "--url")
    levels = {finding["level"] for finding in said.document["findings"]}
    assert levels <= {"ok", "note"}, said.problems
    assert (said.code, said.document["ok"], said.document["skipped"]) == (0, True, [])
    assert said.document["took_ms"] < 15_000
    groups = {finding["id"].partition(".")[0] for finding in said.document["findings"]}
    assert {"sessions", "redis", "database", "clock", "app", "online", "public"} <= groups


def test_there_are_many_faults_each_told_apart() -> None:
    every = faults()
    assert len(every) >= 211
    assert len({name for name, _ in every}) == len(every)
    assert len({each.sentence for _, each in every}) == len(every)
    assert all(each.sentence and each.set_up for _, each in every)


def test_the_cause_of_each_fault_is_named() -> None:
    assert [name for name, each in faults() if not (each.doctor and each.says)] == []


def test_the_table_in_the_documentation_is_current() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert table() in text, "run: make troubleshooting"
    assert written(text) == text


def test_a_play_is_a_fault_with_the_words_of_its_docstring() -> None:
    @fault("It breaks", page="unexpected", doctor="some.finding", says="this")
    def broken(stage: Stage) -> str:
        """Somebody
        broke it."""
        return "unexpected"

    assert isinstance(broken, Fault)
    assert (broken.sentence, broken.set_up) == ("It breaks", "Somebody broke it.")
