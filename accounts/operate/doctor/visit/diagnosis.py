"""What a visit means: pure, from what was seen to ids and facts."""

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
from ..finding import Observation, because, fault, ok, verdict
from .browser import EASY_AUTH, Reply, origin
from .story import LENGTH, MADE_UP, SLOW_SECONDS, LoginPage, Started, Tally, Visit, stops_at

_LET_THROUGH: Final = "Let the proxy or CDN pass Set-Cookie through, and keep it from caching."
_LEAVE_COOKIES: Final = (
    "Leave the SESSION_COOKIE_* and CSRF_COOKIE_* settings alone and set PUBLIC_URL to the"
    " address that people use."
)
_REWRITTEN: Final = (
    "Leave the SESSION_COOKIE_* settings alone; let no proxy rewrite Set-Cookie (nginx:"
    " proxy_cookie_path, proxy_cookie_flags)."
)
_PROBLEMS: Final = {
    "EAI_NONAME": "is a name that is not known",
    "EAI_NODATA": "is a name that is not known",
    "EAI_AGAIN": "is a name that could not be looked up",
    "ECONNREFUSED": "refuses connections",
    "timeout": "does not answer in time",
    "EHOSTUNREACH": "is out of reach",
}
# Title and fix of a page that is not ours, by its status.
_BY_STATUS: Final = {
    400: (
        "the host name is refused",
        "Set PUBLIC_URL to this address, or let the proxy pass on Host (nginx: proxy_set_header"
        " Host $http_host;).",
    ),
    403: (
        "access is forbidden before the site is asked",
        "Look at the rules of the proxy or WAF.",
    ),
    401: (
        "somebody in front asks for a password of their own",
        "Take that sign-in out of the proxy (nginx: auth_basic off), or this site's paths.",
    ),
    405: (
        "what stands in front does not let this kind of request through",
        "Let the proxy, CDN or firewall pass on GET, HEAD and POST to every path of the site.",
    ),
    404: ("there is no such page", "Let the proxy send every path to the site, unchanged."),
    429: ("the proxy limits requests", "Raise its limit for this path."),
}
_DOWN: Final = (
    "the site behind the proxy does not answer",
    "Start the site; compare the proxy's upstream with the site's port; read both logs.",
)
_FOREIGN: Final = ("that is not this site's page", "Correct PUBLIC_URL, or the proxy's upstream.")
# What stands in front does to the button's form, by the part of the check that failed.
_OF_CSRF: Final = {
    "cookie": "Let what stands in front pass on the Cookie header of requests (nginx: no"
    " proxy_set_header Cookie), and every Set-Cookie of answers.",
    "token": "Let what stands in front pass on the body of POSTs whole (nginx: no"
    " proxy_pass_request_body off), and change nothing in pages.",
    "origin": "Let what stands in front pass on Origin and Referer as they came, Host (nginx:"
    " proxy_set_header Host $http_host) and X-Forwarded-Proto.",
}
_OF_ORIGIN: Final = "origin:"  # how CanonicalOriginMiddleware begins what it says
_CACHE_HEADERS: Final = ("X-Cache", "CF-Cache-Status", "X-Proxy-Cache")


def diagnose(visit: Visit) -> Iterator[Observation]:
    """In the order in which it was seen."""
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
    """Nothing came back: name, port, firewall, certificate."""
    code = code_of(problem)
    facts = {"url": url, "cause": problem.detail, "fix": fix_of(code, "PUBLIC_URL")}
    if isinstance(problem, causes.CertificateRefused):
        title = f"The certificate of {url} is not trusted"
        return fault("public.certificate", title=title, **facts)
    if isinstance(problem, causes.TlsFailed):
        return fault("public.certificate", title=f"TLS with {url} fails", **facts)
    what = _PROBLEMS.get(code, "breaks the connection off")
    at_home = is_loopback(urlsplit(url).hostname or "") or code not in _PROBLEMS
    id_ = "public.reachable" if at_home or answered else "public.unreachable_from_here"
    return fault(id_, problem=what, **facts)


def _no_page(visit: Visit) -> Iterator[Observation]:
    """The last answer is no login page: a redirect not to be followed, or another page."""
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
            yield wrong_page(last, "The login page")
        case _:
            yield fault("public.login_page", url=last.url, quote=last.quote)


def _loop(last: Reply) -> Observation:
    """The site sends people to PUBLIC_URL for ever when a proxy hides that they are there."""
    if origin(last.location) == conf.PUBLIC_URL:
        detail = f"{last.url} leads to {last.location} without end."
        return fault("public.proxy", detail=detail)
    return fault("public.redirect_loop", url=last.url, to=last.location, quote=last.quote)


def wrong_page(reply: Reply, what: str) -> Observation:
    """Neither what was asked for, nor a redirect: the reason or the status tells."""
    if reply.reason in REASONS:
        if reply.reason == "misconfigured" and f"{MARK}=" in reply.url:
            return fault("public.proxy", detail=f"{what} says so itself (misconfigured).")
        detail = reply.detail or _look_up(reply.reference)
        return _refused(reply.reason, f"{what} is refused", detail)
    title, fix = _BY_STATUS.get(reply.status, _DOWN if reply.status >= 500 else _FOREIGN)
    facts = {"what": what, "title": title, "fix": fix, "status": reply.status}
    return fault("public.page", url=reply.url, quote=reply.quote, **facts)


def _refused(code: str, what: str, detail: str) -> Observation:
    """A page of ours that refuses: by what the site tells doctor of it, in its own detail."""
    if code == "misconfigured" and detail.startswith(_OF_ORIGIN):
        return fault("public.proxy", detail=f"{what}: {detail}.")
    numbers = AADSTS.findall(detail)
    refusal = Refused(code, detail, aadsts=int(numbers[0]) if numbers else None)
    return fault(f"public.{code}", what=what, **because(refusal))


def _look_up(reference: str) -> str:
    """Where the detail is, when the site took doctor for a stranger: it has another SECRET_KEY."""
    if not reference:
        return ""
    return f"the site's own record has the detail: ./manage.py sign_ins --reference {reference}"


def _of_page(visit: Visit, page: LoginPage) -> Iterator[Observation]:
    """People must end on PUBLIC_URL before they press the button; then what proxies added."""
    at, reply = origin(page.url), visit.opened[-1]
    way = "" if origin(visit.url) == at else f" ({visit.url} leads there)"
    if at == conf.PUBLIC_URL:
        yield ok("public.login_page", at=at, way=way)
    else:
        yield fault("public.other_address", at=at, public_url=conf.PUBLIC_URL)
    yield from _headers(reply)
    name = settings.CSRF_COOKIE_NAME
    if not settings.CSRF_USE_SESSIONS and not visit.cookies.named(name, "csrf"):
        none = "no Set-Cookie comes with the page"
        yield fault("public.csrf_cookie", **_not_taken(visit, name, none))


def _not_taken(visit: Visit, name: str, none: str) -> dict[str, str]:
    """Why the browser has no such cookie; `none` says that it was not even sent one."""
    why = visit.cookies.refused.get(name)
    if why:
        return {"name": name, "why": f"the browser refuses it: {why}", "fix": _LEAVE_COOKIES}
    return {"name": name, "why": none, "fix": _LET_THROUGH}


def _headers(reply: Reply) -> Iterator[Observation]:
    # One page for everybody has one CSRF token, and no cookie to go with it.
    age, verdicts = reply.header("Age"), " ".join(map(reply.header, _CACHE_HEADERS))
    if "hit" in verdicts.lower() or (age.isdigit() and int(age) > 0):
        yield fault("public.cached", header=reply.received("Age", *_CACHE_HEADERS))
    if "no-referrer" in reply.header("Referrer-Policy").split(",")[-1]:
        yield fault("public.referrer_policy", header=reply.received("Referrer-Policy"))
    if not all(map(_lets_forms_go, _directives(reply))):
        yield fault("public.csp", header=reply.received("Content-Security-Policy"))


def _directives(reply: Reply) -> list[list[str]]:
    """Each directive of each policy, in words: all of them must allow what is done."""
    policies = reply.header("Content-Security-Policy").split(",")
    return [part.lower().split() for policy in policies for part in policy.split(";")]


def _lets_forms_go(directive: list[str]) -> bool:
    """Chrome applies form-action to each redirect; federated tenants have hosts of their own."""
    match directive:
        case ["form-action", *sources]:
            return not {"*", f"{urlsplit(conf.MICROSOFT_LOGIN_URL).scheme}:"}.isdisjoint(sources)
        case ["sandbox", *allowed]:
            return "allow-forms" in allowed
    return True


def _health(alive: Reply, ready: Reply) -> Iterator[Observation]:
    """The two addresses that load balancers ask."""
    if alive.status != 200:
        yield wrong_page(alive, "The health page /healthz")
    if ready.status == 200:
        yield ok("public.ready")
    elif ready.status == 503:
        yield _not_ready(ready.text)
    else:
        yield wrong_page(ready, "The health page /readyz")


def _not_ready(text: str) -> Observation:
    """/readyz names what is unavailable; it holds no secret."""
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
        detail = f"The button leads back to {to} instead of to Microsoft."
        return fault("public.proxy", detail=detail)
    by_csrf = reply.reason == "form_refused" or (not reply.reason and "CSRF" in reply.text)
    if reply.status == 403 and by_csrf:
        part = reply.detail.partition(":")[0]
        facts = {"detail": reply.detail or reply.quote, "fix": _OF_CSRF.get(part, PROXY_FIX)}
        return fault("public.csrf", origin=origin(page.url), **facts)
    return wrong_page(reply, "The button")


def _of_start(visit: Visit, started: Started, at: str) -> Iterator[Observation]:
    authorize_url = origin(started.authorize_url)
    facts = {"origin": authorize_url, "authority": conf.MICROSOFT_LOGIN_URL}
    if authorize_url == conf.MICROSOFT_LOGIN_URL:
        yield ok("public.start", authorize_url=started.authorize_url)
    else:
        is_own = authorize_url == at or authorize_url in ("http://127.0.0.1", "http://localhost")
        yield fault("public.rewritten" if is_own else "public.start", **facts)
    client_id = _client_id_in_force()
    if client_id and client_id != started.client_id:
        yield fault("public.client_id", theirs=started.client_id, ours=client_id)
    right = started.redirect_uri == f"{at}{staff_urls.callback()}"
    yield verdict("public.redirect_uri", right, uri=started.redirect_uri, at=at)
    try:
        state.read(started.state)
    except Refused:  # only a hint: doctor may run beside the site with a key of its own
        yield fault("public.secret_key")
    yield _session_cookie(visit, started)


def _client_id_in_force() -> str:
    """ "" when it cannot be known: the database is unavailable, or there is none or several."""
    try:
        return registration.read_afresh().client_id
    except (Refused, DatabaseError):
        return ""


def _session_cookie(visit: Visit, started: Started) -> Observation:
    cookies = visit.cookies.named(settings.SESSION_COOKIE_NAME, "session")
    if not cookies:
        ours, refused = settings.SESSION_COOKIE_NAME, visit.cookies.refused
        name = ours if ours in refused else next((n for n in refused if "session" in n), ours)
        facts = _not_taken(visit, name, "the button's answer sets none")
        return fault("public.session_cookie", problem="does not reach the browser", **facts)
    back = [c for c in cookies if c.goes_to(started.redirect_uri, cross_site=True)]
    if back:
        return ok("public.session_cookie", name=back[0].name)
    strict = cookies[0].same_site == "strict"
    why = "it is SameSite=Strict" if strict else "its Path, Domain or Secure does not fit"
    return fault(
        "public.session_cookie",
        name=cookies[0].name,
        problem="does not come back from Microsoft",
        why=f"a browser does not send it to {started.redirect_uri}: {why}",
        fix=_REWRITTEN,
    )


def of_returns(tally: Tally) -> Iterator[Observation]:
    """Who does not share what with whom."""
    found = list(_wrong(tally))
    yield from found
    yield from _of_front(tally)
    if not found:
        instances = {name.partition("/")[0] for name in tally.processes}
        yield ok(
            "public.rounds",
            returns=tally.returns,
            rounds=tally.rounds,
            instances=len(instances),
            processes=len(tally.processes),
        )


def _of_front(tally: Tally) -> Iterator[Observation]:
    """What proxies do to addresses and to answers that take their time."""
    if tally.client:
        believed = tally.client == MADE_UP
        yield verdict("public.forwarded_for", not believed, made_up=MADE_UP, seen=tally.client)
    if tally.slow:
        quote, took = tally.slow
        through = quote in REASONS
        facts = {"quote": quote, "took": f"{took:.0f}", "seconds": SLOW_SECONDS}
        yield verdict("public.slow", through, **facts)


def _wrong(tally: Tally) -> Iterator[Observation]:
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
    if tally.at_once_used:
        yield fault("public.repeated", count=tally.at_once_used)
    if tally.twice:
        yield fault("public.used_states", count=tally.twice)
    if len(tally.settings) > 1:
        ways = "; ".join(" ".join(each) for each in sorted(tally.settings))[:400]
        yield fault("public.instances_differ", count=len(tally.settings), ways=ways)


def _of_outcome(outcome: str, share: str, detail: str, *, some: bool) -> Observation:
    if outcome in RETURNS:
        others = " The others were answered as they should be." if some else ""
        more = f" ({detail})" if detail else ""
        why = f"{REASONS[outcome].operator}{more}{others}"
        return fault(RETURNS[outcome][0], share=share, why=why)
    if outcome in REASONS:
        return _refused(outcome, f"{share} ended with {outcome}", detail)
    if EASY_AUTH in outcome:
        return fault("public.easy_auth", where=outcome.removeprefix("sent to "))
    return fault("public.callback", share=share, outcome=outcome)
