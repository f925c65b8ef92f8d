"""What proves the app: keys that stop the start, and proofs that Microsoft refuses, by number."""

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from allauth.socialaccount.models import SocialApp
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.emulator.discovery import issuer_of
from tests.emulator.ids import CLIENT_ID, TENANT
from tests.emulator.proofs import AUDIENCE
from tests.faults.fault import GETS_IN, NO_START, ONLINE, START_UP, Fault
from tests.faults.stage import UNKNOWN, Stage
from tests.support.certificates import DAY, both, certificate, key_pem, pem_of, public_pem
from tests.support.keys import private_key

CLUSTER = "https://oidc.cluster.example/abc/"
SUBJECT = "system:serviceaccount:web:Site"
WITHOUT = {"MICROSOFT_CLIENT_SECRET": ""}
MADE, FOLLOWING = certificate(), certificate("second")
REFUSED = "client_credential_refused"


# --- keys with which nothing starts --------------------------------------------------------------


def _key(sentence: str, set_up: str, says: str, pem: str, **env: str) -> Fault:
    return Fault(
        sentence,
        set_up,
        env={**WITHOUT, "MICROSOFT_CLIENT_CERTIFICATE": pem.replace("\n", "\\n"), **env},
        page=NO_START,
        doctor=START_UP,
        says=says,
    )


def _small() -> str:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - what is to be refused
    return pem_of(certificate(key=key)) + key_pem(key)


certificate_without_key = _key(
    "The certificate comes without its key",
    "MICROSOFT_CLIENT_CERTIFICATE holds the file that was uploaded to Entra.",
    "MICROSOFT_CLIENT_CERTIFICATE holds a certificate without its private key",
    pem_of(MADE),
)
key_without_certificate = _key(
    "The key comes without its certificate",
    "MICROSOFT_CLIENT_CERTIFICATE holds the private key alone.",
    "holds a private key without its certificate",
    key_pem(private_key("first")),
)
key_of_another_certificate = _key(
    "The key belongs to another certificate",
    "MICROSOFT_CLIENT_CERTIFICATE holds last year's key with this year's certificate.",
    "holds a private key that belongs to another certificate",
    both(MADE, "second"),
)
key_with_a_passphrase = _key(
    "The key is encrypted, and its passphrase is not set",
    "MICROSOFT_CLIENT_CERTIFICATE is encrypted, MICROSOFT_CLIENT_CERTIFICATE_PASSWORD is empty.",
    "holds an encrypted key, and its passphrase is not set",
    both(MADE, "first", "word"),
)
key_with_another_passphrase = _key(
    "The passphrase does not open the key",
    "MICROSOFT_CLIENT_CERTIFICATE_PASSWORD is of another file.",
    "holds a key that this passphrase does not open",
    both(MADE, "first", "word"),
    MICROSOFT_CLIENT_CERTIFICATE_PASSWORD="another",
)
certificate_has_ended = _key(
    "The certificate has ended",
    "MICROSOFT_CLIENT_CERTIFICATE is past its date.",
    "holds a certificate that expired on",
    both(certificate(ends=-timedelta(hours=1))),
)
key_too_short = _key(
    "The key has 1024 bits",
    "MICROSOFT_CLIENT_CERTIFICATE was made by an old tool.",
    "holds an RSA key of 1024 bits",
    _small(),
)
secret_and_identity = Fault(
    "A secret and a managed identity are set at once",
    "MICROSOFT_CLIENT_SECRET stayed when MICROSOFT_MANAGED_IDENTITY_CLIENT_ID came.",
    env={"MICROSOFT_MANAGED_IDENTITY_CLIENT_ID": UNKNOWN},
    page=NO_START,
    doctor=START_UP,
    says="MICROSOFT_MANAGED_IDENTITY_CLIENT_ID is set, and MICROSOFT_CLIENT_SECRET too",
)
token_file_missing = Fault(
    "The cluster mounts no token",
    "MICROSOFT_TOKEN_FILE names a file that is not there.",
    env={**WITHOUT, "MICROSOFT_TOKEN_FILE": "/var/run/secrets/azure/tokens/none"},
    page=NO_START,
    doctor=START_UP,
    says="MICROSOFT_TOKEN_FILE names a file that cannot be read (No such file or directory)",
)


# --- what Microsoft refuses -----------------------------------------------------------------------


Env = Callable[[Stage], dict[str, str]]


def _by_certificate(*registered: Any, source: str = both(MADE)) -> Env:
    def env(stage: Stage) -> dict[str, str]:
        stage.emulator.set_certificates([pem_of(one) for one in registered])
        return WITHOUT | {"MICROSOFT_CLIENT_CERTIFICATE": source}

    return env


certificate_not_registered = Fault(
    "Entra does not have the certificate",
    "MICROSOFT_CLIENT_CERTIFICATE is this year's, under Certificates & secrets is last year's.",
    env=_by_certificate(FOLLOWING),
    page=REFUSED,
    record="AADSTS700027",
    doctor="online.credential",
    says="AADSTS700027",
    ask=ONLINE,
)
next_certificate_not_registered = Fault(
    "Entra does not have the next certificate yet",
    "MICROSOFT_CLIENT_CERTIFICATE holds two, of which the second was not uploaded.",
    env=_by_certificate(MADE, source=both(MADE) + both(FOLLOWING, "second")),
    page=GETS_IN,
    doctor="online.credential_next",
    says="which is next",
    ask=ONLINE,
)
certificate_ends_soon = Fault(
    "The certificate will soon end",
    "MICROSOFT_CLIENT_CERTIFICATE is good for another ten days.",
    env=_by_certificate(MADE, source=both(certificate(ends=10 * DAY))),
    before=lambda stage: stage.emulator.set_certificates([]),
    page=REFUSED,
    doctor="app.certificate_expires_soon",
    says="expires in 10 days",
)


def _by_file(*federated: dict[str, str], ends_in: int = 3600) -> Env:
    """A cluster's token, and what the registration trusts in its place."""

    def env(stage: Stage) -> dict[str, str]:
        stage.emulator.trust_issuer(CLUSTER, public_pem("cluster"))
        stage.emulator.set_federated(*federated)
        folder = stage.stack.enter_context(tempfile.TemporaryDirectory())
        path, now = Path(folder) / "token", int(time.time())
        claims = {"iss": CLUSTER, "sub": SUBJECT, "aud": AUDIENCE, "exp": now + ends_in}
        path.write_text(jwt.encode(claims, private_key("cluster"), "RS256"))
        return WITHOUT | {"MICROSOFT_TOKEN_FILE": str(path)}

    return env


def _federated(sentence: str, set_up: str, number: int, *federated: dict[str, str]) -> Fault:
    return Fault(
        sentence,
        set_up,
        env=_by_file(*federated),
        page=REFUSED,
        record=f"AADSTS{number}",
        doctor="online.credential",
        says=f"AADSTS{number}",
        ask=ONLINE,
    )


no_federated_credential = _federated(
    "The app has no federated credential",
    "The token file is mounted, but nothing was added under Federated credentials.",
    70021,
)
issuer_without_its_slash = _federated(
    "The federated credential has another issuer",
    "The issuer under Federated credentials lacks its last slash.",
    700211,
    {"issuer": CLUSTER.rstrip("/"), "subject": SUBJECT},
)
subject_of_another_account = _federated(
    "The federated credential has another subject",
    "The subject under Federated credentials names another service account.",
    700213,
    {"issuer": CLUSTER, "subject": "system:serviceaccount:web:other"},
)
subject_in_another_case = _federated(
    "The federated credential's subject differs in case",
    "The service account is Site, the subject under Federated credentials ends in site.",
    7002138,
    {"issuer": CLUSTER, "subject": SUBJECT.lower()},
)
audience_of_another_cloud = _federated(
    "The federated credential has another audience",
    "The audience under Federated credentials is that of the US Government's cloud.",
    700212,
    {"issuer": CLUSTER, "subject": SUBJECT, "audience": "api://AzureADTokenExchangeUSGov"},
)
token_is_stale = Fault(
    "The cluster no longer renews the token",
    "The token in MICROSOFT_TOKEN_FILE ended an hour ago.",
    env=_by_file({"issuer": CLUSTER, "subject": SUBJECT}, ends_in=-3600),
    page=REFUSED,
    record="AADSTS700024",
    doctor="app.token_stale",
    says="The token in the token file expired 60 minutes ago",
)
token_of_a_person = Fault(
    "The federated token is not one of an identity",
    "MICROSOFT_TOKEN_FILE holds a token that Entra gave to something else.",
    env=lambda stage: _by_token(stage, stage.emulator.id_token()),
    page=REFUSED,
    record="AADSTS700222",
    doctor="online.credential",
    says="AADSTS700222",
    ask=ONLINE,
)


def _by_token(stage: Stage, token: str) -> dict[str, str]:
    stage.emulator.set_federated({"issuer": issuer_of(stage.emulator.url, TENANT), "subject": "x"})
    folder = stage.stack.enter_context(tempfile.TemporaryDirectory())
    (path := Path(folder) / "token").write_text(token)
    return WITHOUT | {"MICROSOFT_TOKEN_FILE": str(path)}


# --- what cannot be had here ----------------------------------------------------------------------

identity_not_attached = Fault(
    "The identity is not attached to this host",
    "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID is set, and nothing here gives out its token.",
    env=WITHOUT
    | {
        "MICROSOFT_MANAGED_IDENTITY_CLIENT_ID": UNKNOWN,
        "IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token",
        "IDENTITY_HEADER": "none",
    },
    page="credential_unavailable",
    record="managed identity: no token",
    doctor="app.federated",
    says="gives no token",
)


def _app(**settings: str) -> SocialApp:
    app: SocialApp = SocialApp.objects.create(
        provider="microsoft", name="Staff", client_id=CLIENT_ID, settings=settings
    )
    return app


kept_certificate_has_ended = Fault(
    "The certificate in admin has ended",
    "The app in admin proves itself by a certificate that is past its date, without a next one.",
    before=lambda stage: _app(
        credential="certificate", certificate=both(certificate(ends=-timedelta(hours=1)))
    ),
    workers=1,
    page="credential_unavailable",
    record="expired on",
    doctor="app.in_force",
    says="expired on",
)
file_named_in_admin = Fault(
    "The app in admin asks for a token file that the environment does not name",
    "The app proves itself by a token file, and MICROSOFT_TOKEN_FILE is empty.",
    before=lambda stage: _app(credential="token_file"),
    workers=1,
    page="credential_unavailable",
    record="MICROSOFT_TOKEN_FILE is not set",
    doctor="app.in_force",
    says="MICROSOFT_TOKEN_FILE is not set",
)
