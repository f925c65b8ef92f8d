"""The table of reasons: why a sign-in was refused, and what to change.

The refusal page, the sign-in record, the log, docs/reasons.md and `doctor` all read it. `title` and
`person` are the page's words, and translated; `operator` and `fix` are for operators and admins;
`fixer` is who can fix it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from django.utils.translation import gettext_lazy as _

from .display.naming import as_set_here

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Fixer = Literal["person", "admin", "operator", "microsoft"]
Source = Literal["here", "microsoft", "browser"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of refusal; `source` is where the facts behind it usually come from."""

    group: str
    source: Source
    status: int  # of the page, in HTTP
    code: str
    title: str | _StrPromise
    person: str | _StrPromise
    operator: str
    fix: str
    fixer: Fixer


class Refused(Exception):
    """A sign-in is refused, for this reason.

    `detail` is for the record and the log only, and never has a secret, token, code, state, or text
    from Microsoft. `source` is where the facts come from: seen here, said by Microsoft to this
    site, or claimed by the browser, which anyone can make up. `aadsts` is a number matched in
    Microsoft's answer. `retry_after` is in seconds. `user_id` is the user concerned. `cause` names
    a case of the reason with a title and words of its own, in CAUSES.
    """

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        source: Source | None = None,
        aadsts: int | None = None,
        retry_after: int | None = None,
        user_id: Any = None,
        cause: str = "",
    ) -> None:
        super().__init__(code)
        self.reason = REASONS[code]
        self.detail = as_set_here(detail)
        self.source = source or self.reason.source
        self.aadsts = aadsts
        self.retry_after = retry_after
        self.user_id = user_id
        self.cause = cause


_person = partial(Reason, "person", "microsoft", 403)
_state = partial(Reason, "state", "browser", 400)
_microsoft = partial(Reason, "microsoft", "microsoft", 403)
_configuration = partial(Reason, "configuration", "here", 503)
_token = partial(Reason, "token", "microsoft", 403)
_reach = partial(Reason, "reach", "here", 503)
_session = partial(Reason, "session", "browser", 403)
_internal = partial(Reason, "us", "here")

_TABLE = (
    _person(
        "unknown_user",
        _("You do not have an account here"),
        _(
            "You signed in to Microsoft, but nobody with your email address has an account on"
            " this site. If you have a second Microsoft account, try again with that one;"
            " otherwise ask an administrator to add you."
        ),
        "Microsoft vouched for the person; no user here has their email address.",
        "Add them: ./manage.py staff add EMAIL, or Users > Add in admin. The email must equal"
        " the one in the record.",
        "admin",
    ),
    _person(
        "user_inactive",
        _("Your account is switched off"),
        _("Your account on this site is inactive. Ask an administrator to switch it on again."),
        "The matching user has is_active off.",
        "./manage.py staff reactivate EMAIL, or tick Active on the person's page in admin.",
        "admin",
    ),
    _person(
        "user_not_staff",
        _("Your account may not use this area"),
        _(
            "You have an account here, but it is not a staff account. Ask an administrator if"
            " you need access."
        ),
        "The matching user has is_staff off.",
        "Tick Staff status on the person's page in admin, or ./manage.py staff add EMAIL.",
        "admin",
    ),
    _person(
        "wrong_tenant",
        _("That is not your work account here"),
        _(
            "The Microsoft account you chose belongs to another organization. Try again and"
            " choose your account of this organization."
        ),
        "The token's tid is not one of MICROSOFT_ALLOWED_TENANTS.",
        "If that organization should be let in, add its tenant GUID (in the record) to"
        " MICROSOFT_ALLOWED_TENANTS and restart.",
        "person",
    ),
    _person(
        "guest_not_allowed",
        _("Guest accounts cannot sign in here"),
        _(
            "You are a guest in this organization's Microsoft directory, and this site is for"
            " its members only. Ask an administrator if you should have access."
        ),
        "The identity is a B2B guest (idp differs from the issuer, or acct is 1).",
        "Set MICROSOFT_ALLOW_GUESTS=true to let guests with a user here in, or give the person"
        " a member account.",
        "admin",
    ),
    _person(
        "no_email",
        _("Microsoft did not tell us your email address"),
        _(
            "Your Microsoft account has no verified email address that this site could match"
            " with an account. Ask an administrator, and give them the reference below."
        ),
        "The id_token has no usable email or preferred_username, or declares it unverified.",
        "In Entra set the person's Email property, or add the optional claim email under"
        " App registrations > Token configuration.",
        "admin",
    ),
    _person(
        "email_not_owned",
        _("Your organization's email addresses are not set up here yet"),
        _(
            "You signed in, and Microsoft told us your email address; but this site has not been"
            " told that its domain belongs to your organization. Ask an administrator, and give"
            " them the reference below."
        ),
        "Several tenants may sign in, so each may only claim addresses of domains that are listed"
        " for it (or that Microsoft vouches for, xms_edov); this one is not.",
        "If the domain is that tenant's: Social applications > the Microsoft app > Domains, as"
        " TENANT-GUID=contoso.com; the tenant is in the record. Else someone claims an address"
        " that is not theirs.",
        "admin",
    ),
    _person(
        "ambiguous_email",
        _("More than one account has your email address"),
        _(
            "Several accounts here share your email address, so we cannot tell which one is"
            " yours. Ask an administrator to sort it out."
        ),
        "Two or more users have this email, ignoring case.",
        "Leave the address on one of them: search for it under Users in admin.",
        "admin",
    ),
    _person(
        "identity_conflict",
        _("Your email address belongs to someone else's sign-in"),
        _(
            "The account with your email address is linked to another Microsoft identity. Ask"
            " an administrator to check who you are and to link the account to you."
        ),
        "The user is bound to another tid+oid: the address changed hands, or the person was"
        " re-created in Entra. Or it is a superuser who is not bound yet, and"
        " SUPERUSER_FIRST_SIGN_IN demands the object ID beforehand: the detail says which.",
        "Open the refused sign-in in admin, compare both identities, and link the refused one when"
        " you are sure that it is the same person; a superuser's first: ./manage.py staff add EMAIL"
        " --oid OBJECT-ID. Otherwise give the new person a user of their own."
        " When the record says that the user is bound in another tenant, and many meet it, the"
        " organization has moved: ./manage.py staff relink FILE links all of them at once.",
        "admin",
    ),
    _person(
        "role_missing",
        _("You do not have a role on this site yet"),
        _(
            "Your organization gives access to this site by roles, and you have none of them. Ask"
            " an administrator, and give them the reference below."
        ),
        "ROLES_REQUIRED is on, and the token has none of the app roles that are mapped; the detail"
        " names them.",
        "Entra admin center > Enterprise applications > this app > Users and groups: assign the"
        " person one of the roles. ./manage.py roles list shows what is mapped. Nested groups and"
        " Default Access give none.",
        "admin",
    ),
    _state(
        "cookie_not_sent",
        _("Your browser did not send our cookie back"),
        _(
            "The sign-in started in another browser or window, or cookies are blocked. Press Try"
            " again; if it happens again, allow cookies for this site or open it in your normal"
            " browser."
        ),
        "The callback came without the session cookie that the start had set.",
        "Nothing, when rare: anyone can cause it. When many meet it, run ./manage.py"
        " doctor --url, which sees what proxies and cookies really do, and leave"
        " SESSION_COOKIE_DOMAIN and SESSION_COOKIE_SAMESITE unset.",
        "operator",
    ),
    _state(
        "session_not_found",
        _("We lost track of your sign-in"),
        _(
            "Your browser did its part, but this site no longer knows the sign-in you started."
            " Press Try again."
        ),
        "The cookie came, but the session store has no such session: it is not shared between"
        " workers or instances, or it was evicted, flushed or restarted; or two cookies of one"
        " name came.",
        "Set REDIS_URL to one Redis that all workers and instances share, with maxmemory-policy"
        " noeviction and persistence on. Run ./manage.py doctor.",
        "operator",
    ),
    _state(
        "session_changed",
        _("You have signed in or out since you started"),
        _(
            "This sign-in belongs to an earlier visit of this browser, or to another browser."
            " Press Try again."
        ),
        "The state was issued to another session than the one that came back.",
        "Nothing, when rare. When frequent, two apps on one host may share a cookie name, or a"
        " link with a state in it is being passed around.",
        "person",
    ),
    _state(
        "state_expired",
        _("The sign-in took too long"),
        _("More than ten minutes went by between the start and the end. Press Try again."),
        "The state is older than ten minutes (Entra's codes live about as long).",
        "Nothing, when rare. When everyone meets it, compare the clocks of all instances.",
        "person",
    ),
    _state(
        "state_already_used",
        _("This sign-in was already used"),
        _("The page was loaded a second time. Press Try again to start afresh."),
        "The state or the code had been redeemed before: reload, back button, double request, or"
        " a link scanner.",
        "Nothing, when rare. When frequent, look for a proxy or a link scanner that repeats"
        " requests.",
        "person",
    ),
    _state(
        "state_not_ours",
        _("This sign-in did not start here"),
        _("The address you came back with was not made by this site. Press Try again."),
        "The state is missing, malformed, repeated, or signed with a key that this instance does"
        " not have.",
        "Give all instances and slots the same SECRET_KEY; when rotating, keep the old one in"
        " SECRET_KEY_FALLBACKS. Otherwise someone made it up.",
        "operator",
    ),
    _microsoft(
        "cancelled",
        _("You cancelled the sign-in"),
        _("Nothing has changed. Press Try again when you are ready."),
        "The person pressed Cancel or declined at Microsoft.",
        "Nothing.",
        "person",
    ),
    _microsoft(
        "consent_required",
        _("Your organization has not approved this site yet"),
        _(
            "Microsoft needs an administrator of your organization to approve this site first."
            " Ask an administrator, and give them the reference below."
        ),
        "Consent for openid, profile and email is missing in the tenant.",
        "Entra admin center > Enterprise applications > this app > Permissions > Grant admin"
        " consent.",
        "admin",
    ),
    _microsoft(
        "not_assigned",
        _("You are not assigned to this site at Microsoft"),
        _(
            "Your organization lets only chosen people use this site, and you are not among them"
            " yet. Ask an administrator to assign you."
        ),
        "Assignment required is on, and the person (or a group, directly) is not assigned.",
        "Entra admin center > Enterprise applications > this app > Users and groups > Add."
        " Nested groups do not count.",
        "admin",
    ),
    _microsoft(
        "blocked_by_policy",
        _("Your organization's rules stopped this sign-in"),
        _(
            "Microsoft refused because of your device, place, or missing second factor. Use a"
            " managed device or a known network, or ask your IT department."
        ),
        "Conditional Access, security defaults, device or risk policy.",
        "Look the sign-in up in Entra admin center > Sign-in logs; the AADSTS number is in the"
        " record.",
        "admin",
    ),
    _microsoft(
        "microsoft_refused",
        _("Microsoft refused the sign-in"),
        _(
            "Try again with the account you use for this site. If it happens again, give an"
            " administrator the reference below."
        ),
        "Microsoft answered with an error that has no row of its own here.",
        "Look the AADSTS number in the record up at the authority's /error?code=NUMBER page.",
        "microsoft",
    ),
    _configuration(
        "not_configured",
        _("Sign-in is not set up yet"),
        _("This site has no Microsoft app yet. Tell whoever runs it."),
        "Neither the settings nor admin have a Microsoft app.",
        "Set MICROSOFT_CLIENT_ID and MICROSOFT_CLIENT_SECRET, or run ./manage.py microsoft_app"
        " set.",
        "operator",
    ),
    _configuration(
        "several_apps",
        _("Sign-in is set up twice"),
        _("This site has two Microsoft apps and cannot tell which to use. Tell whoever runs it."),
        "More than one visible Microsoft social app exists in admin.",
        "Delete or hide all but one under Social applications in admin, or run ./manage.py"
        " microsoft_app show.",
        "operator",
    ),
    _configuration(
        "client_secret_expired",
        _("This site's key for Microsoft has expired"),
        _("Nobody can sign in until it is renewed. Tell whoever runs this site."),
        "Microsoft says that the client secret has expired (AADSTS7000222).",
        "App registrations > this app > Certificates & secrets > New client secret, then"
        " ./manage.py microsoft_app set, or MICROSOFT_CLIENT_SECRET and a restart.",
        "operator",
    ),
    _configuration(
        "client_secret_wrong",
        _("This site's key for Microsoft is wrong"),
        _("Nobody can sign in until it is corrected. Tell whoever runs this site."),
        "Microsoft does not accept the client secret (AADSTS7000215 and similar).",
        "Copy the secret's Value, not its Secret ID, of the app whose client id is in force:"
        " ./manage.py microsoft_app set, then ./manage.py microsoft_app test.",
        "operator",
    ),
    _configuration(
        "client_credential_refused",
        _("Microsoft does not accept this site's proof of who it is"),
        _("Nobody can sign in until it is corrected. Tell whoever runs this site."),
        "Microsoft refused the certificate, or the token of the managed identity or cluster; the"
        " detail says which, and its AADSTS number why.",
        "Certificate: register the one whose thumbprint the detail names under App registrations >"
        " this app > Certificates & secrets. Managed identity or token file: compare issuer,"
        " subject and audience under Federated credentials, letter for letter; a new one takes"
        " minutes. ./manage.py doctor --online prints what to enter.",
        "operator",
    ),
    _configuration(
        "credential_unavailable",
        _("This site cannot prove to Microsoft who it is"),
        _("Wait a minute, then press Try again. If it lasts, tell whoever runs this site."),
        "There is nothing to prove it with: the managed identity's endpoint gave no token, the"
        " token file cannot be read, or the certificate or its key cannot be used.",
        "Managed identity: attach it to this host (and slot), and check"
        " MICROSOFT_MANAGED_IDENTITY_CLIENT_ID. Token file: check MICROSOFT_TOKEN_FILE and that the"
        " cluster mounts it. Certificate: check MICROSOFT_CLIENT_CERTIFICATE, its key and its"
        " passphrase. Then ./manage.py doctor --online.",
        "operator",
    ),
    _configuration(
        "client_unknown",
        _("Microsoft does not know this site"),
        _("The site's registration at Microsoft was not found. Tell whoever runs this site."),
        "The client id does not exist in the tenant, or the app is disabled there.",
        "Compare MICROSOFT_CLIENT_ID with App registrations > Overview > Application (client)"
        " ID, and MICROSOFT_TENANT_ID with Directory (tenant) ID.",
        "operator",
    ),
    _configuration(
        "redirect_uri_mismatch",
        _("This site's address is not registered at Microsoft"),
        _("Microsoft does not know the address to send you back to. Tell whoever runs this site."),
        "The redirect URI we send is not registered, letter for letter, as a Web platform URI.",
        "Register the URI that ./manage.py microsoft_app show prints under App registrations >"
        " Authentication > Web. If it says http or a wrong host, correct PUBLIC_URL.",
        "operator",
    ),
    _configuration(
        "tenant_not_found",
        _("The organization was not found at Microsoft"),
        _("The site asks Microsoft for an organization that is not there. Tell whoever runs it."),
        "Microsoft does not know the tenant.",
        "Copy Directory (tenant) ID from App registrations > Overview into MICROSOFT_TENANT_ID;"
        " in a national cloud set MICROSOFT_LOGIN_URL.",
        "operator",
    ),
    _configuration(
        "misconfigured",
        _("Sign-in is not set up correctly"),
        _("Something in this site's settings stops sign-in. Tell whoever runs it."),
        "A setting or the app registration is wrong; the detail says which.",
        "Read the detail in the sign-in record, then run ./manage.py doctor --online.",
        "operator",
    ),
    _token(
        "token_invalid",
        _("We could not verify Microsoft's answer"),
        _(
            "What came back did not pass our checks, so nobody was signed in. Press Try again;"
            " if it happens again, give an administrator the reference below."
        ),
        "The id_token or the answer failed the check named in the record.",
        "clock checks (exp, iat, nbf): correct the server's clock. audience: one client id must be"
        " in force. kid: an app with signing keys of its own (claims mapping, AADSTS50146) must be"
        " the one whose client id is in force. Anything else: treat as an attack until explained.",
        "operator",
    ),
    _reach(
        "microsoft_unreachable",
        _("Microsoft did not answer"),
        _("Wait a minute, then press Try again."),
        "Microsoft's sign-in service could not be reached, was too slow, or failed.",
        "Check outgoing HTTPS to MICROSOFT_LOGIN_URL from this host (firewall, DNS, proxy):"
        " ./manage.py doctor --online. Otherwise look at Azure's status page.",
        "microsoft",
    ),
    _reach(
        "microsoft_throttled",
        _("Microsoft asks us to slow down"),
        _("Wait a minute, then press Try again."),
        "Microsoft answered 429 to this tenant or app.",
        "Wait for Retry-After. If it lasts, look for something that signs in in a loop.",
        "microsoft",
    ),
    _reach(
        "session_store_unavailable",
        _("Sign-in is briefly unavailable"),
        _("The session store is unavailable just now. You are not signed out. Try again shortly."),
        "The session store (Redis) did not answer in time.",
        "Check Redis and REDIS_URL: ./manage.py doctor. Cookies stay valid meanwhile.",
        "operator",
    ),
    _reach(
        "database_unavailable",
        _("The site is briefly unavailable"),
        _("The site cannot reach its database at the moment. Try again shortly."),
        "The database did not answer in time.",
        "Check PostgreSQL and DATABASE_URL: ./manage.py doctor.",
        "operator",
    ),
    _session(
        "form_refused",
        _("This form could not be accepted"),
        _("For your safety nothing was changed."),
        "The check against forged forms (CSRF) failed; the detail says which part of it.",
        "Nothing, when rare: anyone can cause it. When many meet it, run ./manage.py doctor"
        " --url, and leave the CSRF_* settings alone.",
        "person",
    ),
    _session(
        "step_up_failed",
        _("Microsoft did not confirm that it is you"),
        _(
            "What you wanted to do asks for a fresh sign-in, and Microsoft did not confirm one."
            " You are still signed in. Press Try again; if it happens again, ask an administrator."
        ),
        "STEP_UP asks for a fresh sign-in or an authentication context, and the id_token does not"
        " prove it; the record names the claim.",
        "STEP_UP=login: add the optional claim auth_time to the ID token (App registrations >"
        " Token configuration). STEP_UP=c1 and the like: publish that authentication context and"
        " name it in a Conditional Access policy.",
        "admin",
    ),
    _internal(
        429,
        "too_many_attempts",
        _("Too many attempts"),
        _("Wait a little, then press Try again."),
        "This address or account met the limit of attempts.",
        "Nothing, when rare: anyone can cause it. When many meet it, run ./manage.py doctor"
        " --url, which sees whether all of them look like one client here.",
        "person",
    ),
    _internal(
        500,
        "unexpected",
        _("Something went wrong on our side"),
        _("Press Try again; if it happens again, report the reference."),
        "An error that nobody foresaw; the log has its traceback under the same reference.",
        "Find the reference in the log, and report it as a bug.",
        "operator",
    ),
)

REASONS: Mapping[str, Reason] = MappingProxyType({reason.code: reason for reason in _TABLE})

# Cases of a reason with other words for the person: title and text.
CAUSES: Mapping[str, tuple[str | _StrPromise, str | _StrPromise]] = MappingProxyType(
    {
        "tenant_moved": (
            _("Your account here is linked to another organization"),
            _(
                "The account with your email address is linked to a Microsoft account of another"
                " organization. If yours has moved to a new one at Microsoft, ask an administrator"
                " to link the accounts again: it is the same for everyone."
            ),
        ),
    }
)
