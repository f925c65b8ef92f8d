"""What a visit means: pure, from its record to ids and facts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db import DatabaseError

from .... import registration, staff_urls
from ....conf import conf
from ....http import causes
from ....http.origins import is_loopback
from ....ids import AADSTS
from ....reasons import REASONS, Refused
from ....signin import state
from ....web.middleware import MARK
from ..catalogue import PROXY_FIX, RETURNS
from ..causes import code_of, fix_of
from ..finding import Observation, fault, ok, refusal_facts, verdict
from .browser import EASY_AUTH, Reply, origin
from .cookies import same_site
from .story import (
    FORGED_ADDRESS,
    LENGTH,
    SLOW_SECONDS,
    LoginPage,
    Started,
    Tally,
    Visit,
    stops_at,
)

_LET_THROUGH: Final = "Let the proxy or CDN pass Set-Cookie through, and not cache it."
_LEAVE_COOKIES: Final = (
    "Leave the SESSION_COOKIE_* and CSRF_COOKIE_* settings alone and set PUBLIC_URL to the"
    " address that people use."
)
_REWRITTEN: Final = (
    "Leave the SESSION_COOKIE_* settings alone; let no proxy rewrite Set-Cookie (nginx:"
    " proxy_cookie_path, proxy_cookie_flags)."
)
_PROBLEMS: Final = {
    "EAI_NONAME": "has an unknown host name",
    "EAI_NODATA": "has an unknown host name",
    "EAI_AGAIN": "has a host name that could not be resolved",
    "ECONNREFUSED": "refuses connections",
    "timeout": "does not answer in time",
    "EHOSTUNREACH": "is unreachable",
}
# Title and fix of a foreign page, by its status.
_BY_STATUS: Final = {
    400: (
        "the host name is refused",
        "Set PUBLIC_URL to this address, or let the proxy pass on Host (nginx: proxy_set_header"
        " Host $http_host;).",
    ),
    403: (
        "access is forbidden before the request reaches the site",
        "Check the rules of the proxy or WAF.",
    ),
    401: (
        "something in front of the site asks for a password of its own",
        "Turn that sign-in off in the proxy (nginx: auth_basic off), at least for this site's"
        " paths.",
    ),
    405: (
        "what stands in front does not pass on this kind of request",
        "Let the proxy, CDN or firewall pass on GET, HEAD and POST to every path of the site.",
    ),
    404: ("there is no such page", "Let the proxy pass every path on to the site, unchanged."),
    429: ("the proxy limits requests", "Raise its limit for this path."),
}
_DOWN: Final = (
    "the site behind the proxy does not answer",
    "Start the site; compare the proxy's upstream with the site's port; read both logs.",
)
_FOREIGN: Final = ("this is not the site's page", "Correct PUBLIC_URL, or the proxy's upstream.")
# By the part of the CSRF check that failed.
_CSRF_FIXES: Final = {
    "cookie": "Let what stands in front pass on the Cookie header of requests (nginx: no"
    " proxy_set_header Cookie), and every Set-Cookie of responses.",
    "token": "Let what stands in front pass on the whole body of POSTs (nginx: no"
    " proxy_pass_request_body off), and change nothing in pages.",
    "origin": "Let what stands in front pass on Origin and Referer unchanged, Host (nginx:"
    " proxy_set_header Host $http_host) and X-Forwarded-Proto.",
}
_OF_ORIGIN: Final = "origin:"  # the beginning of what CanonicalOriginMiddleware says
_CACHE_HEADERS: Final = ("X-Cache", "CF-Cache-Status", "X-Proxy-Cache")


def observations_of(visit: Visit) -> Iterator[Observation]:
    """In the order of the visit."""
    if visit.page is None and visit.opened:
        yield from _no_page(visit)
    if visit.page is not None:
        yield from _of_page(visit, visit.page)
    if visit.alive and visit.ready:
        yield from _health(visit.alive, visit.ready)
    if visit.page and visit.pressed and visit.started is None:
        yield _not_started(visit.pressed, visit.page)
    if visit.page and visit.started:
        yield from _of_start(visit, visit.started, origin(visit.page.url))
    if visit.tally:
        yield from of_returns(visit.tally)
    if visit.no_answer:
        yield _no_answer(visit.no_answer, visit.asked, answered=bool(visit.opened))


def _no_answer(problem: causes.NoAnswer, url: str, *, answered: bool) -> Observation:
    """By the cause: name, port, firewall, certificate."""
    code = code_of(problem)
    facts = {"url": url, "cause": problem.detail, "fix": fix_of(code, "PUBLIC_URL")}
    if isinstance(problem, causes.CertificateRefused):
        title = f"The certificate of {url} is not trusted"
        return fault("public.certificate", title=title, **facts)
    if isinstance(problem, causes.TlsFailed):
        return fault("public.certificate", title=f"TLS with {url} fails", **facts)
    is_certain = answered or code not in _PROBLEMS or is_loopback(urlsplit(url).hostname or "")
    id_ = "public.reachable" if is_certain else "public.unreachable_from_here"
    return fault(id_, problem=_PROBLEMS.get(code, "breaks the connection off"), **facts)


def _no_page(visit: Visit) -> Iterator[Observation]:
    """The last response is not the login page: a redirect that is not followed, or another page."""
    last = visit.opened[-1]
    facts = {"url": last.url, "to": last.location.partition("?")[0]}
    match stops_at(visit.opened):
        case "easy_auth":
            yield fault("public.easy_auth", where=facts["to"])
        case "loop":
            yield _loop(last)
        case "scheme":
            yield fault("public.scheme", **facts)
        case _ if last.status != 200:
            yield _other_page(last, "The login page")
        case _:
            yield fault("public.login_page", url=last.url, quote=last.quote)


def _loop(last: Reply) -> Observation:
    """The site itself redirects to PUBLIC_URL endlessly if a proxy hides that people are there."""
    if origin(last.location) == conf.PUBLIC_URL:
        detail = f"{last.url} leads to {last.location} without end."
        return fault("public.proxy", detail=detail)
    return fault("public.redirect_loop", url=last.url, to=last.location, quote=last.quote)


def _other_page(reply: Reply, what: str) -> Observation:
    """Another page than `what`: explained by the reason it bears, or by its status."""
    if reply.reason in REASONS:
        if reply.reason == "misconfigured" and f"{MARK}=" in reply.url:
            return fault("public.proxy", detail=f"{what} says so itself (misconfigured).")
        detail = reply.detail or _where_detail_is(reply.reference)
        return _refused(reply.reason, f"{what} is refused", detail)
    title, fix = _BY_STATUS.get(reply.status, _DOWN if reply.status >= 500 else _FOREIGN)
    facts = {"what": what, "title": title, "fix": fix, "status": reply.status}
    return fault("public.page", url=reply.url, quote=reply.quote, **facts)


def _refused(code: str, what: str, detail: str) -> Observation:
    """A refusal page of the site, with the detail that it told doctor."""
    if code == "misconfigured" and detail.startswith(_OF_ORIGIN):
        return fault("public.proxy", detail=f"{what}: {detail}.")
    numbers = AADSTS.findall(detail)
    refusal = Refused(code, detail, aadsts=int(numbers[0]) if numbers else None)
    return fault(f"public.{code}", what=what, **refusal_facts(refusal))


def _where_detail_is(reference: str) -> str:
    """A site with another SECRET_KEY does not recognise doctor, and tells it no detail."""
    if not reference:
        return ""
    return f"the site's own record has the detail: ./manage.py sign_ins --reference {reference}"


def _of_page(visit: Visit, page: LoginPage) -> Iterator[Observation]:
    """Whether it is on PUBLIC_URL, and what proxies have done to it."""
    at, reply = origin(page.url), visit.opened[-1]
    redirected = "" if origin(visit.url) == at else f" ({visit.url} redirects there)"
    if at == conf.PUBLIC_URL:
        yield ok("public.login_page", at=at, redirected=redirected)
    else:
        yield fault("public.other_address", at=at, public_url=conf.PUBLIC_URL)
    yield from _headers(reply)
    name = settings.CSRF_COOKIE_NAME
    if not settings.CSRF_USE_SESSIONS and not visit.cookies.named(name, "csrf"):
        not_sent = "no Set-Cookie comes with the page"
        yield fault("public.csrf_cookie", **_missing_cookie(visit, name, not_sent))


def _missing_cookie(visit: Visit, name: str, not_sent: str) -> dict[str, str]:
    """The facts of a cookie that the browser refused, or that was `not_sent` at all."""
    why = visit.cookies.refused.get(name)
    if why:
        return {"name": name, "why": f"the browser refuses it: {why}", "fix": _LEAVE_COOKIES}
    return {"name": name, "why": not_sent, "fix": _LET_THROUGH}


def _headers(reply: Reply) -> Iterator[Observation]:
    # A cached page has one CSRF token for everybody, and no cookie to go with it.
    age, statuses = reply.header("Age"), " ".join(map(reply.header, _CACHE_HEADERS))
    if "hit" in statuses.lower() or (age.isdigit() and int(age) > 0):
        yield fault("public.cached", header=reply.received("Age", *_CACHE_HEADERS))
    if "no-referrer" in reply.header("Referrer-Policy").split(",")[-1]:
        yield fault("public.referrer_policy", header=reply.received("Referrer-Policy"))
    if not all(map(_allows_button, _directives(reply))):
        yield fault("public.csp", header=reply.received("Content-Security-Policy"))


def _directives(reply: Reply) -> list[list[str]]:
    """Each directive of each policy, split into words: all of them apply."""
    policies = reply.header("Content-Security-Policy").split(",")
    return [part.lower().split() for policy in policies for part in policy.split(";")]


def _allows_button(directive: list[str]) -> bool:
    """Chrome applies form-action to redirects, and federated tenants have hosts of their own."""
    match directive:
        case ["form-action", *sources]:
            return not {"*", f"{urlsplit(conf.MICROSOFT_LOGIN_URL).scheme}:"}.isdisjoint(sources)
        case ["sandbox", *allowed]:
            return "allow-forms" in allowed
    return True


def _health(alive: Reply, ready: Reply) -> Iterator[Observation]:
    if alive.status != 200:
        yield _other_page(alive, "The health page /healthz")
    if ready.status == 200:
        yield ok("public.ready")
    elif ready.status == 503:
        yield _not_ready(ready.text)
    else:
        yield _other_page(ready, "The health page /readyz")


def _not_ready(text: str) -> Observation:
    """/readyz names what is unavailable."""
    states = _states(text)
    parts = [name for name in ("database", "session_store") if states.get(name) != "ok"]
    return fault(
        "public.ready",
        parts=", ".join(parts),
        states="; ".join(f"{name} {states.get(name, 'unknown')}" for name in parts),
        codes="; ".join(f"{name}_unavailable" for name in parts),
    )


def _states(text: str) -> dict[str, str]:
    try:
        states = json.loads(text)
    except ValueError:
        return {}
    return {str(k): str(v)[:60] for k, v in states.items()} if isinstance(states, dict) else {}


def _not_started(reply: Reply, page: LoginPage) -> Observation:
    if urlsplit(reply.location).path.startswith(EASY_AUTH):
        return fault("public.easy_auth", where=reply.location.partition("?")[0])
    if reply.location:
        to = reply.location.partition("?")[0]
        detail = f"The button redirects to {to} instead of to Microsoft."
        return fault("public.proxy", detail=detail)
    by_csrf = reply.reason == "form_refused" or (not reply.reason and "CSRF" in reply.text)
    if reply.status == 403 and by_csrf:
        part = reply.detail.partition(":")[0]
        facts = {"detail": reply.detail or reply.quote, "fix": _CSRF_FIXES.get(part, PROXY_FIX)}
        return fault("public.csrf", origin=origin(page.url), **facts)
    return _other_page(reply, "The button")


def _of_start(visit: Visit, started: Started, at: str) -> Iterator[Observation]:
    leads_to, authority = origin(started.authorize_url), conf.MICROSOFT_LOGIN_URL
    if leads_to == authority:
        yield ok("public.start", authorize_url=started.authorize_url)
    else:
        is_own = leads_to in (at, "http://127.0.0.1", "http://localhost")
        id_ = "public.rewritten" if is_own else "public.start"
        yield fault(id_, origin=leads_to, authority=authority)
    client_id = _client_id_in_force()
    if client_id and client_id != started.client_id:
        yield fault("public.client_id", theirs=started.client_id, ours=client_id)
    is_here = started.redirect_uri == f"{at}{staff_urls.callback()}"
    yield verdict("public.redirect_uri", is_here, uri=started.redirect_uri, at=at)
    try:
        state.read(started.state)
    except Refused:  # a warning only: it may be doctor that has another key
        yield fault("public.secret_key")
    yield _session_cookie(visit, started)


def _client_id_in_force() -> str:
    """ "" if the database is unavailable, or there is no app or several."""
    try:
        return registration.read_afresh().client_id
    except (Refused, DatabaseError):
        return ""


def _session_cookie(visit: Visit, started: Started) -> Observation:
    name, refused = settings.SESSION_COOKIE_NAME, visit.cookies.refused
    cookies = visit.cookies.named(name, "session")
    if not cookies:
        if name not in refused:
            name = next((other for other in refused if "session" in other), name)
        facts = _missing_cookie(visit, name, "the button's response sets none")
        return fault("public.session_cookie", problem="does not reach the browser", **facts)
    sent = visit.cookies.names_sent(started.redirect_uri, cross_site=True)
    if back := next((cookie.name for cookie in cookies if cookie.name in sent), ""):
        return ok("public.session_cookie", name=back)
    is_strict = same_site(cookies[0]) == "strict"
    why = "it is SameSite=Strict" if is_strict else "its Path, Domain or Secure does not fit"
    return fault(
        "public.session_cookie",
        name=cookies[0].name,
        problem="does not come back from Microsoft",
        why=f"a browser does not send it to {started.redirect_uri}: {why}",
        fix=_REWRITTEN,
    )


def of_returns(tally: Tally) -> Iterator[Observation]:
    """What instances do not share, and what stands in front of them does."""
    problems = list(_problems(tally))
    yield from problems
    yield from _of_proxies(tally)
    if not problems:
        instances = {name.partition("/")[0] for name in tally.processes}
        yield ok(
            "public.rounds",
            returns=tally.returns,
            rounds=tally.rounds,
            instances=len(instances),
            processes=len(tally.processes),
        )


def _of_proxies(tally: Tally) -> Iterator[Observation]:
    """Whether a forged address is trusted, and whether a slow answer arrives."""
    if tally.client:
        facts = {"made_up": FORGED_ADDRESS, "seen": tally.client}
        yield verdict("public.forwarded_for", tally.client != FORGED_ADDRESS, **facts)
    if tally.slow:
        quote, took = tally.slow
        facts = {"quote": quote, "took": f"{took:.0f}", "seconds": str(SLOW_SECONDS)}
        yield verdict("public.slow", quote in REASONS, **facts)


def _problems(tally: Tally) -> Iterator[Observation]:
    for outcome, count in tally.wrong.most_common():
        if tally.short in REASONS and outcome not in REASONS:
            yield fault("public.long_callback", length=LENGTH, outcome=outcome)
            continue
        share, some = f"{count} of {tally.returns} returns", count < tally.returns
        yield _of_outcome(outcome, share, tally.details.get(outcome, ""), some=some)
    for outcome, count in tally.not_started.most_common():
        if outcome in REASONS:
            detail = tally.details.get(outcome, "")
            yield _refused(outcome, f"{count} starts were refused", detail)
        else:
            yield fault("public.starts", count=count, outcome=outcome)
    if tally.used_at_first:
        yield fault("public.repeated", count=tally.used_at_first)
    if tally.accepted_twice:
        yield fault("public.used_states", count=tally.accepted_twice)
    if len(tally.settings) > 1:
        ways = "; ".join(map(" ".join, sorted(tally.settings)))[:400]
        yield fault("public.instances_differ", count=len(tally.settings), ways=ways)


def _of_outcome(outcome: str, share: str, detail: str, *, some: bool) -> Observation:
    if outcome in RETURNS:
        others = " The others ended as expected." if some else ""
        more = f" ({detail})" if detail else ""
        why = f"{REASONS[outcome].operator}{more}{others}"
        return fault(RETURNS[outcome][0], share=share, why=why)
    if outcome in REASONS:
        return _refused(outcome, f"{share} ended with {outcome}", detail)
    if EASY_AUTH in outcome:
        return fault("public.easy_auth", where=outcome.removeprefix("sent to "))
    return fault("public.callback", share=share, outcome=outcome)
