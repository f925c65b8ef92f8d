"""How doctor runs its probes and what it makes of what they say; the probes here are made up."""

import json
import time
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.http.deadline import within
from accounts.operate.doctor.finding import (
    Finding,
    Observation,
    fault,
    finding_of,
    ok,
    refusal_facts,
    staff_see,
)
from accounts.operate.doctor.report import as_json, as_text, summary
from accounts.operate.doctor.run import Probe, Report, run, scrubbed
from accounts.protection.redact import mask_secrets
from accounts.reasons import Refused

GOOD = ok("redis.reachable", ms=3)
ODD = fault("redis.slow", ms=70)
BLIND = fault("redis.info", cause="NOPERM")
BAD = fault("redis.writable", cause="OOM", fix="Fix it.")


def report_of(*seen: Observation, not_asked: tuple[str, ...] = ()) -> Report:
    return run([Probe("made up", lambda: seen)], not_asked=not_asked)


def text_of(*seen: Observation) -> str:
    return "\n".join(as_text(report_of(*seen)))


def test_problems_come_last_and_errors_first_among_them() -> None:
    text = text_of(ODD, BAD, GOOD)
    assert text.index("answers in 3 ms") < text.index("ERROR redis.writable")
    assert text.index("ERROR redis.writable") < text.index("WARNING redis.slow")
    assert "broken: 1 error, 1 warning" in text


def test_each_problem_says_what_is_wrong_how_it_shows_and_what_to_do() -> None:
    text = text_of(BAD)
    assert "What is wrong: OOM" in text
    assert 'Staff see:     "Sign-in is briefly unavailable" (session_store_unavailable)' in text
    assert "What to do:    Fix it." in text
    assert "More:          docs/doctor.md#redis.writable" in text


def test_a_phrase_is_shown_as_it_is() -> None:
    assert staff_see(finding_of(fault("public.login_page")).shows_as) == "a page without the button"


def test_warnings_alone_do_not_break_a_sign_in() -> None:
    assert as_json(report_of(ODD))["ok"] is True
    assert summary(report_of(ODD)).startswith("Sign-in works")


@pytest.mark.parametrize(("seen", "not_asked", "start"), [
    ([GOOD], (), "All is well (1 findings"),
    ([GOOD], ("Microsoft (--online)",), "No problem in what was checked"),
    ([GOOD, BLIND], (), "No problem was found, but not everything could be checked: 1 unknown"),
])  # fmt: skip
def test_all_is_well_is_never_said_of_what_was_not_looked_at(
    seen: list[Observation], not_asked: tuple[str, ...], start: str
) -> None:
    said = summary(report_of(*seen, not_asked=not_asked))
    assert said.startswith(start)
    assert all(name in said for name in not_asked)


def test_a_crash_is_a_finding_and_keeps_what_came_before() -> None:
    def crash() -> Iterator[Observation]:
        yield GOOD
        raise RuntimeError("no\nluck")

    report = run([Probe("Made up", crash)])
    assert [finding.id for finding in report.findings] == ["redis.reachable", "made_up.crashed"]
    assert report.findings[1].detail == "RuntimeError: no luck"


def test_what_needs_something_broken_is_skipped() -> None:
    needs = ("x.y", "redis.writable")
    report = run([Probe("one", lambda: [BAD]), Probe("two", lambda: [GOOD], needs)])
    assert [(each.name, each.because) for each in report.skipped] == [("two", "redis.writable")]


def test_what_hangs_is_left_behind() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.05, lambda: time.sleep(5))
    assert time.monotonic() - began < 2


def test_what_fails_in_time_fails_as_it_did() -> None:
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 // 0)


def test_a_refusal_speaks_with_the_words_of_its_reason() -> None:
    refusal = refusal_facts(Refused("redirect_uri_mismatch", aadsts=50011))
    finding = finding_of(fault("online.redirect_uri", uri="https://x", **refusal))
    assert finding.shows_as == ("redirect_uri_mismatch",)
    assert "AADSTS50011" in finding.detail
    assert "microsoft_app show" in finding.fix


def test_the_json_document_is_stable() -> None:
    document = json.loads(json.dumps(as_json(report_of(BAD))))
    assert list(document) == [
        "version", "ok", "errors", "warnings", "unknown", "at", "took_ms", "instance",
        "public_url", "findings", "skipped", "not_asked",
    ]  # fmt: skip
    assert document["findings"] == [
        {
            "level": "error",
            "id": "redis.writable",
            "title": "Redis refuses writes",
            "detail": "OOM",
            "shows_as": ["session_store_unavailable"],
            "fix": "Fix it.",
            "page": "docs/doctor.md#redis.writable",
        }
    ]


@override_settings(
    REDIS_URL="rediss://:p%40ssword@redis.example:6380/0",
    MICROSOFT_CLIENT_SECRET="very~secret",
    SECRET_KEY_FALLBACKS=["the-former-key"],
)
def test_no_secret_leaves() -> None:
    keys = f"{settings.SECRET_KEY} the-former-key"
    text = f"{keys} p@ssword p%40ssword very~secret postgres://u:word@h/db"
    assert mask_secrets(text) == "*** *** *** *** *** postgres://***@h/db"
    leaked = Finding("error", "x.y", text, text, fix=text)
    assert "very~secret" not in json.dumps(asdict(scrubbed(leaked)))
    assert "very~secret" not in json.dumps(as_json(report_of(fault("redis.writable", cause=text))))


@override_settings(REDIS_URL="rediss://staff.redis.example:10000/0?auth=entra")
def test_a_url_without_a_password_hides_nothing_else() -> None:
    assert (
        mask_secrets("rediss://staff.redis.example:10000/0")
        == "rediss://staff.redis.example:10000/0"
    )


@pytest.mark.parametrize(("password", "text", "shown"), [
    ("site", "the site of password=site", "the site of password=***"),
    ("site", "its sites", "its sites"),
    ("S1te", "the S1te", "the ***"),
    ("longer-word", "a longer-word", "a ***"),
])  # fmt: skip
def test_a_password_that_is_a_word_blanks_no_words(password: str, text: str, shown: str) -> None:
    assert mask_secrets(text, also=[password]) == shown
