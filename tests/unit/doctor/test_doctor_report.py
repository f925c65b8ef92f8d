"""How doctor runs its probes and what it makes of what they say; the probes here are made up."""

import json
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.http.deadline import within
from accounts.operate.doctor.finding import Finding, error, ok, refused, staff_see, warning
from accounts.operate.doctor.report import as_json, as_text, summary
from accounts.operate.doctor.runner import Probe, Teller, run
from accounts.operate.doctor.scrub import scrub
from accounts.reasons import Refused

GOOD = ok("a.good", "All is well here")
ODD = warning("a.odd", "Odd", "It is odd.", fix="Mind it.", shows_as=("session_not_found",))
BAD = error("b.bad", "Bad", "It is bad.", fix="Mend it.", shows_as=("a redirect loop",))


def report_of(*findings: Finding) -> list[str]:
    return list(as_text(run([Probe("made up", lambda: findings)], Teller())))


def test_problems_come_last_and_errors_first_among_them() -> None:
    text = "\n".join(report_of(ODD, BAD, GOOD))
    assert text.index("All is well here") < text.index("ERROR b.bad") < text.index("WARNING a.odd")
    assert text.endswith("s).")
    assert "broken: 1 error, 1 warning" in text


def test_each_problem_says_what_is_wrong_how_it_shows_and_what_to_do() -> None:
    text = "\n".join(report_of(ODD))
    assert "What is wrong: It is odd." in text
    assert 'Staff see:     "We lost track of your sign-in" (session_not_found)' in text
    assert "What to do:    Mind it." in text


def test_a_phrase_is_shown_as_it_is() -> None:
    assert staff_see(BAD) == "a redirect loop"


def test_warnings_alone_do_not_break_a_sign_in() -> None:
    report = run([Probe("made up", lambda: [ODD])], Teller())
    assert as_json(report)["ok"] is True
    assert summary(report).startswith("Sign-in works")


def test_a_crash_is_a_finding_and_keeps_what_came_before() -> None:
    def crash() -> Iterator[Finding]:
        yield GOOD
        raise RuntimeError("no\nluck")

    report = run([Probe("Made up", crash)], Teller())
    assert [finding.id for finding in report.findings] == ["a.good", "made_up.crashed"]
    assert report.findings[1].detail == "RuntimeError: no luck"


def test_what_needs_something_broken_is_skipped() -> None:
    probes = [Probe("one", lambda: [BAD]), Probe("two", lambda: [GOOD], ("x.y", "b.bad"))]
    report = run(probes, Teller())
    assert [(each.name, each.because) for each in report.skipped] == [("two", "b.bad")]


def test_what_hangs_is_left_behind() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.05, lambda: time.sleep(5))
    assert time.monotonic() - began < 2


def test_what_fails_in_time_fails_as_it_did() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_refusal_speaks_with_the_words_of_its_reason() -> None:
    finding = refused("x.y", "No", Refused("redirect_uri_mismatch", aadsts=50011))
    assert finding.shows_as == ("redirect_uri_mismatch",)
    assert "AADSTS50011" in finding.detail
    assert "microsoft_app show" in finding.fix


def test_the_json_document_is_stable() -> None:
    document = json.loads(json.dumps(as_json(run([Probe("x", lambda: [BAD])], Teller()))))
    assert list(document) == [
        "version", "ok", "errors", "warnings", "at", "took_ms", "instance", "public_url",
        "findings", "skipped",
    ]  # fmt: skip
    assert document["findings"] == [
        {
            "level": "error",
            "id": "b.bad",
            "title": "Bad",
            "detail": "It is bad.",
            "shows_as": ["a redirect loop"],
            "fix": "Mend it.",
        }
    ]


@override_settings(
    REDIS_URL="rediss://:p%40ssword@redis.example:6380/0", MICROSOFT_CLIENT_SECRET="very~secret"
)
def test_no_secret_leaves() -> None:
    text = f"{settings.SECRET_KEY} p@ssword p%40ssword very~secret postgres://u:word@h/db"
    assert scrub(text) == "*** *** *** *** postgres://***@h/db"
    leaked = error("x.y", text, text, fix=text)
    report = run([Probe("x", lambda: [leaked])], Teller())
    assert "very~secret" not in json.dumps(as_json(report))


@override_settings(REDIS_URL="rediss://staff.redis.example:10000/0?auth=entra")
def test_a_url_without_a_password_hides_nothing_else() -> None:
    assert scrub("rediss://staff.redis.example:10000/0") == "rediss://staff.redis.example:10000/0"
