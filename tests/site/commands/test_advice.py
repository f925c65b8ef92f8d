"""What fixes, reasons and documents tell people to type: each is run, and does what it is for.

A fault is there, doctor or the page names a command, the command is run, and the fault is gone.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from allauth.socialaccount.models import SocialAccount, SocialApp
from django.contrib.auth.models import Group
from django.db import connection
from django.test import override_settings
from pytest_django import Settings

from accounts.management.commands import microsoft_app
from accounts.models import BreakGlassLink, SignIn, User
from accounts.operate.doctor.probes import app, database, people
from accounts.protection import secretbox
from accounts.sessions.index import sessions
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, OTHER_TENANT, TENANT
from tests.emulator.proofs import AUDIENCE
from tests.servers.process import scratch
from tests.support.certificates import both, certificate, pfx, public_pem
from tests.support.doctoring import bad
from tests.support.keys import private_key
from tests.support.operators import open_browser, run, run_json
from tests.unit.documents.test_commands_typed import (
    COMMAND,
    WORD,
    of_sentence,
    parser_of,
    sources,
    subparsers,
)

if TYPE_CHECKING:
    from tests.emulator.server import Emulator

pytestmark = pytest.mark.django_db(transaction=True)
ADA, BOB = "ada@contoso.example", "bob@contoso.example"
SECRET = "abc8Q~the-value-of-the-column-Value-0123456789"
PASSPHRASE = "the passphrase of a certificate"
OID = "55555555-5555-4555-8555-555555555555"
CLUSTER = "https://oidc.cluster.example/abc/"
CACHE = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache_of_advice"}


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def an_app(**fields: Any) -> SocialApp:
    secret = secretbox.encrypt(fields.pop("secret", SECRET))
    values = {"provider": "microsoft", "name": "Staff", "client_id": CLIENT_ID, **fields}
    made: SocialApp = SocialApp.objects.create(**values, secret=secret)
    return made


def in_settings() -> dict[str, Any]:
    return dict(SocialApp.objects.get().settings)


def kept(name: str = "secret") -> str:
    """A secret of the app as it is by now."""
    made = SocialApp.objects.get()
    return secretbox.decrypt(made.secret if name == "secret" else made.settings[name])


def bound(tenant: str) -> None:
    user = User.objects.create_user(ADA, is_superuser=True)
    SocialAccount.objects.create(user=user, provider="microsoft", uid=f"{tenant}:{OID}")


@dataclass(frozen=True)
class Advice:
    """`faulty` says whether the fault is there, before and no longer after; `says` is printed."""

    typed: str
    before: Callable[[], object] = lambda: None
    faulty: Callable[[], object] | None = None
    says: str = ""
    stdin: str = ""
    and_then: Callable[[str], object] = field(default=lambda out: None)


def found(probe: Callable[[], Any], id_: str) -> Callable[[], bool]:
    return lambda: id_ in bad(probe())


def refused(reason: str = "unknown_user") -> None:
    SignIn.objects.create(outcome="refused", reason=reason, reference="BCDF-2345", email=ADA)


def sql_of(pattern: str) -> Callable[[str], None]:
    """What is printed is given to the database, as a person would by dbshell."""

    def carry_out(out: str) -> None:
        statements = [line for line in out.split(";\n") if re.search(pattern, line)]
        assert statements, out
        for statement in statements:
            execute(statement)

    return carry_out


def sequence_behind() -> None:
    user = User.objects.create_user(ADA, is_superuser=True)
    SocialAccount.objects.create(pk=70_000, user=user, provider="other", uid="x")
    execute("SELECT setval(pg_get_serial_sequence('socialaccount_socialaccount', 'id'), 1, false)")


def stock_identity() -> None:
    """As allauth's own provider keeps one: the object ID alone."""
    user = User.objects.create_user(ADA, is_superuser=True)
    SocialAccount.objects.create(user=user, provider="microsoft", uid=OID)


def signed_in() -> None:
    person = User.objects.create_user(BOB)
    client = open_browser()
    client.force_login(person)


def session_index_has_some() -> bool:
    return any(sessions().all())


def certificate_file() -> Path:
    path = scratch("advice") / "certificate.pem"
    path.write_text(both(certificate("advice"), "advice"))
    return path


def token_file(emulator: Emulator) -> str:
    """The token of a cluster whose federated credential the app has."""
    now = int(time.time())
    claims = {"iss": CLUSTER, "sub": "system:serviceaccount:web:site", "aud": AUDIENCE}
    token = jwt.encode(claims | {"iat": now, "exp": now + 3600}, private_key("cluster"), "RS256")
    emulator.trust_issuer(CLUSTER, public_pem("cluster"))
    emulator.set_federated({"issuer": CLUSTER, "subject": claims["sub"]})
    path = scratch("advice") / "token"
    path.write_text(token)
    return str(path)


def pfx_file() -> Path:
    path = scratch("advice") / "staff.pfx"
    path.write_bytes(pfx(certificate("advice"), "advice", PASSPHRASE))
    return path


ADVICE = [
    # people
    Advice("staff add EMAIL", faulty=lambda: not User.objects.filter(email=BOB).exists()),
    Advice("staff add EMAIL --superuser", faulty=found(people.run, "people.staff")),
    Advice("staff add EMAIL --oid OBJECT-ID", faulty=lambda: not SocialAccount.objects.exists()),
    Advice(
        "staff add EMAIL --superuser --oid OBJECT-ID",
        faulty=lambda: not SocialAccount.objects.exists(),
    ),
    Advice(
        "staff reactivate EMAIL",
        before=lambda: User.objects.create_user(BOB, is_active=False),
        faulty=lambda: not User.objects.get(email=BOB).is_active,
    ),
    Advice(
        "staff deactivate EMAIL",
        before=lambda: User.objects.create_user(BOB),
        faulty=lambda: User.objects.get(email=BOB).is_active,
    ),
    Advice(
        "staff unlink ADA --reason TEXT",
        before=lambda: bound(OTHER_TENANT),
        faulty=found(people.run, "people.other_tenants"),
    ),
    Advice(
        "staff unlink --tenant GUID --reason TEXT --yes",
        before=lambda: bound(TENANT),
        faulty=SocialAccount.objects.exists,
    ),
    Advice(
        "staff relink MOVED --reason TEXT --skip-unknown --yes",
        before=lambda: User.objects.create_user(BOB),
        faulty=lambda: User.objects.filter(email=BOB).exists(),
    ),
    Advice("staff list --idle 90 --csv", says="email,name,state"),
    Advice("staff list --search ada", before=lambda: bound(TENANT), says=ADA),
    Advice("staff list --state never", before=lambda: User.objects.create_user(BOB), says=BOB),
    Advice("staff add --file FILE", faulty=lambda: not User.objects.filter(email=BOB).exists()),
    Advice("staff preview EXPORT", before=lambda: User.objects.create_user(BOB), says=BOB),
    Advice(
        "staff preview EXPORT --role Editor=staff",
        before=lambda: User.objects.create_user(BOB),
        says=BOB,
    ),
    Advice(
        "staff preview EXPORT --link",
        before=lambda: User.objects.create_user(BOB),
        faulty=lambda: not SocialAccount.objects.exists(),
    ),
    Advice("staff adopt --from allauth"),
    Advice(
        "staff adopt --from allauth --tenant GUID --yes",
        before=stock_identity,
        faulty=lambda: SocialAccount.objects.filter(uid=OID).exists(),
    ),
    Advice(
        "staff erase EMAIL --reason TEXT --yes",
        before=lambda: User.objects.create_user(BOB),
        faulty=lambda: User.objects.filter(email=BOB).exists(),
    ),
    Advice("break_glass EMAIL", before=lambda: User.objects.create_superuser(BOB),
           faulty=lambda: not BreakGlassLink.objects.exists(), says="/admin/break-glass/?token="),
    # the record, sessions, roles, the audit
    Advice("sign_ins --reference BCDF-2345", before=refused, says="BCDF-2345"),
    Advice("sign_ins --since 1h --outcome refused", before=refused, says="unknown_user"),
    Advice("sign_ins --since 1h --reason CODE", before=refused, says="BCDF-2345"),
    Advice("sign_ins --reason CODE", before=refused, says="BCDF-2345"),
    Advice("sign_ins --prune", says="deleted"),
    Advice("sign_ins --since 1h --counts", before=refused, says="unknown_user"),
    Advice("sign_ins --since 1h --csv", before=refused, says="BCDF-2345"),
    Advice("sessions list --email EMAIL --json", before=signed_in, says=BOB),
    Advice("sessions end --email EMAIL", before=signed_in, faulty=session_index_has_some),
    Advice("sessions end --everyone", before=signed_in, faulty=session_index_has_some),
    Advice("sessions end --handle HANDLE", before=signed_in, faulty=session_index_has_some),
    Advice("roles list"),
    Advice(
        "roles set Superuser --superuser",
        before=lambda: User.objects.create_superuser(ADA),
        faulty=lambda: "Superuser" not in run("roles", "list"),
    ),
    Advice(
        "roles set Staff --remove",
        before=lambda: (User.objects.create_superuser(ADA), run("roles", "set", "Staff")),
        faulty=lambda: "Staff" in run("roles", "list"),
    ),
    Advice(
        "roles preview Staff --group Editors",
        before=lambda: Group.objects.create(name="Editors"),
    ),
    Advice(
        "roles set Staff --group Editors",
        before=lambda: (User.objects.create_superuser(ADA), Group.objects.create(name="Editors")),
        faulty=lambda: "Editors" not in run("roles", "list"),
    ),
    Advice("roles preview"),
    Advice(
        "audit list --since 1h --action person --person ada",
        before=lambda: bound(TENANT),
        says=ADA,
    ),
    Advice("audit list --since 1h --csv", before=lambda: bound(TENANT), says=ADA),
    Advice("audit verify --head HEAD", before=lambda: bound(TENANT)),
    Advice("audit verify --acknowledge TEXT", before=lambda: bound(TENANT)),
    # the app registration
    Advice("microsoft_app show", says="/accounts/microsoft/login/callback/"),
    Advice("microsoft_app test", says=""),
    Advice("microsoft_app register", says="az "),
    Advice("microsoft_app register --role Staff", says="Staff"),
    Advice("microsoft_app register --manifest", says="redirectUri"),
    Advice(
        "microsoft_app set --client-id GUID --secret-stdin --secret-expires DATE",
        faulty=lambda: not SocialApp.objects.exists(),
        stdin=SECRET,
    ),
    Advice(
        "microsoft_app set --next-secret-stdin",
        before=an_app,
        faulty=lambda: "next_secret" not in in_settings(),
        stdin=SECRET[::-1],
    ),
    Advice(
        "microsoft_app set --certificate CERTIFICATE --untested",
        before=an_app,
        faulty=lambda: not any("certificate" in name for name in in_settings()),
    ),
    Advice(
        "microsoft_app set --certificate PFX --passphrase-env --untested",
        before=an_app,
        faulty=lambda: not any("certificate" in name for name in in_settings()),
    ),
    Advice(
        "microsoft_app set --managed-identity GUID --untested",
        before=an_app,
        faulty=lambda: not any("managed" in name for name in in_settings()),
    ),
    Advice(
        "microsoft_app set --token-file",  # tested: the emulator trusts the cluster
        before=an_app,
        faulty=lambda: in_settings().get("credential") != "token_file",
    ),
    Advice(
        "microsoft_app set --undo --untested",
        before=lambda: (an_app(), run("microsoft_app", "set", "--tenant", TENANT, "--untested")),
        faulty=lambda: in_settings().get("tenant") == TENANT,
    ),
    Advice(
        "microsoft_app set --client-id GUID",
        before=lambda: an_app(client_id="my-app"),
        faulty=found(app.run, "app.client_id"),
    ),
    Advice(
        "microsoft_app set --tenant GUID",
        before=lambda: an_app(settings={"tenant": "common"}),
        faulty=found(app.run, "app.tenant"),
    ),
    Advice(
        "microsoft_app set --secret-prompt",
        before=lambda: an_app(secret=OID),
        faulty=found(app.run, "app.secret"),
        stdin=SECRET,
    ),
    Advice(
        "microsoft_app set --next --secret-stdin",
        before=an_app,
        faulty=lambda: "next_secret" not in SocialApp.objects.get().settings,
        stdin=SECRET[::-1],
    ),
    Advice(
        "microsoft_app set --next --secret-prompt",
        before=lambda: an_app(settings={"next_secret": secretbox.encrypt(OID)}),
        faulty=found(app.run, "app.next_secret"),
        stdin=SECRET[::-1],
    ),
    Advice(
        "microsoft_app set --promote-next",
        before=lambda: an_app(settings={"next_secret": secretbox.encrypt(SECRET[::-1])}),
        faulty=lambda: kept() == SECRET,
    ),
    # the database
    Advice(
        "sqlsequencereset accounts socialaccount",
        before=sequence_behind,
        faulty=found(database.uses, "database.sequence"),
        and_then=sql_of("setval"),
    ),
    Advice(
        "sqlmigrate accounts 0001",
        before=lambda: execute("DROP INDEX accounts_user_email_unique"),
        faulty=found(database.schema, "database.accounts_user_email_unique"),
        and_then=sql_of('CREATE UNIQUE INDEX "accounts_user_email_unique"'),
    ),
    Advice("migrate --noinput", says="No migrations to apply"),
    Advice("showmigrations accounts", says="[X] 0001"),
    # doctor
    Advice("doctor --explain redis.eviction", says="noeviction"),
    Advice("doctor --explain all", says="# What doctor says"),
]  # fmt: skip


def written(name: str, text: str) -> Path:
    path = scratch("advice") / name
    path.write_text(text)
    return path


WORDS: dict[str, Any] = {
    "EMAIL": BOB, "ADA": ADA, "OBJECT-ID": OID, "TEXT": "tidying", "CODE": "unknown_user",
    "DATE": "2099-01-31", "CERTIFICATE": certificate_file, "PFX": pfx_file,
    "HANDLE": lambda: next(iter(sessions().all())).handle,
    "HEAD": lambda: run_json("audit", "verify")["head"],
    "FILE": lambda: written("people.csv", f"email,name\n{BOB},Bob\n"),
    "MOVED": lambda: written("moved.csv", f"old,new\n{BOB},moved@contoso.example\n"),
    "EXPORT": lambda: written("export.csv", f"userPrincipalName,displayName,id\n{BOB},Bob,{OID}\n"),
}  # fmt: skip


def typed(advice: str) -> list[str]:
    """The words, with what stands for something put in."""
    words = advice.split()
    there = {**WORDS, "GUID": TENANT if "--tenant" in words else CLIENT_ID}
    return [str(made()) if callable(made := there.get(word, word)) else made for word in words]


@pytest.mark.parametrize("advice", ADVICE, ids=lambda advice: advice.typed)
def test_what_is_advised_does_what_it_is_for(
    advice: Advice, emulator: Emulator, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    if "--token-file" in advice.typed:
        settings.MICROSOFT_TOKEN_FILE = token_file(emulator)
    advice.before()
    assert advice.faulty is None or advice.faulty(), "the fault is not there to begin with"
    monkeypatch.setattr("sys.stdin", io.StringIO(advice.stdin))
    monkeypatch.setattr(microsoft_app, "getpass", lambda *_: advice.stdin)
    monkeypatch.setenv("MICROSOFT_CLIENT_CERTIFICATE_PASSWORD", PASSPHRASE)
    emulator.set_secrets([CLIENT_SECRET, SECRET, SECRET[::-1]])
    out = run(*typed(advice.typed))
    assert advice.says in out
    advice.and_then(out)
    assert advice.faulty is None or not advice.faulty()


def test_createcachetable_makes_the_table_that_doctor_misses() -> None:
    with override_settings(CACHES={"default": CACHE}):
        assert "database.cache_table" in bad(database.schema())
        run("createcachetable")
        assert "database.cache_table" not in bad(database.schema())
    execute("DROP TABLE cache_of_advice")


# Run elsewhere, as what they need says: a release, a build, a person at a terminal, development.
ELSEWHERE = {
    "createcachetable": "above",
    "doctor": "tests/running/test_doctor_command.py, and each row of tests/faults",
    "check": "tests/running/test_deploy_page.py, and CI's production settings",
    "collectstatic": "tests/site/test_static_files.py",
    "entra_emulator": "tests/running/test_emulator.py",
    "demo": "tests/running/test_emulator.py",
    "dbshell": "psql, which is not part of this project",
    "makemigrations": "tests/recipes, for a team's own app",
    "createsuperuser": "Django's own, named as what not to use",
    "changepassword": "Django's own",
    "shell": "Django's own",
}


def named() -> set[tuple[str, ...]]:
    """Each command that is named anywhere, with its action and its flags."""
    found = (match.groups() for _, text in sources() for match in COMMAND.finditer(text))
    return {key_of(*each) for each in found}


def key_of(command: str, rest: str) -> tuple[str, ...]:
    """Command, action and flags, in one order."""
    words = [word.strip(".:,") for word in of_sentence(WORD.findall(rest))]
    action = words[:1] if words[:1] and words[0] in subparsers(parser_of(command)) else []
    flags = sorted({word.partition("=")[0] for word in words if word.startswith("--")})
    return (command, *action, *flags)


def test_each_command_that_is_named_is_run() -> None:
    """With each of its flags, though not with all that are named together."""
    run_here = [key_of(*each.typed.partition(" ")[::2]) for each in ADVICE]
    left = [
        key
        for key in named()
        if key[0] not in ELSEWHERE
        for flag in key[1:] or ("",)
        if flag != "--help"
        if not any(key[0] == done[0] and (flag in done or not flag) for done in run_here)
    ]
    assert sorted(set(left)) == []
