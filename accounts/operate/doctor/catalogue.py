"""Every finding of doctor, as data: id, level, title, what is wrong, fix, what staff see.

Words in braces are facts from the probe. An id never changes its meaning; one id, one fault.
docs/doctor.md is generated from this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final, Literal

from ...checks.site import CHECKS
from ...reasons import REASONS

Level = Literal["ok", "note", "unknown", "warning", "error"]
LEVELS: Final[Mapping[Level, str]] = MappingProxyType(
    {
        "ok": "checked, and there is nothing wrong",
        "note": "worth knowing; nothing to do, or somebody else's decision",
        "unknown": "could not be checked from here",
        "warning": "sign-in works now, but will break, or breaks for some people",
        "error": "sign-in is broken",
    }
)
PAGE: Final = "docs/doctor.md"
PROXY_FIX: Final = (
    "Let the proxy pass on Host and X-Forwarded-Proto (nginx: proxy_set_header Host $http_host;"
    " proxy_set_header X-Forwarded-Proto $scheme;) and set TRUSTED_PROXY_COUNT to the number of"
    " proxies in front (Azure App Service: 1)."
)
_ONE_REDIS: Final = (
    "Set REDIS_URL to the same Redis on every instance and slot, with maxmemory-policy noeviction,"
    " and keep sessions there (SESSION_ENGINE, CACHES); restart all of them."
)
_RENEW: Final = (
    "App registrations > this app > Certificates & secrets > New client secret, then"
    " ./manage.py microsoft_app set --next --secret-stdin (or MICROSOFT_CLIENT_SECRET)."
)
_CLOCK_FIX: Final = "Synchronise the clock of the machine that is wrong: timedatectl set-ntp true"
_NOEVICTION: Final = (
    "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf; on Azure:"
    " the cache > Advanced settings > Maxmemory policy > noeviction. Then give it memory."
)
_GRANT: Final = (
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO the role of"
    " DATABASE_URL, and GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO it."
)
_SAME_ENVIRONMENT: Final = "Give all instances the same environment, and run doctor with it."
# Groups of reasons that are a fault of the site, unless only a browser claims them.
ALARMING: Final = ("configuration", "token", "reach", "us")
# By name: the table, what the index prevents, and the migration that creates it.
UNIQUE_INDEXES: Final = {
    "accounts_user_email_unique": (
        "accounts_user",
        "two users with the same email (ignoring case)",
        "0001",
    ),
    "accounts_one_identity_a_user": (
        "socialaccount_socialaccount",
        "two Microsoft identities for one user",
        "0002",
    ),
}
_NOT_SENT: Final = ("cookie_not_sent",)
_NO_STORE: Final = ("session_store_unavailable",)
_NO_DATABASE: Final = ("database_unavailable",)
_LOST: Final = ("session_not_found",)
_FORM_REFUSED: Final = ("form_refused",)
_BROWSERS_OWN: Final = ("the browser's own error page",)


@dataclass(frozen=True, slots=True)
class Entry:
    """One fault, or with a text in `if_ok` alone a fact; `if_ok` says that the fault is absent.

    `shows_as` holds reason codes, or phrases where staff see no page of this site.
    """

    id: str
    title: str = ""
    detail: str = ""
    fix: str = ""
    shows_as: tuple[str, ...] = ()
    if_ok: str = ""
    level: Level = "error"

    @property
    def page(self) -> str:
        """Where the id is explained."""
        return f"{PAGE}#{self.id}"


_warning: Final = partial(Entry, level="warning")
_note: Final = partial(Entry, level="note")
_unknown: Final = partial(Entry, level="unknown")
# With the facts of an error, from causes.py.
_caused: Final = partial(Entry, detail="{cause}", fix="{fix}")
# With the facts of a refusal, from the table of reasons.
_refused: Final = partial(Entry, detail="{why}", fix="{reason_fix}", shows_as=("{code}",))
_OPTIONAL_CLAIM: Final = (
    "App registrations > this app > Token configuration > Add optional claim > ID; or all at once:"
    " ./manage.py microsoft_app register"
)
_SETTINGS: Final = (
    Entry(
        "environment.bad",
        "The settings cannot be read",
        "{problem}",
        "Correct what the text names in the site's environment, and start again.",
        shows_as=("the site does not start",),
    ),
    Entry("environment.checks", if_ok="System checks: nothing serious"),
    Entry(
        "environment.facts",
        if_ok="Instance {instance}: {public_url}, {mode}, {proxies} trusted proxies, {versions}",
    ),
    Entry(
        "environment.secret_key_same",
        "SECRET_KEY differs from process to process",
        "The settings generate a new one at each start: no process can read what another signed.",
        "Set SECRET_KEY once in the environment of all instances and slots.",
        shows_as=("state_not_ours", "session_not_found"),
    ),
    Entry(
        "environment.secret_key",
        if_ok="SECRET_KEY has the fingerprint {fingerprint}: it must be the same on every instance"
        " and slot",
    ),
    _warning(
        "environment.outgoing_proxy",
        "{variable} is set, but requests to Microsoft do not use a proxy",
        "If only the proxy may connect to the internet, Microsoft cannot be reached.",
        "Allow this host to reach MICROSOFT_LOGIN_URL directly; --online shows whether it can.",
        shows_as=("microsoft_unreachable",),
    ),
    Entry("environment.check", "{title}", "{message}", "{hint}"),
    _warning("environment.check_warning", "{title}", "{message}", "{hint}"),
)
_REDIS: Final = (
    _caused(
        "redis.reachable",
        "Redis cannot be used",
        shows_as=_NO_STORE,
        if_ok="Redis answers in {ms} ms",
    ),
    _warning(
        "redis.slow",
        "Redis answers, but takes {ms} ms",
        "Every page needs several round trips.",
        "Put Redis into the site's own region and network.",
        shows_as=_NO_STORE,
    ),
    _caused(
        "redis.writable",
        "Redis refuses writes",
        shows_as=_NO_STORE,
        if_ok="Redis accepts writes, and returns what was written",
    ),
    Entry(
        "redis.not_kept",
        "What was written to Redis could not be read back",
        "It was evicted at once, or reads go to a replica that lags behind.",
        "Set REDIS_URL to the master, with maxmemory-policy noeviction and enough memory.",
        shows_as=_LOST,
    ),
    Entry(
        "redis.rights",
        "The Redis user may not do what {what} needs",
        "{command} on {key}: {cause}",
        "ACL SETUSER NAME ~{key} +{command}, or everything: +@all ~* (docs/deploy.md lists what a"
        " sign-in uses).",
        shows_as=_NO_STORE,
        if_ok="The commands of sessions, used states and throttles work on their own keys",
    ),
    Entry(
        "redis.use",
        "A command that {what} needs fails in Redis",
        "{key}: {cause}",
        "{fix}",
        shows_as=_NO_STORE,
    ),
    _unknown(
        "redis.info",
        "Redis does not allow INFO",
        "Eviction and persistence could not be checked: {cause}",
        "Allow INFO to the site's Redis user (ACL SETUSER NAME +info), or check the server's"
        " settings yourself.",
    ),
    Entry(
        "redis.role",
        "Redis is a read-only replica",
        "REDIS_URL leads to a replica; sessions cannot be written there.",
        "Set REDIS_URL to the master, or to the Sentinels that know it.",
        shows_as=_NO_STORE,
    ),
    _warning(
        "redis.version_old",
        "Redis {version} is older than 6.2",
        "It gets no security fixes.",
        "Upgrade to Redis 7 or newer.",
    ),
    Entry("redis.version", if_ok="Redis {version}, {role}"),
    Entry(
        "redis.eviction",
        "Redis evicts sessions: {evicted} keys since it started",
        "Memory is full, and maxmemory-policy {policy} discards sessions.",
        _NOEVICTION,
        shows_as=_LOST,
        if_ok="Redis evicts nothing ({why})",
    ),
    _warning(
        "redis.may_evict",
        "Redis may evict sessions",
        "maxmemory-policy is {policy}: when memory is full, sessions are discarded.",
        _NOEVICTION,
        shows_as=_LOST,
    ),
    _warning(
        "redis.memory",
        "Redis is nearly full: {used} of {limit} KiB",
        "It will soon refuse writes, or evict sessions.",
        "Set a larger maxmemory, or use a Redis for this site alone.",
        shows_as=("session_store_unavailable", "session_not_found"),
    ),
    _warning(
        "redis.persistence",
        "Redis loses everything when it restarts",
        "A restart signs everybody out, and sign-ins in progress are lost.",
        "redis-cli CONFIG SET appendonly yes, and the same in redis.conf.",
        shows_as=_LOST,
        if_ok="Redis {keeps}",
    ),
)
_SESSIONS: Final = (
    Entry(
        "sessions.shared",
        "Sessions are not shared between processes",
        "A session that one process writes is not found by another: they are kept in {store}.",
        _ONE_REDIS,
        shows_as=_LOST,
        if_ok="Two processes read each other's sessions ({store})",
    ),
    Entry(
        "sessions.cache_shared",
        "The cache is not shared between processes",
        "CACHES['default'] is {backend}: another worker would accept a used state again, and does"
        " not see a change of the app in admin.",
        _ONE_REDIS,
        shows_as=("several_apps", "not_configured"),
        if_ok="Processes share the cache, which marks used states",
    ),
    _warning(
        "sessions.outage",
        "An outage of the cache would sign everybody out",
        "Django's cache sessions treat an unreachable store as an empty session, and delete the"
        " session cookie with every response.",
        'Set SESSION_ENGINE = "{engine}".',
        shows_as=_NOT_SENT,
    ),
    Entry(
        "sessions.second_process",
        "A second process could not be started with these settings",
        "{cause}",
        "Run ./manage.py check to see why.",
        shows_as=_LOST,
    ),
)
_PROCESSES: Final = (
    Entry(
        "processes.settings",
        "Process {process}, started {since}, has another {names} than this command",
        "The value was changed after that process started, or in only one of the two environments.",
        "Restart it: a process reads its environment once. If this command has the wrong value, run"
        " it with the site's own environment.",
        shows_as=("client_secret_wrong", "state_not_ours", "redirect_uri_mismatch"),
        if_ok="{count} processes run with these settings and this code",
    ),
    _warning(
        "processes.release",
        "Process {process}, started {since}, runs other code",
        "It was started before this release was installed, or belongs to another one.",
        "Restart it once the release is complete.",
    ),
    Entry(
        "processes.secret_key",
        "{count} processes run with another SECRET_KEY than this command",
        "{names}: with this PUBLIC_URL and Redis, within the last three minutes. They sign with a"
        " key that is neither SECRET_KEY nor in SECRET_KEY_FALLBACKS here.",
        "If SECRET_KEY was changed, restart them, with the old key in SECRET_KEY_FALLBACKS. If this"
        " command has the wrong one, run it with the site's own environment (systemd:"
        " docs/deploy.md).",
        shows_as=("state_not_ours", "session_not_found"),
    ),
    _note(
        "processes.not_compared",
        "Running processes could not be compared with this command",
        "Processes report fingerprints of their settings in Redis only; sessions are in {store}.",
        "Nothing. After a change of the environment restart all processes: doctor cannot see which"
        " still have the old values.",
    ),
    _note(
        "processes.none",
        "No running process has reported its settings lately",
        "The site does not run, or has another PUBLIC_URL or Redis, or its server starts no"
        " reporting thread: whether it has these settings is unknown.",
        "Start the site; then run doctor again.",
    ),
)
_DATABASE: Final = (
    Entry(
        "database.reachable",
        "{database} does not answer",
        "{cause}",
        "{fix} Then run doctor again.",
        shows_as=_NO_DATABASE,
        if_ok="{database} connects and answers in {ms} ms",
    ),
    Entry(
        "database.migrations",
        "{count} migrations are not applied",
        "{names}",
        "./manage.py migrate",
        shows_as=("unexpected",),
        if_ok="All migrations are applied",
    ),
    Entry(
        "database.schema",
        "The role of DATABASE_URL does not see the site's tables",
        "They are in the schema {schemas}: the role may not use it, or its search_path lacks it.",
        "GRANT USAGE ON SCHEMA NAME TO the role, and ALTER ROLE it SET search_path = NAME.",
        shows_as=("unexpected",),
    ),
    *(
        Entry(
            f"database.{index}",
            f"The unique index {index} is missing",
            f"Nothing prevents {prevents} when two first sign-ins race.",
            "Remove duplicate rows in {table}, then create the index as the migration does:"
            f" ./manage.py sqlmigrate {{app}} {migration}",
            shows_as=("ambiguous_email", "identity_conflict"),
            if_ok=f"The database prevents {prevents}",
        )
        for index, (_table, prevents, migration) in UNIQUE_INDEXES.items()
    ),
    Entry(
        "database.cache_table",
        "The table {table} of CACHES[{alias}] is missing",
        "Used states, keys and throttles cannot be stored.",
        "./manage.py createcachetable",
        shows_as=("unexpected",),
    ),
    _warning(
        "database.kind",
        "{database} in production",
        "A file is not shared by instances, and locks under load.",
        "Set DATABASE_URL=postgres://user:password@host/name",
        shows_as=_NO_DATABASE,
        if_ok="{database}, good for development",
    ),
    Entry(
        "database.writable",
        "The database is read-only",
        "DATABASE_URL leads to a replica, or to a read-only server.",
        "Set DATABASE_URL to the primary server.",
        shows_as=("unexpected", "database_unavailable"),
        if_ok="The database can be written to",
    ),
    Entry(
        "database.privileges",
        "The database role may not {action} what a sign-in needs",
        "{table}: {cause}",
        _GRANT,
        shows_as=("unexpected",),
        if_ok="All tables of a sign-in can be read and written to (rolled back)",
    ),
    _caused(
        "database.use",
        "A sign-in cannot {action} {table}",
        shows_as=("unexpected", "database_unavailable"),
    ),
    Entry(
        "database.sequence",
        "The id sequences are behind the existing rows",
        "{tables}: the next ids are in use already, as after restoring data only.",
        "./manage.py sqlsequencereset {apps} | ./manage.py dbshell",
        shows_as=("unexpected",),
    ),
    _warning(
        "database.encoding",
        "The database's encoding is {encoding}, not UTF-8",
        "A name or address with a character that it lacks cannot be stored: that person's sign-in"
        " ends with an error.",
        "CREATE DATABASE NAME ENCODING 'UTF8' TEMPLATE template0; dump and restore into it, then"
        " correct DATABASE_URL.",
        shows_as=("unexpected",),
        if_ok="The database can store all characters (UTF-8)",
    ),
    _warning(
        "database.connections",
        "{used} of {most} connections are in use",
        "The next workers to start may get none.",
        "Fewer workers or threads, a pooler such as PgBouncer, or a larger max_connections.",
        shows_as=_NO_DATABASE,
        if_ok="{used} of {most} connections are in use",
    ),
)
_CLOCK: Final = tuple(
    entry
    for what, makes in (("redis", _warning), ("database", _warning), ("microsoft", Entry))
    for entry in (
        makes(
            f"clock.{what}",
            "{name} is {apart} s {side} ours",
            "Beyond 60 s, tokens look expired or not yet valid, and states too old."
            if makes is Entry
            else "If this machine's clock is wrong, tokens look expired or not yet valid beyond"
            " 60 s: --online compares it with Microsoft's. A sign-in depends on no other clock.",
            _CLOCK_FIX,
            shows_as=("token_invalid", "state_expired"),
            if_ok="{name} agrees with ours ({apart} s)",
        ),
        _warning(
            f"clock.{what}_drifts",
            "{name} is {apart} s {side} ours",
            "Up to 60 s are tolerated.",
            _CLOCK_FIX,
            shows_as=("token_invalid",),
        ),
    )
)
_APP: Final = (
    _refused(
        "app.in_force",
        "{title}",
        if_ok="The app registration in force is from {source}: client id {client_id}, tenant"
        " {tenant}. {other}",
    ),
    Entry("app.redirect_uri", if_ok="Redirect URI to register under Web: {uri}"),
    Entry("app.hidden", if_ok="Hidden Microsoft apps in admin: {names}"),
    _refused("app.secret_missing", "The app has no credential"),
    Entry(
        "app.certificate",
        if_ok="Certificate to upload under Certificates & secrets > Certificates: thumbprint"
        " {thumbprint} (SHA-256 {sha256}), valid until {until}",
    ),
    _warning(
        "app.certificate_expires_soon",
        "The {label} expires in {days} days",
        "After that nobody can sign in.",
        "Create the next one, upload it under Certificates & secrets > Certificates, then enter it"
        " as the next one in admin, or put it into MICROSOFT_CLIENT_CERTIFICATE:"
        " docs/credentials.md, without a gap.",
        shows_as=("client_credential_refused",),
        if_ok="The certificate is valid for another {days} days",
    ),
    Entry(
        "app.certificate_expiry",
        "The {label} expired {days} days ago",
        "It was valid until {date}.",
        "Create another, upload it under Certificates & secrets > Certificates, then enter it in"
        " admin, or put it into MICROSOFT_CLIENT_CERTIFICATE: docs/credentials.md.",
        shows_as=("client_credential_refused", "credential_unavailable"),
    ),
    _warning(
        "app.certificate_in_use",
        "Running processes use another certificate: {others}",
        "Here it is {here}. A host may refresh a reference only once a day, and processes keep the"
        " environment that they were started with.",
        "Restart all instances and slots; on App Service change a setting, so that references are"
        " read again.",
        shows_as=("client_credential_refused",),
    ),
    _refused(
        "app.federated",
        "The {label} gives no token",
        if_ok="Federated credential to enter under Certificates & secrets: issuer {issuer}, subject"
        " {subject}, audience {audience} ({label})",
    ),
    Entry(
        "app.token_stale",
        "The token in the token file expired {minutes} minutes ago",
        "The cluster does not renew the file, or this machine's clock is ahead.",
        "Check the projected volume and the pod's label azure.workload.identity/use; compare"
        " clocks.",
        shows_as=("client_credential_refused",),
    ),
    Entry(
        "app.client_id",
        "The app's client id is wrong",
        "{problem}",
        "./manage.py microsoft_app set --client-id GUID, or MICROSOFT_CLIENT_ID.",
        shows_as=("client_unknown",),
    ),
    Entry(
        "app.tenant",
        "The app's tenant is wrong",
        "{problem}",
        "./manage.py microsoft_app set --tenant GUID, or MICROSOFT_TENANT_ID.",
        shows_as=("{code}",),
    ),
    Entry(
        "app.secret",
        "The app's secret is wrong",
        "{problem}",
        "./manage.py microsoft_app set --secret-prompt, or MICROSOFT_CLIENT_SECRET in the"
        " environment.",
        shows_as=("client_secret_wrong",),
    ),
    _warning(
        "app.next_secret",
        "The app's next secret is wrong",
        "{problem}",
        "./manage.py microsoft_app set --next --secret-prompt",
        shows_as=("client_secret_wrong",),
    ),
    Entry(
        "app.secret_expiry",
        "The client secret expired {days} days ago",
        "{date} is the date entered with it.",
        _RENEW,
        shows_as=("client_secret_expired",),
    ),
    _warning(
        "app.secret_expires_soon",
        "The client secret expires in {days} days",
        "After that nobody can sign in. A next secret counts once Microsoft has accepted it.",
        _RENEW,
        shows_as=("client_secret_expired",),
        if_ok="The client secret is valid for another {days} days",
    ),
    Entry(
        "app.allowed_tenants",
        "MICROSOFT_ALLOWED_TENANTS lists the tenant of personal accounts",
        "They never get in.",
        "Remove {tenant} from MICROSOFT_ALLOWED_TENANTS.",
        shows_as=("wrong_tenant",),
    ),
    _warning(
        "app.domains",
        "{count} tenants are allowed, but none has a list of domains",
        "Each may claim only addresses that Microsoft says it owns (xms_edov).",
        "Add the optional claim xms_edov in Entra, or the tenants' domains to the app:"
        " ./manage.py microsoft_app set --help",
        shows_as=("email_not_owned",),
    ),
)
_PEOPLE: Final = (
    Entry(
        "people.staff",
        "Nobody could sign in",
        "{why}",
        "./manage.py staff add EMAIL --superuser",
        shows_as=("{code}",),
        if_ok="{count} active staff may sign in",
    ),
    _warning(
        "people.superuser",
        "No active superuser is among them",
        "Nobody could grant rights to anybody in admin.",
        "./manage.py staff add EMAIL --superuser",
    ),
    Entry(
        "people.double_email",
        "{count} email addresses belong to more than one user, ignoring case",
        "{some}",
        "Keep each address on one user only: search for it under Users in admin.",
        shows_as=("ambiguous_email",),
    ),
    _warning(
        "people.unmatchable_email",
        "{count} staff have an email that Microsoft can never send",
        "{some}: it is empty, has no @, or begins or ends with a space.",
        "Correct the address under Users in admin.",
        shows_as=("unknown_user",),
    ),
    Entry(
        "people.old_identities",
        "{count} people are bound to Microsoft accounts that cannot sign in here",
        "They come from allauth's own provider: personal accounts have no object ID. When those"
        " people sign in with their work accounts, they look like somebody else.",
        "./manage.py staff adopt --from allauth names them. ./manage.py staff unlink EMAIL"
        " --reason 'personal account', for each; their next sign-in binds them again.",
        shows_as=("identity_conflict",),
    ),
    Entry(
        "people.without_tenant",
        "{count} people are bound by their object IDs alone, and several tenants are allowed",
        "They come from allauth's own provider, which stores no tenant: which tenant they belong to"
        " is unknown, so they are refused.",
        "./manage.py staff adopt --from allauth --tenant GUID, and again with --yes.",
        shows_as=("identity_conflict",),
    ),
    _warning(
        "people.not_adopted",
        "{count} people are known to {package}, but not bound to a Microsoft account here",
        "Its table has their object IDs. Until these are adopted, the first Microsoft account with"
        " such a person's address is bound to them.",
        "./manage.py staff adopt --from django-microsoft-sso, or --from social-auth; then the same"
        " with --yes.",
    ),
    _warning(
        "people.moved",
        "{count} people were refused lately whose accounts are bound in another tenant",
        "Bound in one, refused from the other: {tenants}. Either the organization has moved, and"
        " this will happen to everyone; or people of the one tenant claim addresses of the other.",
        "If it has moved: Users > People who moved in admin, or ./manage.py staff relink FILE, with"
        " each old address or object ID and the new one.",
        shows_as=("identity_conflict",),
    ),
    _warning(
        "people.other_tenants",
        "{count} people are bound to a tenant that is not allowed",
        "They were bound when it was: {tenants}. If the organization has moved, each of them is now"
        " told that their account is linked to another organization.",
        "If it has moved: ./manage.py staff relink FILE, with each old address or object ID and the"
        " new one; or ./manage.py staff unlink --tenant GUID --reason 'moved', after which the next"
        " Microsoft account with such a person's address is bound to them. If it has not: add the"
        " tenant to MICROSOFT_ALLOWED_TENANTS.",
        shows_as=("wrong_tenant", "identity_conflict"),
    ),
)
_CLAIMS: Final = (
    _note(
        "claims.lacking",
        "The tokens of the last {count} sign-ins lacked optional claims: {names}",
        "email: the address is then preferred_username's. acct: guests are recognised by idp alone."
        " sid: signing out of Microsoft does not end sessions here. login_hint: Microsoft asks"
        " which account is meant.",
        _OPTIONAL_CLAIM,
        if_ok="The tokens of the last {count} sign-ins had all optional claims: {names}",
    ),
    _warning(
        "claims.needed",
        "The tokens of the last {count} sign-ins lacked claims that the settings need: {names}",
        "xms_edov: with several tenants nothing shows that an address is the person's own."
        " auth_time, acrs: STEP_UP cannot be satisfied.",
        _OPTIONAL_CLAIM,
        shows_as=("step_up_failed", "email_not_owned"),
    ),
)
_ROLES: Final = (
    _warning(
        "roles.none_came",
        "None of the last {count} sign-ins carried an app role that is mapped",
        "{people} people; for {unknown} of them the token did not say which roles they have, so"
        " their rights stay as they were. Possible causes: roles of another registration, display"
        " names instead of Values, nested groups, Default Access.",
        "Compare ./manage.py roles list with App roles of the registration that"
        " ./manage.py microsoft_app show names, and its assignments under Enterprise applications >"
        " this app > Users and groups. What each token lacked: ./manage.py sign_ins --since 1d",
        shows_as=("role_missing",),
        if_ok="The last {count} sign-ins carried app roles that are mapped",
    ),
    _warning(
        "roles.group_gone",
        "The app role {role} is mapped to groups that no longer exist: {groups}",
        "It grants what is left of its mapping.",
        "Create the group again in admin and map it, or save the mapping as it is:"
        " ./manage.py roles set {role} --help",
    ),
    _warning(
        "roles.unused",
        "App roles are mapped that nobody who signed in within {days} days has: {names}",
        "Somebody could be given an unused role without anybody noticing.",
        "See who is assigned in Entra; ./manage.py roles set ROLE --remove deletes the mapping.",
    ),
)
_REFUSALS: Final = (
    Entry("refusals.none", if_ok="Nobody was refused in the last hour"),
    Entry(
        "refusals.nobody_admitted",
        "0 of {attempts} sign-ins were admitted in the last hour",
        "{causes}",
        "{fix} Each attempt: ./manage.py sign_ins --since 1h --outcome refused",
        shows_as=("{codes}",),
        if_ok="{admitted} sign-ins were admitted in the last hour",
    ),
    _note(
        "refusals.claimed",
        "In the last hour browsers reported a fault of the site {times}; nothing here confirms it",
        "{causes}. Anyone can forge such a report, so this is not an alarm.",
        "Nothing, unless people complain: ./manage.py sign_ins --since 1h --outcome refused",
    ),
    *(
        Entry(
            f"refusals.{code}",
            f"In the last hour a sign-in was refused {{times}}: {reason.title}",
            f"{reason.operator} {{details}}",
            f"{{hints}} {reason.fix} Each attempt: ./manage.py sign_ins --since 1h --reason {code}",
            (code,),
            level="warning" if reason.group in ALARMING else "note",
        )
        for code, reason in REASONS.items()
    ),
)
_ONLINE: Final = (
    _refused(
        "online.discovery",
        "The discovery document cannot be used: {url}",
        if_ok="Microsoft answers in {ms} ms: {url}",
    ),
    Entry(
        "online.tenant",
        "The tenant {tenant} is {named}, which is not allowed",
        "MICROSOFT_ALLOWED_TENANTS is {allowed}.",
        "Add {named} to MICROSOFT_ALLOWED_TENANTS, or set MICROSOFT_TENANT_ID to yours.",
        shows_as=("wrong_tenant",),
        if_ok="Tokens come from {issuer}",
    ),
    _refused(
        "online.keys", "Microsoft's keys cannot be read", if_ok="Microsoft signs with {count} keys"
    ),
    _refused(
        "online.secret",
        "Microsoft does not accept the client {client_id}",
        if_ok="Microsoft accepts the client secret",
    ),
    _refused(
        "online.credential",
        "Microsoft does not accept the {label}",
        if_ok="Microsoft accepts the {label}",
    ),
    _refused("online.credential_unclear", "Whether the {label} is accepted could not be checked"),
    _warning(
        "online.credential_second",
        "Microsoft does not accept the {label}; the next one is used",
        "Microsoft refuses it ({code}), and every sign-in tries it first.",
        "Upload it under Certificates & secrets > Certificates, or remove it.",
        shows_as=("{code}",),
    ),
    _warning(
        "online.credential_next",
        "Microsoft does not accept the {label}, which is next",
        "The current one is accepted, but when it expires nobody can sign in: {code}.",
        "Upload it under Certificates & secrets > Certificates before the other expires.",
        shows_as=("{code}",),
        if_ok="Microsoft accepts the {label}, which is next",
    ),
    _warning(
        "online.secret_next",
        "Microsoft does not accept the next secret",
        "The first is accepted. Microsoft refuses the next ({code}), so it could not replace it.",
        "./manage.py microsoft_app set --next --secret-prompt",
        shows_as=("{code}",),
        if_ok="Microsoft accepts the next secret",
    ),
    _refused("online.secret_missing", "There is no client secret to try"),
    _refused("online.secret_unclear", "Whether the client secret is accepted could not be checked"),
    _warning(
        "online.secret_second",
        "Microsoft accepts only the second client secret",
        "Microsoft refuses the first ({code}), and every sign-in tries it first.",
        "./manage.py microsoft_app set --promote-next",
        shows_as=("{code}",),
    ),
    _refused(
        "online.redirect_uri",
        "The redirect URI is not registered: {uri}",
        if_ok="The redirect URI is registered: {uri}",
    ),
    _unknown(
        "online.redirect_uri_unclear",
        "Microsoft answered {quote} without saying why",
        "Whether {uri} is registered is unknown.",
        "Run doctor again; if this stays, press the button yourself and read Microsoft's page.",
    ),
    _refused("online.authorize", "Microsoft does not accept the site's authorize request"),
)
# Returns that ended with this reason: id, what they have in common, fix.
RETURNS: Final = {
    "session_not_found": (
        "public.sessions",
        "reached an instance that does not share sessions",
        _ONE_REDIS,
    ),
    "state_not_ours": (
        "public.secret_keys",
        "reached an instance with another SECRET_KEY",
        "Give all instances and slots the same SECRET_KEY, old ones in SECRET_KEY_FALLBACKS. If all"
        " returns fail, look for a proxy that drops or changes the query string.",
    ),
    "cookie_not_sent": (
        "public.cookie",
        "came without the session cookie",
        "Let no proxy strip or rewrite cookies; serve start and return on one host by one scheme;"
        " leave the SESSION_COOKIE_* settings alone.",
    ),
    "session_changed": (
        "public.session_changed",
        "came with another session",
        "Give each app on this host a session cookie name of its own; let nothing cache"
        " Set-Cookie.",
    ),
    "state_expired": (
        "public.clocks",
        "reached an instance whose clock is wrong",
        "Synchronise the clocks of all instances: timedatectl set-ntp true",
    ),
    "too_many_attempts": (
        "public.throttled",
        "were throttled",
        "Wait a minute and run doctor again. If it happens to people too, set TRUSTED_PROXY_COUNT:"
        " without it everyone looks like one client.",
    ),
}
_VISIT: Final = (
    _unknown(
        "public.unreachable_from_here",
        "{url} cannot be visited from this machine: it {problem}",
        "{cause}. If the server may not reach its own public name (split DNS, a NAT without"
        " hairpin, a firewall), this is not a fault: people outside may still reach it.",
        "Run ./manage.py doctor --url from a machine outside, or open the address in a browser. If"
        " people cannot reach it either: {fix}",
    ),
    _caused(
        "public.reachable",
        "{url} {problem}",
        shows_as=_BROWSERS_OWN,
    ),
    _caused(
        "public.certificate",
        "{title}",
        shows_as=_BROWSERS_OWN,
    ),
    Entry(
        "public.redirect_loop",
        "The login page redirects to itself without end",
        "{url} answers {quote} and redirects to {to}, which is not PUBLIC_URL.",
        "Find out what redirects: a rule of the proxy or CDN, or a site with another PUBLIC_URL.",
        shows_as=("the browser's own error about too many redirects",),
    ),
    Entry(
        "public.proxy",
        "A proxy hides the public host or scheme from the site",
        "{detail}",
        PROXY_FIX,
        shows_as=("misconfigured", "cookie_not_sent", "the browser's own error about redirects"),
    ),
    Entry(
        "public.easy_auth",
        "Another sign-in stands in front of the site",
        "People are redirected to {where} before the request reaches the site.",
        "App Service > Authentication > turn it off (Easy Auth); elsewhere the proxy's own"
        " authentication.",
        shows_as=("two sign-ins in a row", "cookie_not_sent"),
    ),
    Entry(
        "public.page",
        "{what}: {title}",
        "{url} answers {quote}.",
        "{fix}",
        shows_as=("a {status} page",),
    ),
    Entry(
        "public.ready",
        "/readyz says that the site is not ready: {parts}",
        "{states}",
        "Run ./manage.py doctor on the instance itself: it says what is wrong.",
        shows_as=("{codes}",),
        if_ok="/healthz and /readyz say that the site is up and ready",
    ),
    Entry(
        "public.login_page",
        "The page has no Microsoft button",
        "{url} answers {quote}, which is not this site's login page.",
        "Correct PUBLIC_URL or the proxy's upstream; keep the content block of"
        " the login page's template.",
        shows_as=("a page without the button",),
        if_ok="The login page is served at {at}{redirected}",
    ),
    _warning(
        "public.other_address",
        "The login page is served at {at}, but PUBLIC_URL here is {public_url}",
        "The site that answers runs with other settings than this command.",
        "If people use {at}, set PUBLIC_URL={at}; or give --url the address they use.",
        shows_as=("cookie_not_sent", "redirect_uri_mismatch"),
    ),
    Entry(
        "public.scheme",
        "The login page redirects people from https to http",
        "{url} redirects to {to}.",
        "Set PUBLIC_URL to the https address; let no proxy redirect to http.",
        shows_as=("cookie_not_sent", "redirect_uri_mismatch"),
    ),
    Entry(
        "public.referrer_policy",
        "A proxy adds Referrer-Policy: no-referrer",
        "Browsers then post the button with Origin: null, which the CSRF check refuses. Received:"
        " {header}",
        "Remove that header at the proxy: the site sends its own.",
        shows_as=_FORM_REFUSED,
    ),
    Entry(
        "public.csp",
        "A Content-Security-Policy blocks the button's redirect to Microsoft",
        "Chrome applies form-action to redirects, too. Received: {header}",
        "Remove form-action and sandbox from the policy that the proxy adds: Microsoft sends people"
        " of federated tenants on to hosts of their own.",
        shows_as=("nothing happens when the button is pressed",),
    ),
    Entry(
        "public.cached",
        "A proxy or CDN caches the login page and serves it to everybody",
        "Received: {header}",
        "Turn caching off for admin and for /accounts/microsoft/ at the CDN; obey no-store.",
        shows_as=_FORM_REFUSED,
    ),
    Entry(
        "public.csrf_cookie",
        "The CSRF cookie does not reach the browser",
        "{name}: {why}.",
        "{fix}",
        shows_as=_FORM_REFUSED,
    ),
    Entry(
        "public.csrf",
        "The button is refused by the CSRF check",
        "It was posted from {origin}, with the cookies that a browser would send. The answer:"
        " {detail}.",
        "{fix}",
        shows_as=_FORM_REFUSED,
    ),
    _warning(
        "public.start",
        "The button leads to {origin}",
        "MICROSOFT_LOGIN_URL here is {authority}: the site that answers runs with other settings.",
        _SAME_ENVIRONMENT,
        if_ok="The button leads to {authorize_url}",
    ),
    Entry(
        "public.rewritten",
        "A proxy rewrites the button's redirect to Microsoft",
        "It leads to {origin}, and should to {authority}.",
        "Let the proxy leave redirects to other hosts unchanged (nginx: proxy_redirect off).",
        shows_as=("the browser's own error page, or the site's 404",),
    ),
    _warning(
        "public.client_id",
        "The site uses the app {theirs}, but {ours} is in force here",
        "Instances have different settings, or this command runs with another environment.",
        "Give all instances and slots the same MICROSOFT_CLIENT_ID and database.",
        shows_as=("client_unknown", "redirect_uri_mismatch"),
    ),
    Entry(
        "public.redirect_uri",
        "Microsoft is told to send people back to {uri}",
        "They come from {at}, and a browser does not send the cookie set there to another host.",
        "Set PUBLIC_URL={at} on every instance and restart.",
        shows_as=("redirect_uri_mismatch", "cookie_not_sent"),
        if_ok="Microsoft is told to send people back to {uri}",
    ),
    _warning(
        "public.secret_key",
        "The site signs with another SECRET_KEY than this command",
        "An instance or slot with a key of its own cannot read states that the others signed.",
        "Give all instances and slots the same SECRET_KEY, and run doctor with it.",
        shows_as=("state_not_ours",),
    ),
    Entry(
        "public.session_cookie",
        "The session cookie {name} {problem}",
        "{name}: {why}.",
        "{fix}",
        shows_as=_NOT_SENT,
        if_ok="The session cookie {name} comes back from Microsoft",
    ),
    Entry(
        "public.rounds",
        if_ok="{returns} returns of {rounds} sign-ins all found their session ({instances}"
        " instances, {processes} processes started them)",
    ),
    *(
        Entry(id_, f"{{share}} {title}", "{why}", fix, shows_as=(code,))
        for code, (id_, title, fix) in RETURNS.items()
    ),
    Entry(
        "public.callback",
        "{share} did not reach the site: {outcome}",
        "Something in front of the site answered instead, or an instance is down.",
        "Read the proxy's log for /accounts/microsoft/login/callback/: an upstream that is down, or"
        " a firewall rule (WAF) that blocks the query.",
        shows_as=("an error page of the proxy",),
    ),
    Entry(
        "public.long_callback",
        "A callback URL as long as Microsoft's does not reach the site; a short one does",
        "A query of {length} characters was answered with {outcome}. Real ones are about as long.",
        "Raise the URL length limit of what stands in front to at least 8 KB (nginx:"
        " large_client_header_buffers 4 16k; WAF: the rule on query length).",
        shows_as=("an error page of the proxy",),
    ),
    _warning(
        "public.forwarded_for",
        "TRUSTED_PROXY_COUNT is higher than the number of proxies",
        "The site took {made_up}, which doctor forged in X-Forwarded-For, for the visitor's"
        " address: anyone can choose the address that is recorded and throttled.",
        "Set TRUSTED_PROXY_COUNT to the number of proxies in front (App Service: 1).",
        if_ok="A forged X-Forwarded-For is not trusted (the site saw {seen})",
    ),
    Entry(
        "public.slow",
        "What stands in front times out on an answer that takes {seconds} s",
        "It answered {quote} after {took} s. A sign-in may wait for Microsoft that long.",
        "Raise its time-out to 30 s (nginx: proxy_read_timeout 30s; Front Door: origin response"
        " time-out).",
        shows_as=("an error page of the proxy",),
        if_ok="An answer that takes {seconds} s arrives",
    ),
    Entry(
        "public.starts",
        "{count} presses of the button did not lead to Microsoft: {outcome}",
        "The first one worked: an instance is down, or has different settings.",
        "Read the log of each instance; give all of them the same environment.",
        shows_as=("an error page when the button is pressed",),
    ),
    _warning(
        "public.repeated",
        "{count} states were reported as used on their first return",
        "A proxy repeats requests, or answers from a cache.",
        "Let the proxy retry no request (nginx: proxy_next_upstream off), and cache nothing under"
        " /accounts/.",
        shows_as=("state_already_used",),
    ),
    Entry(
        "public.used_states",
        "{count} states were accepted a second time",
        "Not every process sees the mark of a used state: CACHES['default'] is not shared.",
        _ONE_REDIS,
        shows_as=_LOST,
    ),
    Entry(
        "public.instances_differ",
        "Instances send people to Microsoft in {count} different ways",
        "{ways}",
        "Give all instances and slots the same PUBLIC_URL and settings for Microsoft.",
        shows_as=("redirect_uri_mismatch", "client_unknown"),
    ),
    *(
        _refused(f"public.{code}", "{what}", shows_as=(code,))
        for code in REASONS
        if code != "session_changed"
    ),
)
_CRASHED: Final = Entry(
    "crashed",
    "The check of {name} itself failed",
    "{error}: {text}",
    "Correct what the message names; if it names nothing, report it as a bug of doctor.",
)


_LEVELS: Final[Mapping[str, Level]] = {"E": "error", "W": "warning", "I": "note"}
_CHECKS: Final = tuple(
    Entry(f"accounts.{code}", check.text, "", check.hint, check.shows_as, level=_LEVELS[code[0]])
    for code, check in CHECKS.items()
)


CATALOGUE: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        entry.id: entry
        for part in (
            _SETTINGS,
            _CHECKS,
            _REDIS,
            _SESSIONS,
            _PROCESSES,
            _DATABASE,
            _CLOCK,
            _APP,
            _PEOPLE,
            _CLAIMS,
            _ROLES,
            _REFUSALS,
            _ONLINE,
            _VISIT,
            (_CRASHED,),
        )
        for entry in part
    }
)


def entry_of(id_: str) -> Entry:
    """The entry of this id; crashes share one, and so do other apps' system checks."""
    if id_ in CATALOGUE:
        return CATALOGUE[id_]
    if id_.endswith(".crashed"):
        return CATALOGUE["crashed"]
    serious = id_.rpartition(".")[2][:1] in ("E", "C")
    return CATALOGUE["environment.check" if serious else "environment.check_warning"]
