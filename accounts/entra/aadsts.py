"""AADSTS numbers: which reason each one is here, and a hint where it says more than the reason.

The numbers and their meaning are from Microsoft's page of AADSTS error codes and its lookup
at the authority's /error?code=NUMBER. Microsoft may change them: they choose words and
fixes, never who gets in. A number that is not here is `microsoft_refused`, with its number.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    reason: str
    numbers: tuple[int, ...]
    hint: str = ""


def span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


TABLE: tuple[Row, ...] = (
    # --- redirect URI ---------------------------------------------------------------------
    Row("redirect_uri_mismatch", (50011, 900971)),
    Row("redirect_uri_mismatch", (500111, 500117), "Use https in PUBLIC_URL."),
    Row("redirect_uri_mismatch", (500115,), "PUBLIC_URL is not a valid address."),
    Row("redirect_uri_mismatch", (500112,), "PUBLIC_URL differs between instances."),
    Row("redirect_uri_mismatch", (500113,), "The app has no redirect URI yet."),
    Row(
        "redirect_uri_mismatch",
        (9002325, 9002326, 9002327),
        "The URI is registered under Single-page application: move it to Web.",
    ),
    Row("misconfigured", (700041,), "Register the address after sign-out as well."),
    Row("misconfigured", (50061, 50068, 50070, 50071), "The sign-out request was not accepted."),
    # --- app and tenant -------------------------------------------------------------------
    Row("client_unknown", (700016, 700011)),
    Row("client_unknown", (70001,), "The app is disabled, or the client id is empty."),
    Row(
        "client_unknown",
        (7000112, 1000031),
        "Enterprise applications > this app > Properties: Enabled for users to sign in.",
    ),
    Row("tenant_not_found", (90002, 900021, 900023, 50059, 50128, 90019, 90107)),
    Row("tenant_not_found", (5000224,), "The tenant was removed or blocked."),
    Row("tenant_not_found", (5000225,), "The tenant is blocked for inactivity: reactivate it."),
    Row(
        "misconfigured",
        (900382, 900432, 90038, 900439, 50049, 90043, 90051),
        "Wrong cloud: set MICROSOFT_LOGIN_URL to the tenant's (https://login.microsoftonline.us,"
        " https://login.partner.microsoftonline.cn).",
    ),
    Row(
        "misconfigured",
        (50194, 9001023, 90124, 90130),
        "Single-tenant app: set MICROSOFT_TENANT_ID to the tenant's GUID.",
    ),
    Row(
        "misconfigured",
        (9002331, 9002346),
        "The app is for personal accounts only: change Supported account types.",
    ),
    Row("misconfigured", (9002332,), "The app is for work accounts: do not use /consumers."),
    Row("misconfigured", (700005,), "The code is for another tenant: MICROSOFT_TENANT_ID changed."),
    Row("misconfigured", (500011, 500014, 50001), "The API that was asked for is missing or off."),
    Row(
        "misconfigured",
        (650052, 650053, 650054, 650056, 650057, 65005, 70011),
        "API permissions of the app: keep openid, profile and email (Microsoft Graph).",
    ),
    # --- who the person is ----------------------------------------------------------------
    Row("wrong_tenant", (50020, 90072), "An account from elsewhere that is not a guest here."),
    Row("wrong_tenant", (500207, 500208, 16000, 16001), "They should choose another account."),
    Row("wrong_tenant", (50034, 51004, 16003), "The account is not in this directory."),
    Row("guest_not_allowed", (50014,), "They have not accepted their invitation yet."),
    Row("microsoft_refused", (16002, 160021), "Their session at Microsoft has ended: again."),
    Row("microsoft_refused", (50053,), "Account locked after wrong passwords, or a bad address."),
    Row("microsoft_refused", (50055, 50144), "Their password has expired: they must change it."),
    Row("microsoft_refused", (50056, 50126), "Wrong password, or none is set."),
    Row("microsoft_refused", (50057,), "Their account is disabled in Entra: Users > Enable."),
    Row("microsoft_refused", (50132, 50133, 50173), "Password changed: they must sign in again."),
    Row("microsoft_refused", (50135,), "Entra demands a password change because of risk."),
    Row("microsoft_refused", (50125,), "They must finish a password reset or registration."),
    Row("wrong_tenant", (500341,), "The account was deleted from the directory."),
    Row("guest_not_allowed", (500571,), "The guest account is disabled in this tenant."),
    Row("wrong_tenant", (50107, 51001), "Their domain is not known to this tenant."),
    Row("microsoft_refused", span(120000, 120021), "The password change at Microsoft failed."),
    Row("not_assigned", (50105,)),
    # --- policy, second factor, device ----------------------------------------------------
    Row("blocked_by_policy", (500212,), "Their home tenant blocks it: cross-tenant access."),
    Row("blocked_by_policy", (500213,), "This tenant blocks it: cross-tenant access settings."),
    Row("blocked_by_policy", (50072, 50079), "They must finish setting up a second factor."),
    Row("blocked_by_policy", (50074, 50076, 50078), "The second factor was not passed."),
    Row("blocked_by_policy", (50087, 50088), "The telephone factor failed: use another one."),
    Row("blocked_by_policy", (50097, 50155, 50129), "A registered device is demanded."),
    Row("blocked_by_policy", (50131, 53003), "Sign-in logs > Conditional Access names the rule."),
    Row("blocked_by_policy", (50177, 50178), "A policy asks for what guests of that kind cannot."),
    Row(
        "blocked_by_policy",
        (530001,),
        "Their browser cannot show that the device is managed: Edge, or Chrome with Microsoft's"
        " extension.",
    ),
    Row("blocked_by_policy", (530004, 530031), "Sign-in logs > Conditional Access names the rule."),
    Row("blocked_by_policy", (130500,), "Signing in by telephone is not allowed to them."),
    Row("blocked_by_policy", (50158,), "An outside check (terms, other factor) was not passed."),
    Row("blocked_by_policy", (53000, 530002, 530003, 53001), "A managed device is demanded."),
    Row("blocked_by_policy", (53002,), "A policy demands an approved app."),
    Row("blocked_by_policy", (53004, 53010), "Set the second factor up from a trusted place."),
    Row("blocked_by_policy", (53011, 530032), "Risk at the home tenant, or a security policy."),
    Row("blocked_by_policy", (530035,), "Security defaults block it."),
    Row("blocked_by_policy", (70043,), "Sign-in frequency: they must sign in afresh."),
    Row("blocked_by_policy", (500021, 500022, 50002), "Their network's proxy restricts tenants."),
    Row("blocked_by_policy", (50127, 53009, 530021), "A policy demands a protected or broker app."),
    Row("blocked_by_policy", (50187, 530084), "The device did not identify itself as demanded."),
    Row("blocked_by_policy", (530034, 54000), "The account itself is blocked: age, or risk."),
    Row("microsoft_refused", (50058,), "No session at Microsoft, and no page was allowed."),
    Row("microsoft_refused", (50140, 50199), "An interruption at Microsoft: try again."),
    Row("misconfigured", (50143, 90005), "The request hints at another domain or account."),
    Row("misconfigured", (75011,), "Another way of signing in was demanded than used."),
    Row(
        "misconfigured",
        (75001, 75003, 75005, 75008, 75016),
        "The enterprise application is set up for SAML: register one for OpenID Connect.",
    ),
    Row("misconfigured", (501241,), "The app's claims mapping lacks an input: see its policy."),
    Row("microsoft_throttled", (50196,), "Something signs in in a loop."),
    Row("state_expired", (50089,), "They stayed on Microsoft's page for too long."),
    # --- the organization's own sign-in ---------------------------------------------------
    Row(
        "microsoft_refused",
        (*span(130004, 130008), 135010),
        "Their key (Windows Hello, passkey) is not known: register it again.",
    ),
    Row("microsoft_refused", (50017, 50192), "Their certificate (smart card) was not accepted."),
    Row("microsoft_refused", (50085,), "Their own provider wants them to sign in there again."),
    Row("microsoft_refused", span(80001, 80014), "Pass-through authentication: see its agents."),
    Row("microsoft_refused", span(81004, 81012), "Seamless sign-on (Kerberos) failed."),
    Row("microsoft_refused", (20001, 20012, 20033), "The federated identity provider failed."),
    Row("microsoft_refused", (40008, 40009, 40010, 40015), "An outside identity provider failed."),
    Row("microsoft_refused", (50120, 50161, 399284), "The federated identity provider failed."),
    # --- consent --------------------------------------------------------------------------
    Row("consent_required", (65001, 90008, 90093, 90094)),
    Row("consent_required", (650051,), "The tenant is unmanaged: an admin must verify its domain."),
    Row("consent_required", (90095,), "A request for approval was sent to the admins."),
    Row("cancelled", (65004,), "They declined the permissions."),
    # --- client authentication ------------------------------------------------------------
    Row("client_secret_wrong", (7000215, 70002)),
    Row(
        "client_secret_wrong",
        (7000216, 7000218),
        "No secret was sent, or the app is a public client.",
    ),
    Row("client_secret_expired", (7000222,)),
    Row("misconfigured", (700025,), "Public client: register the redirect URI under Web."),
    Row(
        "client_credential_refused",
        (700027,),
        "The certificate is not registered with this app, or its key is another one: compare the"
        " thumbprint with Certificates & secrets > Certificates.",
    ),
    Row(
        "client_credential_refused",
        (700024,),
        "The assertion is outside its time: compare this server's clock, and see whether the"
        " cluster still renews the token file.",
    ),
    Row("client_credential_refused", (700030,), "The certificate's subject is not accepted."),
    Row(
        "client_credential_refused",
        (700021, 700022, 700023, 700026, 500133, 50012, 50013, 50027, 50048),
        "The assertion's form, client id or signature was not accepted.",
    ),
    Row("client_credential_refused", (700211,), "No federated credential has this issuer."),
    Row("client_credential_refused", (700212,), "No federated credential has this audience."),
    Row(
        "client_credential_refused",
        (700213, 7002131, 7002137),
        "No federated credential has this subject: that of another identity, slot or service"
        " account is entered.",
    ),
    Row(
        "client_credential_refused",
        (7002138,),
        "The federated credential's subject differs in upper and lower case: copy it exactly.",
    ),
    Row(
        "client_credential_refused",
        (70021, 7000226),
        "No federated credential fits; a new one takes minutes to reach all of Microsoft.",
    ),
    Row(
        "client_credential_refused",
        (700222, 700229),
        "Entra's own tokens are taken from a user-assigned managed identity only.",
    ),
    Row("misconfigured", (1002012,), "The client credentials grant asks for CLIENT_ID/.default."),
    Row(
        "misconfigured",
        (50146,),
        "The app's claims are mapped, so it needs a signing key of its own: set"
        " acceptMappedClaims in its manifest, or give it the key.",
    ),
    # --- the code -------------------------------------------------------------------------
    Row("state_already_used", (54005,)),
    Row("state_expired", (70008, 700082), "The code has expired."),
    Row("session_changed", (501481, 50148), "The code belongs to another sign-in (PKCE)."),
    Row("microsoft_refused", (70000, 9002313), "The code was not one that Microsoft issued."),
    Row("microsoft_refused", (900561,), "Back button or bookmark on Microsoft's page: again."),
    Row("misconfigured", (700054,), "The app was asked for an id_token: response_type=code."),
    Row(
        "misconfigured",
        (90056, 90014, 900144, 90100, 9000410, 9000411, 90009, 90010, 90015, 90023, 901002, 90027),
        "Microsoft does not accept the form of our request.",
    ),
    Row("misconfigured", (70003, 70004, 70005, 70007, 700009, 240002), "A parameter is wrong."),
    Row("misconfigured", (50147, 501471, 501491), "The code challenge (PKCE) was not accepted."),
    Row(
        "misconfigured",
        (501461,),
        "The app has a claims mapping: set acceptMappedClaims, or a custom signing key.",
    ),
    # --- Microsoft's own problems ----------------------------------------------------------
    Row(
        "microsoft_unreachable",
        (50000, 50033, 90006, 90012, 90024, 90033, 90036, 90090, 90091, 70012),
        "A passing fault at Microsoft.",
    ),
    Row("microsoft_unreachable", (50003,), "Keys are changing; if it lasts: custom signing keys."),
    Row("microsoft_throttled", (50166, 90055)),
)
