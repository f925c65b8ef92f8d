"""Microsoft: away, slow, throttling, broken, with another clock, or saying no."""

from tests.faults.fault import ONLINE, Fault
from tests.faults.stage import UNKNOWN, Stage
from tests.servers.ports import free_port

microsoft_down = Fault(
    "Microsoft cannot be reached",
    "MICROSOFT_LOGIN_URL leads to where nothing answers: a firewall, or the wrong cloud.",
    env=lambda stage: {
        "MICROSOFT_LOGIN_URL": f"http://localhost:{free_port()}",
        "REDIS_URL": _fresh(stage),
    },
    page="microsoft_unreachable",
    doctor="online.discovery",
    says="cannot be used",
    ask=ONLINE,
)


def _fresh(stage: Stage) -> str:
    """No discovery document or key that another site has kept in Redis."""
    return stage.redis().url


microsoft_goes_down = Fault(
    "Microsoft goes away while people are there",
    "Connections are refused from when the person has signed in at Microsoft.",
    workers=1,
    between=lambda stage: stage.emulator.down(),
    page="microsoft_unreachable",
    doctor="online.discovery",
    says="cannot be used",
    ask=ONLINE,
)

microsoft_hangs = Fault(
    "Microsoft accepts connections and answers nothing",
    "The token endpoint hangs; the page comes within the time that a sign-in may wait.",
    before=lambda stage: stage.emulator.answer_token(hang=True),
    workers=1,
    page="microsoft_unreachable",
    doctor="online.secret_unclear",
    says="could not be checked",
    ask=ONLINE,
)

microsoft_throttles = Fault(
    "Microsoft throttles",
    "The token endpoint answers 429 with Retry-After.",
    before=lambda stage: stage.emulator.answer_token(status=429, headers={"Retry-After": "30"}),
    page="microsoft_throttled",
    doctor="online.secret_unclear",
    says="could not be checked",
    ask=ONLINE,
)

discovery_broken = Fault(
    "The discovery document is broken",
    "A proxy on the way answers with a page of HTML.",
    before=lambda stage: stage.emulator.answer_discovery(raw="<h1>Sign in to the proxy</h1>"),
    env=lambda stage: {"REDIS_URL": _fresh(stage)},
    page="microsoft_unreachable",
    doctor="online.discovery",
    says="cannot be used",
    ask=ONLINE,
)

keys_broken = Fault(
    "Microsoft's keys cannot be read",
    "The keys' address answers 500.",
    before=lambda stage: stage.emulator.answer_jwks(status=500),
    env=lambda stage: {"REDIS_URL": _fresh(stage)},
    page="microsoft_unreachable",
    doctor="online.keys",
    says="Microsoft's keys cannot be read",
    ask=ONLINE,
)

clock_off = Fault(
    "The clocks are ten minutes apart",
    "The emulator's clock is ten minutes ahead, in tokens and in the Date header.",
    before=lambda stage: stage.emulator.set_clock_offset(600),
    page="token_invalid",
    doctor="clock.microsoft",
    says="Microsoft's clock is 600 s ahead of ours",
    ask=ONLINE,
)

wrong_audience = Fault(
    "A token is meant for another app",
    "The id_token's aud is another client ID.",
    before=lambda stage: stage.emulator.tamper(claims={"aud": UNKNOWN}),
    page="token_invalid",
    doctor="refusals.token_invalid",
    says="aud",
)

no_consent = Fault(
    "Nobody has consented to the app",
    "Microsoft sends the person back with AADSTS65001.",
    error="consent_required",
    page="consent_required",
    doctor="refusals.consent_required",
    says="consent",
)

not_assigned = Fault(
    "The person is not assigned to the app",
    "Assignment is required, and Microsoft answers AADSTS50105.",
    error="not_assigned",
    page="not_assigned",
    doctor="refusals.not_assigned",
    says="Assignment",
)

conditional_access = Fault(
    "Conditional Access blocks the sign-in",
    "Microsoft sends the person back with AADSTS53003.",
    error="blocked",
    page="blocked_by_policy",
    doctor="refusals.blocked_by_policy",
    says="Conditional Access",
)

unknown_error = Fault(
    "Microsoft answers with an error that nobody knows",
    "A number that is in no list, AADSTS999999.",
    error="unknown_error",
    page="microsoft_refused",
    doctor="refusals.microsoft_refused",
    says="AADSTS999999",
)
