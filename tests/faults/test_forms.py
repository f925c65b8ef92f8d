"""Forms that are refused, cookies that come twice, and what browsers only claim."""

from allauth.socialaccount.models import SocialAccount

from accounts.models import User
from tests.emulator.ids import OTHER_TENANT, TENANT
from tests.faults.fault import Fault, fault
from tests.faults.stage import Stage
from tests.support.visitor import CALLBACK, LOGIN, query_of


def pressed(stage: Stage, origin: str = "", **changes: str) -> str:
    """The button, with another Origin or other fields than a browser would send."""
    browser = stage.browser()
    address, fields = browser.get(LOGIN).form()
    headers = {"Origin": origin or stage.url}
    sent = {name: value for name, value in (fields | changes).items() if value}
    return stage.outcome(browser.post(address, sent, headers=headers), browser)


@fault(
    "A form comes from another site",
    page="form_refused",
    record="origin: the form came from another site",
    doctor="refusals.form_refused",
    says="came from another site",
)
def form_from_elsewhere(stage: Stage) -> str:
    """Its Origin is not this site's, as with a forged form, or a proxy that changes addresses."""
    return pressed(stage, "https://intranet.example")


@fault(
    "The browser hides where a form came from",
    page="form_refused",
    record="origin: the browser does not say",
    doctor="refusals.form_refused",
    says="does not say where the form came from",
)
def hidden_origin(stage: Stage) -> str:
    """Origin: null, as an add-on or a sandboxed frame makes it."""
    return pressed(stage, "null")


@fault(
    "A form arrives without its token",
    page="form_refused",
    record="token: none in the form",
    doctor="refusals.form_refused",
    says="none in the form",
)
def form_without_token(stage: Stage) -> str:
    """It was cut short on its way, or is not from a page of this site."""
    return pressed(stage, csrfmiddlewaretoken="")


@fault(
    "A form has the token of cookies that are gone",
    page="form_refused",
    record="token: of another cookie",
    doctor="refusals.form_refused",
    says="of another cookie than the one sent",
)
def token_of_another_cookie(stage: Stage) -> str:
    """The login page was open when the cookies were cleared, and was opened anew beside it."""
    return pressed(stage, csrfmiddlewaretoken="a" * 64)


@fault(
    "The CSRF cookie does not come back",
    page="form_refused",
    record="cookie: the CSRF cookie was not sent",
    doctor="refusals.form_refused",
    says="the CSRF cookie was not sent",
)
def no_csrf_cookie(stage: Stage) -> str:
    """The browser keeps no cookies: the button is pressed without the one of its page."""
    browser = stage.browser()
    address, fields = browser.get(LOGIN).form()
    browser.http.cookies.clear()
    return stage.outcome(browser.post(address, fields), browser)


@fault(
    "Another app sets a CSRF cookie of the same name",
    page="form_refused",
    record="sent twice",
    doctor="refusals.form_refused",
    says="sent twice",
)
def csrf_cookie_twice(stage: Stage) -> str:
    """Both come with the form, and nothing says whose is whose."""
    browser = stage.browser()
    address, fields = browser.get(LOGIN).form()
    browser.http.cookies.set("csrftoken", "b" * 32, domain="localhost.local", path="/accounts")
    return stage.outcome(browser.post(address, fields), browser)


@fault(
    "Another app sets a session cookie of the same name, for a longer path",
    page="session_not_found",
    record="sent twice",
    doctor="refusals.session_not_found",
    says="another app on this host or domain sets one of the same name",
)
def session_cookie_twice(stage: Stage) -> str:
    """Both come back from Microsoft with the person, and neither is believed."""
    browser = stage.browser()

    def plant() -> None:
        browser.http.cookies.set("sessionid", "x", domain="localhost.local", path="/accounts")

    return stage.sign_in(browser=browser, between=plant)


@fault(
    "A sign-in of before another one ends as someone else",
    page="session_changed",
    record="ended as someone else",
    doctor="refusals.session_changed",
    says="begun before the sign-in of this browser",
)
def ended_as_someone_else(stage: Stage) -> str:
    """Two tabs of one browser, two people: the second comes back after the first is in."""
    browser = stage.browser()
    first, second = browser.press_button(), browser.press_button()
    assert browser.come_back(browser.choose(first, "staff")).status == 302
    return stage.outcome(browser.come_back(browser.choose(second, "editor")), browser)


# --- what a browser claims -----------------------------------------------------------------------


def claims(number: int, error: str, sentence: str, set_up: str, page: str, says: str = "") -> Fault:
    """An error on the way back through the browser; `number` 0 is none."""
    text = f"AADSTS{number}: Microsoft's words." if number else ""
    said = {"error": error, "error_description": text}
    part = f"AADSTS{number}" if number else f"error={error}"
    return Fault(
        sentence,
        set_up,
        before=lambda stage: stage.emulator.redirect_with(set=said, drop=["code", "session_state"]),
        page=page,
        record=part,
        log='"source": "browser"',
        doctor=f"refusals.{page}",
        says=says or part,
    )


claimed_secret_expired = claims(
    7000222, "invalid_client", "The browser brings AADSTS7000222",
    "Anyone can write that into the address; the secret is good.", "microsoft_refused",
)  # fmt: skip
claimed_redirect_uri = claims(
    50011, "invalid_request", "The browser brings AADSTS50011",
    "A made-up answer: Microsoft shows that on a page of its own.", "microsoft_refused",
)  # fmt: skip
own_signing_key_missing = claims(
    50146, "invalid_request", "The app's claims are mapped, and it has no signing key of its own",
    "Microsoft sends people back with AADSTS50146.", "microsoft_refused",
    "so it needs a signing key of its own: set acceptMappedClaims in its manifest",
)  # fmt: skip
claimed_outage = claims(
    0, "temporarily_unavailable", "Microsoft's own page fails",
    "It sends the person back with temporarily_unavailable.", "microsoft_refused",
)  # fmt: skip
claimed_server_error = claims(
    0, "server_error", "Microsoft's own page has an error",
    "It sends the person back with server_error.", "microsoft_refused",
)  # fmt: skip
admin_consent = claims(
    90094, "consent_required", "Only an administrator may consent to the app",
    "Microsoft sends the person back with AADSTS90094.", "consent_required",
)  # fmt: skip
device_not_managed = claims(
    530003, "interaction_required", "The person's device is not managed",
    "Microsoft sends the person back with AADSTS530003.", "blocked_by_policy",
)  # fmt: skip
second_factor_missing = claims(
    50079, "interaction_required", "The person has not set up a second factor",
    "Microsoft sends the person back with AADSTS50079.", "blocked_by_policy",
)  # fmt: skip
guest_account_disabled = claims(
    500571, "access_denied", "The guest's account is disabled in this tenant",
    "Microsoft sends the person back with AADSTS500571.", "guest_not_allowed",
)  # fmt: skip


@fault(
    "A host and a mark that somebody made up",
    page="misconfigured",
    record="the request still has another host",
    log='"source": "browser"',
    doctor="refusals.claimed",
    says="another host",
)
def made_up_host(stage: Stage) -> str:
    """Host: set-trusted-proxy-count.example, with the mark of our own redirect."""
    browser = stage.browser(Host="set-trusted-proxy-count.example")
    return stage.outcome(browser.get(f"{LOGIN}?origin_checked=1"), browser)


@fault(
    "The answer names an issuer that we did not ask",
    page="token_invalid",
    record="iss parameter",
    log='"source": "browser"',
    doctor="refusals.claimed",
    says="not the issuer we asked",
)
def another_issuer_answers(stage: Stage) -> str:
    """A mix-up attack: iss in the address is another authority's (RFC 9207)."""
    stage.emulator.redirect_with(iss="wrong")
    return stage.sign_in()


@fault(
    "A parameter of the answer comes twice",
    page="state_not_ours",
    record="a parameter is repeated",
    doctor="refusals.state_not_ours",
    says="a parameter is repeated",
)
def repeated_parameter(stage: Stage) -> str:
    """A proxy or an attacker has doubled the state."""
    stage.emulator.redirect_with(repeat=["state"])
    return stage.sign_in()


@fault(
    "The answer has neither a code nor an error",
    page="microsoft_refused",
    record="neither code nor error",
    doctor="refusals.microsoft_refused",
    says="neither code nor error",
)
def answer_without_code(stage: Stage) -> str:
    """A firewall has taken the code out of the address."""
    browser = stage.browser()
    state = query_of(browser.press_button())["state"]
    return stage.outcome(browser.get(CALLBACK, params={"state": state}), browser)


# --- whose words were false ----------------------------------------------------------------------


def _bound_elsewhere(stage: Stage) -> None:
    user = User.objects.get(email="staff@contoso.example")
    uid = f"{OTHER_TENANT}:of-the-former-tenant"
    SocialAccount.objects.create(provider="microsoft", uid=uid, user=user)


tenant_moved = Fault(
    "The organization has moved to another tenant",
    "The same people and addresses, every object id new.",
    before=_bound_elsewhere,
    page="identity_conflict",
    record="has the organization moved to this one?",
    doctor="refusals.identity_conflict",
    says=f"bound in tenant {OTHER_TENANT}",
)

no_domain_listed = Fault(
    "Two tenants may sign in, and nobody has listed their domains",
    "After a merger: MICROSOFT_ALLOWED_TENANTS has both, the Microsoft app has no domains.",
    env={
        "MICROSOFT_TENANT_ID": "organizations",
        "MICROSOFT_ALLOWED_TENANTS": f"{TENANT},{OTHER_TENANT}",
    },
    page="email_not_owned",
    record="no domain is listed",
    doctor="refusals.email_not_owned",
    says="no domain is listed for the person's tenant",
)

unknown_client_error = Fault(
    "Microsoft refuses the app's key with a number that nobody knows",
    "The token endpoint answers invalid_client and AADSTS1234567.",
    before=lambda stage: stage.emulator.answer_token(
        status=401,
        body={"error": "invalid_client", "error_description": "AADSTS1234567: Something new."},
    ),
    page="client_secret_wrong",
    record="AADSTS1234567",
    log='"source": "microsoft"',
    doctor="refusals.client_secret_wrong",
    says="AADSTS1234567",
)
