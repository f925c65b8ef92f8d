"""Microsoft: away, slow, throttling, broken, with another clock, or saying no."""

from tests.emulator.person import meet
from tests.faults.fault import ONLINE, fault
from tests.faults.stage import Stage, outcome
from tests.servers.ports import free_port


@fault(
    "Microsoft cannot be reached",
    page="microsoft_unreachable",
    doctor="online.discovery",
    says="cannot be used",
    ask=ONLINE,
)
def microsoft_down(stage: Stage) -> str:
    """MICROSOFT_LOGIN_URL leads to where nothing answers: a firewall, or the wrong cloud."""
    stage.start(MICROSOFT_LOGIN_URL=f"http://localhost:{free_port()}", REDIS_URL=_fresh(stage))
    return stage.sign_in()


def _fresh(stage: Stage) -> str:
    """No discovery document or key that another site has kept in Redis."""
    return stage.redis().url


@fault(
    "Microsoft goes away while people are there",
    page="microsoft_unreachable",
    doctor="online.discovery",
    says="cannot be used",
    ask=ONLINE,
    alone=True,
)
def microsoft_goes_down(stage: Stage) -> str:
    """Connections are refused from when the person has signed in at Microsoft."""
    stage.start()
    return stage.sign_in(between=stage.emulator.down)


@fault(
    "Microsoft accepts connections and answers nothing",
    page="microsoft_unreachable",
    doctor="online.secret",
    says="could not be asked",
    ask=ONLINE,
    alone=True,
)
def microsoft_hangs(stage: Stage) -> str:
    """The token endpoint hangs; the page comes within the time that a sign-in may wait."""
    stage.start()
    stage.emulator.answer_token(hang=True)
    return stage.sign_in()


@fault(
    "Microsoft throttles",
    page="microsoft_throttled",
    doctor="online.secret",
    says="could not be asked",
    ask=ONLINE,
    alone=True,
)
def microsoft_throttles(stage: Stage) -> str:
    """The token endpoint answers 429 with Retry-After."""
    stage.emulator.answer_token(status=429, headers={"Retry-After": "30"})
    return stage.sign_in()


@fault(
    "The discovery document is broken",
    page="microsoft_unreachable",
    doctor="online.discovery",
    says="cannot be used",
    ask=ONLINE,
    alone=True,
)
def discovery_broken(stage: Stage) -> str:
    """A proxy on the way answers with a page of HTML."""
    stage.emulator.answer_discovery(raw="<h1>Sign in to the proxy</h1>")
    stage.start(REDIS_URL=_fresh(stage))
    return stage.sign_in()


@fault(
    "Microsoft's keys cannot be read",
    page="microsoft_unreachable",
    doctor="online.keys",
    says="Microsoft's keys cannot be read",
    ask=ONLINE,
    alone=True,
)
def keys_broken(stage: Stage) -> str:
    """The keys' address answers 500."""
    stage.emulator.answer_jwks(status=500)
    stage.start(REDIS_URL=_fresh(stage))
    return stage.sign_in()


@fault(
    "The clocks are ten minutes apart",
    page="token_invalid",
    doctor="clock.microsoft",
    says="Microsoft's clock is 600 s ahead of ours",
    ask=ONLINE,
    alone=True,
)
def clock_off(stage: Stage) -> str:
    """The emulator's clock is ten minutes ahead, in tokens and in the Date header."""
    stage.emulator.set_clock_offset(600)
    return stage.sign_in()


@fault(
    "A token is meant for another app",
    page="token_invalid",
    doctor="refusals.token_invalid",
    says="aud",
    alone=True,
)
def wrong_audience(stage: Stage) -> str:
    """The id_token's aud is another client ID."""
    stage.emulator.tamper(claims={"aud": "44444444-4444-4444-8444-444444444444"})
    return stage.sign_in()


def _meet(stage: Stage, error: str) -> str:
    browser = stage.browser()
    return outcome(browser.come_back(meet(browser.press_button(), error, quick=True)), browser)


@fault(
    "Nobody has consented to the app",
    page="consent_required",
    doctor="refusals.consent_required",
    says="consent",
)
def no_consent(stage: Stage) -> str:
    """Microsoft sends the person back with AADSTS65001."""
    return _meet(stage, "consent_required")


@fault(
    "The person is not assigned to the app",
    page="not_assigned",
    doctor="refusals.not_assigned",
    says="Assignment",
)
def not_assigned(stage: Stage) -> str:
    """Assignment is required, and Microsoft answers AADSTS50105."""
    return _meet(stage, "not_assigned")


@fault(
    "Conditional Access blocks the sign-in",
    page="blocked_by_policy",
    doctor="refusals.blocked_by_policy",
    says="Conditional Access",
)
def conditional_access(stage: Stage) -> str:
    """Microsoft sends the person back with AADSTS53003."""
    return _meet(stage, "blocked")


@fault(
    "Microsoft answers with an error that nobody knows",
    page="microsoft_unreachable",
    doctor="refusals.microsoft_unreachable",
    says="AADSTS999999",
)
def unknown_error(stage: Stage) -> str:
    """A number that is in no list, AADSTS999999."""
    return _meet(stage, "unknown_error")
