"""The pages that people see, in plain HTML: no script, nothing from elsewhere, all escaped."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from .asked import Asked
from .failures import Failure
from .people import Person
from .scenarios import GROUPS, Scenario
from .wire import NO_STORE, Response

STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    **NO_STORE,
}


def choose(people: Iterable[Person], asked: Asked) -> Response:
    """Whom to be, or what to meet. The request stays in the address that the form posts to."""
    site = escape(urlsplit(asked.redirect_uri).netloc)
    listed = [person for person in people if person.listed]
    errors = "".join(_group(title, group) for title, group in GROUPS)
    return _page(
        "Sign in",
        f"""<h1>Whom do you want to be?</h1>
<p class="lead">You are signing in to <strong>{site}</strong>.
Choose a person, and see what the site makes of them.</p>
<form method="post">
<section aria-labelledby="people"><h2 id="people">People</h2>
{_people("These get in", [person for person in listed if person.gets_in])}
{_people("These are refused", [person for person in listed if not person.gets_in])}</section>
<section aria-labelledby="errors"><h2 id="errors">Or something that goes wrong</h2>
<p class="hint">Each concerns this one sign-in only.</p>
{errors}</section>
</form>""",
    )


def _people(title: str, people: Iterable[Person]) -> str:
    return f"<h3>{escape(title)}</h3><ul>{''.join(_person(person) for person in people)}</ul>"


def _person(person: Person) -> str:
    initials = "".join(word[0] for word in person.name.split()[:2]).upper()
    kind = "in" if person.gets_in else "out"
    address = person.email or person.preferred_username or "no email address"
    return f"""<li><button class="person {kind}" name="person" value="{escape(person.key)}">
<span class="face" aria-hidden="true">{escape(initials)}</span>
<span class="who"><span class="name">{escape(person.name)}</span>
<span class="email">{escape(address)}</span>
<span class="outcome">{escape(person.outcome)}</span></span></button></li>"""


def _group(title: str, scenarios: Iterable[Scenario]) -> str:
    buttons = "".join(_scenario(scenario) for scenario in scenarios)
    return f"<h3>{escape(title)}</h3><ul>{buttons}</ul>"


def _scenario(scenario: Scenario) -> str:
    number = f'<span class="number">AADSTS{scenario.number}</span>' if scenario.number else ""
    return f"""<li><button class="error" name="error" value="{escape(scenario.key)}">
<span class="name">{escape(scenario.title)}</span>
<span class="outcome">{escape(scenario.outcome)}</span>{number}</button></li>"""


def stopped(failure: Failure, now: float) -> Response:
    """As Entra: some errors end here and never reach the site."""
    fields = failure.fields(now)
    return _page(
        "Sorry, but we’re having trouble signing you in",
        f"""<h1>This sign-in stops here</h1>
<p class="lead">Microsoft would stop on its own page, too: it does not send people back to an
address that it cannot trust.</p>
<pre class="trouble">{escape(fields["error_description"])}</pre>""",
        400,
    )


def no_such(kind: str, key: str) -> Response:
    return _page("No such choice", f"<h1>No such {escape(kind)}: {escape(key)}</h1>", 400)


def signed_out(ignored: str = "") -> Response:
    note = (
        "<p>The address to return to is not registered, so you stay here. AADSTS700041</p>"
        if ignored
        else "<p>You may close this window.</p>"
    )
    return _page("Signed out", f"<h1>You signed out of your account</h1>{note}")


def home(base: str, discovery: str) -> Response:
    link = escape(f"{base}/{discovery}")
    return _page(
        "Local Entra ID",
        f"""<h1>A local Microsoft Entra ID</h1>
<p class="lead">Nothing to see here: open the site, and press its sign-in button.</p>
<p>Programs start at <a href="{link}">{link}</a></p>""",
    )


def not_found() -> Response:
    return _page("Not found", "<h1>There is nothing at this address</h1>", 404)


def _page(title: str, content: str, status: int = 200) -> Response:
    html = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(title)} – local Entra ID</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>{STYLE}</style>
</head>
<body>
<header><p><strong>Local emulator</strong> of Microsoft’s sign-in. This is not Microsoft:
nobody is asked for a password, and it runs on this machine only.</p></header>
<main>{content}</main>
</body>
</html>
"""
    return Response(status, html.encode(), HEADERS)
