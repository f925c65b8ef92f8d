"""The errors one can choose to meet on the page, each for one sign-in only.

They come back in the redirect (`failure`), or at the token endpoint (`token_failure`, `answer`),
or in the id_token itself (`tamper`), where it is the staff member who signs in.
"""

from dataclasses import dataclass

from .failures import Failure
from .misbehave import Misbehavior, Tamper


@dataclass(frozen=True, slots=True)
class Scenario:
    key: str
    title: str
    outcome: str
    failure: Failure | None = None
    answer: Misbehavior | None = None
    token_failure: Failure | None = None
    tamper: Tamper | None = None

    @property
    def number(self) -> int | None:
        """The AADSTS number that the site gets to see."""
        failure = self.failure or self.token_failure
        return failure.number if failure else None


DENIED = "access_denied"
MARKUP = '<script>alert("x")</script><b>Call +1 555 0100</b>'

IN_THE_REDIRECT = (
    Scenario("cancelled", "Cancel", "The person presses Cancel.", Failure(DENIED)),
    Scenario(
        "declined",
        "Decline consent",
        "The person declines what the app asks for.",
        Failure(DENIED, 65004, "User declined to consent to access the app."),
    ),
    Scenario(
        "consent_required",
        "Consent is missing",
        "Nobody has consented to the app yet.",
        Failure(
            "consent_required",
            65001,
            "The user or administrator has not consented to use the application.",
        ),
    ),
    Scenario(
        "admin_consent_required",
        "An admin must consent",
        "Only an administrator may consent.",
        Failure("consent_required", 90094, "The grant requires admin permission."),
    ),
    Scenario(
        "not_assigned",
        "Not assigned to the app",
        "The tenant requires assignment to the app.",
        Failure(
            DENIED,
            50105,
            "The signed in user is blocked because they are not a direct member of a group with "
            "access, nor had access directly assigned by an administrator.",
        ),
    ),
    Scenario(
        "blocked",
        "Blocked by Conditional Access",
        "A policy blocks this sign-in.",
        Failure(DENIED, 53003, "Access has been blocked by Conditional Access policies."),
    ),
    Scenario(
        "interaction_required",
        "Multi-factor needed",
        "Microsoft requires multi-factor authentication.",
        Failure(
            "interaction_required", 50076, "You must use multi-factor authentication to access."
        ),
    ),
    Scenario(
        "busy",
        "Microsoft is busy",
        "A temporary fault at Microsoft.",
        Failure("temporarily_unavailable", 90033, "A transient error has occurred. Try again."),
    ),
    Scenario(
        "unknown_error",
        "An error nobody knows",
        "An AADSTS number that this site does not know.",
        Failure("server_error", 999999, "Something new."),
    ),
    Scenario(
        "markup",
        "Text that is not harmless",
        "The error text contains HTML and a script, which the site must not show.",
        Failure(DENIED, None, MARKUP),
    ),
)

AT_THE_TOKEN_ENDPOINT = (
    Scenario(
        "secret_expired",
        "Client secret expired",
        "The app's client secret has expired.",
        token_failure=Failure(
            "invalid_client", 7000222, "The provided client secret keys are expired.", 401
        ),
    ),
    Scenario(
        "secret_wrong",
        "Client secret wrong",
        "The site sends a secret that is not the app's.",
        token_failure=Failure("invalid_client", 7000215, "Invalid client secret provided.", 401),
    ),
    Scenario(
        "code_used",
        "Code used twice",
        "The code has already been redeemed.",
        token_failure=Failure(
            "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed."
        ),
    ),
    Scenario(
        "slow",
        "Slow",
        "The token endpoint takes 3 seconds; the sign-in succeeds.",
        answer=Misbehavior(delay=3.0),
    ),
    Scenario(
        "too_slow",
        "Too slow",
        "The token endpoint takes 30 seconds.",
        answer=Misbehavior(delay=30.0),
    ),
    Scenario(
        "down",
        "Down",
        "The token endpoint closes the connection.",
        answer=Misbehavior(close=True),
    ),
    Scenario(
        "throttled",
        "Throttled",
        "429: too many requests, retry after 30 seconds.",
        answer=Misbehavior(status=429, headers={"Retry-After": "30"}),
    ),
    Scenario(
        "server_error",
        "Broken",
        "500, with an HTML page instead of JSON.",
        answer=Misbehavior(status=500, raw="<h1>Oops</h1>", headers={"Content-Type": "text/html"}),
    ),
)

IN_THE_TOKEN = (
    Scenario(
        "bad_signature",
        "Signature is bad",
        "The id_token was altered in transit.",
        tamper=Tamper(signing="bad"),
    ),
    Scenario(
        "other_key",
        "Signed by a stranger",
        "The signing key is not one of Microsoft's.",
        tamper=Tamper(signing="unknown_kid"),
    ),
    Scenario(
        "wrong_nonce",
        "Wrong nonce",
        "The id_token belongs to another sign-in.",
        tamper=Tamper(claims={"nonce": "of-another-sign-in"}),
    ),
    Scenario(
        "wrong_audience",
        "Wrong audience",
        "The id_token was issued to another app.",
        tamper=Tamper(claims={"aud": "44444444-4444-4444-8444-444444444444"}),
    ),
    Scenario(
        "expired_token",
        "Expired",
        "The id_token expired an hour ago.",
        tamper=Tamper(expires_in=-3600),
    ),
)

GROUPS = (
    ("Microsoft sends you back with an error", IN_THE_REDIRECT),
    ("The site's own call to Microsoft fails", AT_THE_TOKEN_ENDPOINT),
    ("The id_token cannot be believed", IN_THE_TOKEN),
)
SCENARIOS = {scenario.key: scenario for _, group in GROUPS for scenario in group}
