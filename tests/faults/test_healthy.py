"""A healthy site behind nginx with TLS: doctor says so, soon, and raises no false alarm."""

from tests.faults.fault import GETS_IN
from tests.faults.stage import Stage
from tests.servers.nginx import Nginx
from tests.servers.redis import Redis


def test_doctor_says_that_a_healthy_site_is_healthy(stage: Stage) -> None:
    redis = stage.stack.enter_context(Redis(keep=True))
    stage.start_behind(Nginx([]), REDIS_URL=redis.url)
    assert stage.sign_in() == GETS_IN
    said = stage.doctor("--online", "--url")
    assert said.problems == {}
    assert (said.code, said.document["ok"], said.document["skipped"]) == (0, True, [])
    assert said.document["took_ms"] < 15_000
    groups = {finding["id"].partition(".")[0] for finding in said.document["findings"]}
    assert {"sessions", "redis", "database", "clock", "app", "online", "public"} <= groups
