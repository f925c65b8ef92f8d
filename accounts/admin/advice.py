"""Title, meaning and fix of a reason as admin shows them, about somebody else.

The table in `reasons` addresses the person who was refused ("You do not have an account here"), or
an operator at a terminal. These texts are in the third person, and their fixes name pages and
buttons of admin. A reason without an entry here has its texts from that table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

from ..display.naming import as_set_here
from ..models import SignIn
from ..operate import moved_tenant, sign_ins
from ..operate.microsoft_app_summary import AppSummary
from ..reasons import REASONS

if TYPE_CHECKING:
    from ..operate.doctor import Finding
    from ..operate.doctor.before_saving import Judgement


class Words(NamedTuple):
    """A reason's texts in admin; "" for the one in the reasons' table."""

    title: str = ""
    fix: str = ""


WORDS: Final[Mapping[str, Words]] = MappingProxyType(
    {
        "unknown_user": Words(
            noop("No account here"),
            noop("Add the person, with exactly the email address of this record."),
        ),
        "user_inactive": Words(
            noop("Account is switched off"),
            noop("Reactivate the person on their page, if they should have access."),
        ),
        "user_not_staff": Words(
            noop("Not a staff account"),
            noop("Tick Staff status on the person's page, if they should have access."),
        ),
        "wrong_tenant": Words(
            noop("Account of another organization"),
            noop(
                "The person should choose their account of this organization. If that other"
                " organization should be let in, whoever runs the server adds its tenant ID (in"
                " this record) to MICROSOFT_ALLOWED_TENANTS."
            ),
        ),
        "guest_not_allowed": Words(
            noop("Guest account"),
            noop(
                "Give the person a member account in Entra. If guests should be let in, whoever"
                " runs the server sets MICROSOFT_ALLOW_GUESTS=true."
            ),
        ),
        "no_email": Words(noop("Microsoft gave no usable email address")),
        "email_not_owned": Words(
            noop("Email domain is not set up for that organization"),
            noop(
                "If the domain is that tenant's: open the Microsoft app and add it under Allowed"
                " email domains, as TENANT-GUID=contoso.com; the tenant is in this record. Else"
                " someone claims an address that is not theirs."
            ),
        ),
        "ambiguous_email": Words(
            noop("More than one account has this email address"),
            noop("Search for the address under Users, and leave it on one of them."),
        ),
        "identity_conflict": Words(
            noop("Email address is linked to another Microsoft identity"),
            noop(
                "Compare both identities, and link the refused one when you are sure that it is the"
                " same person. Otherwise give the new person a user of their own."
            ),
        ),
        "role_missing": Words(
            noop("No app role"),
            noop(
                "Entra admin center > Enterprise applications > this app > Users and groups:"
                " assign the person one of the roles that are mapped here. Nested groups and"
                " Default Access give none."
            ),
        ),
        "cookie_not_sent": Words(
            noop("Browser did not send the cookie back"),
            noop(
                "Nothing, when rare: anyone can cause it. When many meet it, whoever runs"
                " the server can see with the doctor command what proxies and cookies really do."
            ),
        ),
        "session_not_found": Words(
            noop("Session was not found"),
            noop(
                "Whoever runs the server: all workers and instances need one Redis (REDIS_URL)"
                " with maxmemory-policy noeviction and persistence on; the doctor command tells."
            ),
        ),
        "session_changed": Words(noop("Session changed during the sign-in")),
        "cancelled": Words(noop("Cancelled at Microsoft")),
        "consent_required": Words(noop("Consent is missing at Microsoft")),
        "not_assigned": Words(noop("Not assigned to the app at Microsoft")),
        "blocked_by_policy": Words(noop("Blocked by the organization's policies")),
        "not_configured": Words(
            fix=noop("Add the Microsoft app: client ID, tenant and secret from Entra.")
        ),
        "several_apps": Words(fix=noop("Hide or delete all Microsoft apps but one.")),
        "client_secret_expired": Words(
            fix=noop(
                "Entra: App registrations > this app > Certificates & secrets > New client secret."
                " Then enter its Value on the Microsoft app's page."
            )
        ),
        "client_secret_wrong": Words(
            fix=noop(
                "Enter the secret's Value, not its Secret ID, on the Microsoft app's page, and"
                " press Test connection there."
            )
        ),
        "client_credential_refused": Words(
            fix=noop(
                "Certificate: register the one whose thumbprint this record names under App"
                " registrations > this app > Certificates & secrets. Managed identity or token"
                " file: compare issuer, subject and audience under Federated credentials, letter"
                " for letter; a new one takes minutes. Test connection on the Microsoft app's page"
                " shows what to enter."
            )
        ),
        "credential_unavailable": Words(
            fix=noop(
                "Whoever runs the server: attach the managed identity to this host (and slot), or"
                " see that the token file or the certificate can be read. Then press Test"
                " connection on the Microsoft app's page."
            )
        ),
        "client_unknown": Words(
            fix=noop(
                "Compare client ID and tenant on the Microsoft app's page with App registrations >"
                " Overview at Entra."
            )
        ),
        "redirect_uri_mismatch": Words(
            fix=noop(
                "Copy the redirect URI from the Microsoft app's page into App registrations >"
                " Authentication > Web at Entra. If it has http or a wrong host, whoever runs the"
                " server corrects PUBLIC_URL."
            )
        ),
        "tenant_not_found": Words(
            fix=noop(
                "Copy Directory (tenant) ID from App registrations > Overview to the Microsoft"
                " app's page; in a national cloud whoever runs the server sets"
                " MICROSOFT_LOGIN_URL."
            )
        ),
        "misconfigured": Words(
            fix=noop(
                "Read the detail in this record, then press Test connection on the Microsoft app's"
                " page."
            )
        ),
        "microsoft_unreachable": Words(
            fix=noop(
                "Press Test connection on the Microsoft app's page. If it fails as well, whoever"
                " runs the server checks outgoing HTTPS (firewall, DNS, proxy); otherwise look at"
                " Azure's status page."
            )
        ),
        "session_store_unavailable": Words(
            fix=noop("Whoever runs the server checks Redis. Cookies stay valid meanwhile.")
        ),
        "database_unavailable": Words(fix=noop("Whoever runs the server checks PostgreSQL.")),
        "form_refused": Words(
            fix=noop(
                "Nothing, when rare: anyone can cause it. When many meet it, whoever runs"
                " the server can see the cause with the doctor command."
            )
        ),
        "step_up_failed": Words(noop("Microsoft did not confirm a fresh sign-in")),
        "too_many_attempts": Words(
            fix=noop(
                "Nothing, when rare: anyone can cause it. When many meet it, whoever runs"
                " the server can see with the doctor command whether all of them look like one"
                " client here."
            )
        ),
        "unexpected": Words(
            fix=noop("Whoever runs the server finds the traceback in the log by this reference.")
        ),
    }
)


# An identity_conflict in which only the tenant differs.
_TENANT_MOVED: Final = Words(
    noop("Account here is linked to another organization"),
    noop(
        "If the organization has moved to this tenant: open People who moved, which links everyone"
        " at once. If it has not, someone of another organization claims this address: leave it."
    ),
)
_TENANT_MOVED_MEANS: Final = noop(
    "The user is linked to a Microsoft account of another tenant than the one that signed in now."
)


# Fixes in admin for findings of doctor whose own fix is a command.
OF_FINDINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "online.secret_next": noop("Enter another next secret on the Microsoft app's page."),
        "online.secret_second": noop(
            "On the Microsoft app's page tick “The next one is now the only one”, and save."
        ),
        "online.redirect_uri_unclear": noop(
            "Press Test connection again; if it stays, sign in yourself and read Microsoft's page."
        ),
    }
)


def title_of(code: str) -> str:
    """The reason in a few words; a code of another version is its own title."""
    if code not in REASONS:
        return code
    title = WORDS.get(code, Words()).title
    return _(title) if title else str(REASONS[code].title)


def meaning_of(code: str) -> str:
    """What the reason means, in the operator's words; "" for a code of another version."""
    return as_set_here(_(REASONS[code].operator)) if code in REASONS else ""


def fix_of(code: str) -> str:
    """How to fix it in admin, at Entra or on the server; "" for a code of another version."""
    if code not in REASONS:
        return ""
    return as_set_here(_(WORDS.get(code, Words()).fix or REASONS[code].fix))


def title_for(row: SignIn) -> str:
    """The title of this refusal."""
    return _(_TENANT_MOVED.title) if moved_tenant.is_evidence(row) else title_of(row.reason)


def meaning_for(row: SignIn) -> str:
    """What this refusal means."""
    return _(_TENANT_MOVED_MEANS) if moved_tenant.is_evidence(row) else meaning_of(row.reason)


def fix_for(row: SignIn) -> str:
    """How to fix this refusal: the advice for Microsoft's error number, then the reason's fix."""
    if moved_tenant.is_evidence(row):
        return _(_TENANT_MOVED.fix)
    hint = sign_ins.hint(row)
    return " ".join(filter(None, (as_set_here(_(hint)) if hint else "", fix_of(row.reason))))


def summary_in_admin(summary: AppSummary) -> AppSummary:
    """The summary with its fix in admin."""
    if summary.problem == "misconfigured":
        fix = _(
            "The secret cannot be decrypted, because the site's key was changed. Enter the secret"
            " again."
        )
        return replace(summary, fix=fix)
    return replace(summary, fix=fix_of(summary.problem))


def findings_in_admin(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with their fixes in admin, where they have one."""
    return tuple(replace(one, fix=_fix_of_finding(one)) for one in findings)


def judgement_in_admin(judgement: Judgement) -> Judgement:
    """What has to be confirmed, with fixes in admin."""
    consequences = (
        replace(one, findings=findings_in_admin(one.findings)) for one in judgement.consequences
    )
    return replace(judgement, consequences=tuple(consequences))


def _fix_of_finding(finding: Finding) -> str:
    if finding.id in OF_FINDINGS and finding.fix:
        return _(OF_FINDINGS[finding.id])
    code = next((code for code in finding.shows_as if code in REASONS), "")
    command = as_set_here(_(REASONS[code].fix)) if code else ""
    if command and command in finding.fix:
        return finding.fix.replace(command, fix_of(code))
    return fix_of(code) if code and "./manage.py" in finding.fix else finding.fix
