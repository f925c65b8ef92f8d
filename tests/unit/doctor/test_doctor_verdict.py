"""What doctor makes of the returns: counted by hand here, by real sites elsewhere."""

from collections import Counter

import pytest

from accounts.operate.doctor.finding import Finding, finding_of
from accounts.operate.doctor.visit.diagnosis import of_returns
from accounts.operate.doctor.visit.story import Tally, issuer_of
from accounts.reasons import REASONS
from accounts.signin import state


def verdicts(tally: Tally) -> list[Finding]:
    return [finding_of(seen) for seen in of_returns(tally)]


def of(**wrong: int) -> list[Finding]:
    return verdicts(Tally(returns=20, wrong=Counter(wrong)))


def test_nothing_wrong_is_well() -> None:
    assert [(each.id, each.level) for each in of()] == [("public.rounds", "ok")]


def test_the_share_is_told() -> None:
    (finding,) = of(session_not_found=3)
    assert finding.title == "3 of 20 returns reached an instance that does not share sessions"


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_that_may_come_back_has_a_verdict(code: str) -> None:
    (finding,) = of(**{code: 2})
    assert code in finding.shows_as
    assert finding.fix


def test_another_answer_than_the_sites_is_told_as_it_is() -> None:
    (finding,) = of(**{"HTTP 502": 4})
    assert finding.title == "4 of 20 returns did not reach the site: HTTP 502"


def test_instances_that_differ_are_told() -> None:
    two = {
        ("https://a/authorize", "x", "https://s/cb"),
        ("https://a/authorize", "y", "https://s/cb"),
    }
    (finding,) = verdicts(Tally(returns=20, settings=two))
    assert finding.id == "public.instances_differ"


def test_a_state_that_is_accepted_twice_is_told() -> None:
    assert verdicts(Tally(returns=20, accepted_twice=1))[0].id == "public.used_states"


def test_starts_that_fail_later_are_told() -> None:
    (finding,) = verdicts(Tally(returns=20, not_started=Counter({"HTTP 403": 2})))
    assert finding.id == "public.starts"


def test_the_process_is_read_from_a_state_whoever_signed_it() -> None:
    place = state.ServedBy("https://s", "instance/12")
    _, text = state.issue(state.new_browser_secret(), place, "")
    assert issuer_of(text.rpartition(".")[0] + ".other-signature") == "instance/12"


@pytest.mark.parametrize("text", ["", "x", "....", "bm90LWpzb24.x", "e30.x"])
def test_a_state_of_another_kind_names_no_process(text: str) -> None:
    assert issuer_of(text) == ""
