"""The token endpoint's answers, and what is in the tokens: each names its own cause."""

from typing import Any

from tests.emulator.ids import CLIENT_ID, TENANT
from tests.faults.fault import ONLINE, Fault
from tests.faults.stage import Stage


def says_no(number: int, error: str, sentence: str, set_up: str, page: str, says: str) -> Fault:
    """The token endpoint answers with this number."""
    body = {"error": error, "error_description": f"AADSTS{number}: so.", "error_codes": [number]}
    return Fault(
        sentence,
        f"{set_up} The token endpoint answers AADSTS{number}.",
        before=lambda stage: stage.emulator.answer_token(status=400, body=body),
        page=page,
        record=f"AADSTS{number}",
        doctor=f"refusals.{page}",
        says=says,
    )


public_client = says_no(
    7000218, "invalid_client", "The app is registered as a public client",
    "Allow public client flows is on.", "client_secret_wrong",
    "No secret was sent, or the app is a public client",
)  # fmt: skip
single_page = says_no(
    9002325, "invalid_request", "The redirect URI is registered as a single-page application's",
    "It stands under Single-page application.", "redirect_uri_mismatch",
    "The URI is registered under Single-page application: move it to Web",
)  # fmt: skip
switched_off = says_no(
    7000112, "unauthorized_client", "The enterprise application is switched off",
    "Enabled for users to sign in is No.", "client_unknown",
    "Properties: Enabled for users to sign in",
)  # fmt: skip
single_tenant = says_no(
    50194, "invalid_request", "A single-tenant app is asked as one of several tenants",
    "MICROSOFT_TENANT_ID is organizations, the app's audience one tenant.", "misconfigured",
    "Single-tenant app: set MICROSOFT_TENANT_ID to the tenant's GUID",
)  # fmt: skip
for_saml = says_no(
    75005, "invalid_request", "The enterprise application is set up for SAML",
    "A gallery app was made where a registration is wanted.", "misconfigured",
    "is set up for SAML: register one for OpenID Connect",
)  # fmt: skip
other_cloud = says_no(
    90043, "invalid_request", "The tenant is in a national cloud",
    "MICROSOFT_LOGIN_URL is the public cloud's.", "misconfigured",
    "Wrong cloud: set MICROSOFT_LOGIN_URL",
)  # fmt: skip
users_may_not_consent = says_no(
    90093, "invalid_grant", "People may not consent themselves",
    "The tenant leaves consent to administrators.", "consent_required", "Grant admin consent",
)  # fmt: skip


def carries(sentence: str, set_up: str, page: str, says: str, **tamper: Any) -> Fault:
    """The id_token is another than Entra's usual one."""
    return Fault(
        sentence,
        set_up,
        before=lambda stage: stage.emulator.tamper(**tamper),
        page=page,
        doctor=f"refusals.{page}",
        says=says,
    )


of_v1 = carries(
    "A token of v1.0 comes", "Its issuer is sts.windows.net.", "token_invalid",
    "sts.windows.net means a v1.0 token",
    claims={"iss": f"https://sts.windows.net/{TENANT}/"},
)  # fmt: skip
mapped_claim = carries(
    "A claims mapping gives the address as a list", "email is a list of one.", "token_invalid",
    "A claims mapping gives that claim another form",
    claims={"email": ["staff@contoso.example"]},
)  # fmt: skip
no_object_id = carries(
    "A token without an object ID comes", "What answers is another identity provider.",
    "token_invalid", "does not give what Entra ID gives", drop=["oid"],
)  # fmt: skip
upn_only = carries(
    "The token has no address, and the user name is no address of anybody here",
    "The optional claim email is missing, preferred_username is a guest's.", "unknown_user",
    "the token has no email claim, so preferred_username counted",
    claims={"email": None, "preferred_username": "anna_x.example#EXT#@contoso.example"},
)  # fmt: skip
spaced_address = carries(
    "The address at Microsoft ends in a space", "Mail in Entra was typed with one.",
    "unknown_user", "at Microsoft it begins or ends with a space",
    claims={"email": "staff@contoso.example "},
)  # fmt: skip
no_id_token = Fault(
    "Microsoft's answer holds no id_token",
    "What answers is no OpenID provider, or a gateway takes it out.",
    before=lambda stage: stage.emulator.answer_token(omit=["id_token"]),
    page="token_invalid",
    record="id_token: missing",
    doctor="refusals.token_invalid",
    says="does not give what Entra ID gives",
)


def _swapped(stage: Stage) -> dict[str, str]:
    redis = stage.redis().url  # without the metadata that another site has kept
    return {
        "MICROSOFT_TENANT_ID": CLIENT_ID, "MICROSOFT_CLIENT_ID": TENANT, "REDIS_URL": redis,
    }  # fmt: skip


swapped = Fault(
    "Tenant and client ID are swapped",
    "MICROSOFT_TENANT_ID has the app's, MICROSOFT_CLIENT_ID the tenant's.",
    env=_swapped,
    page="tenant_not_found",
    record="AADSTS90002",
    doctor="online.discovery",
    says="The client id is a tenant's: the two are swapped",
    ask=ONLINE,
)
