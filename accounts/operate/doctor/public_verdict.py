"""What the returns of public_rounds mean: who does not share what with whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from accounts.operate.doctor.browser import EASY_AUTH
from accounts.operate.doctor.finding import Finding, error, refused, warning
from accounts.operate.doctor.public_trouble import easy_auth_at, hidden_origin
from accounts.reasons import REASONS, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.operate.doctor.public_rounds import Tally

SESSIONS: Final = "public.sessions"
_ONE_REDIS: Final = (
    "Set REDIS_URL to the same Redis on every instance and slot, with maxmemory-policy noeviction,"
    " and leave SESSION_ENGINE and CACHES to project/settings.py; restart all of them."
)
# By reason code: the finding's id, what it says of the returns, and the fix.
_KNOWN: Final = {
    "session_not_found": (
        SESSIONS,
        "reached an instance that does not share sessions",
        _ONE_REDIS,
    ),
    "state_not_ours": (
        "public.secret_keys",
        "reached an instance with another SECRET_KEY",
        "Give all instances and slots the same SECRET_KEY, old ones in SECRET_KEY_FALLBACKS. If it"
        " is all of them, look for a proxy that drops or changes the query string.",
    ),
    "cookie_not_sent": (
        "public.cookie",
        "came without the session cookie",
        "Let no proxy strip or rewrite cookies; serve start and return on one host by one scheme;"
        " leave SESSION_COOKIE_* to project/settings.py.",
    ),
    "session_changed": (
        "public.session_changed",
        "came with another session",
        "Give each app on this host a session cookie name of its own; let nothing cache"
        " Set-Cookie.",
    ),
    "state_expired": (
        "public.clocks",
        "reached an instance whose clock is off",
        "Synchronise the clocks of all instances: timedatectl set-ntp true",
    ),
    "too_many_attempts": (
        "public.throttled",
        "were throttled",
        "Wait a minute and run doctor again. If people meet it too, set TRUSTED_PROXY_COUNT:"
        " everyone then looks like one client.",
    ),
}


def verdicts(tally: Tally) -> Iterator[Finding]:
    """A finding for everything that was not as it should be."""
    for outcome, count in tally.wrong.most_common():
        yield _of_returns(outcome, count, tally.returns)
    for outcome, count in tally.not_started.most_common():
        yield _of_starts(outcome, count)
    yield from _repeats(tally)
    if len(tally.settings) > 1:
        yield _different(tally)


def _of_returns(outcome: str, count: int, returns: int) -> Finding:
    share = f"{count} of {returns} returns"
    if outcome in _KNOWN:
        id_, what, fix = _KNOWN[outcome]
        detail = f"{REASONS[outcome].operator} The others were answered as they should be."
        if count == returns:
            detail = REASONS[outcome].operator
        return error(id_, f"{share} {what}", detail, shows_as=(outcome,), fix=fix)
    if outcome == "misconfigured":
        return hidden_origin(f"{share} were answered so.")
    if outcome in REASONS:
        title = f"{share} ended with {outcome}"
        return refused(f"public.{outcome}", title, Refused(outcome))
    return _not_ours(outcome, share)


def _not_ours(outcome: str, share: str) -> Finding:
    """An answer that no page of this site gave."""
    if EASY_AUTH in outcome:
        return easy_auth_at(outcome.removeprefix("sent to "))
    return error(
        "public.callback",
        f"{share} did not reach the site: {outcome}",
        "Something in front of the site answered in its place, or an instance is down.",
        shows_as=("an error page of the proxy",),
        fix="Read the proxy's log for /accounts/microsoft/login/callback/: a dead upstream, or a"
        " firewall rule (WAF) that dislikes the query.",
    )


def _of_starts(outcome: str, count: int) -> Finding:
    if outcome in REASONS:
        return refused(f"public.{outcome}", f"{count} starts were refused", Refused(outcome))
    return error(
        "public.starts",
        f"{count} presses of the button led nowhere: {outcome}",
        "The first one worked: an instance is down, or has other settings.",
        shows_as=("an error page when the button is pressed",),
        fix="Look at the log of each instance; give all of them the same environment.",
    )


def _repeats(tally: Tally) -> Iterator[Finding]:
    if tally.at_once_used:
        yield warning(
            "public.repeated",
            f"{tally.at_once_used} returns were already used when they came first",
            "A proxy repeats requests, or answers from a cache.",
            shows_as=("state_already_used",),
            fix="Let the proxy retry no request that it has sent (nginx: proxy_next_upstream off),"
            " and cache nothing under /accounts/.",
        )
    if tally.twice:
        yield error(
            "public.used_states",
            f"{tally.twice} states were accepted a second time",
            "The mark of a used state is not seen by all: CACHES['default'] is not shared.",
            shows_as=("session_not_found",),
            fix=_ONE_REDIS,
        )


def _different(tally: Tally) -> Finding:
    listed = "; ".join(" ".join(each) for each in sorted(tally.settings))
    return error(
        "public.instances_differ",
        f"Instances send people to Microsoft in {len(tally.settings)} different ways",
        listed[:400],
        shows_as=("redirect_uri_mismatch", "client_unknown"),
        fix="Give all instances and slots the same PUBLIC_URL and MICROSOFT_* variables.",
    )
