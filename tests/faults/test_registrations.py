"""The app registration: none, several, wrong id, secret, tenant or redirect URI."""

from datetime import UTC, datetime, timedelta

from allauth.socialaccount.models import SocialApp

from accounts.protection import secretbox
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, OTHER_TENANT, TENANT
from tests.faults.fault import GETS_IN, ONLINE, Fault, fault
from tests.faults.stage import OTHER_KEY, UNKNOWN, Stage


def _app(secret: str = CLIENT_SECRET, **settings: str) -> SocialApp:
    locked = secretbox.encrypt(secret)
    app: SocialApp = SocialApp.objects.create(
        provider="microsoft", name="Staff", client_id=CLIENT_ID, secret=locked, settings=settings
    )
    return app


no_app = Fault(
    "There is no app registration",
    "Neither MICROSOFT_CLIENT_ID in the environment nor a social app in admin.",
    env={"MICROSOFT_CLIENT_ID": "", "MICROSOFT_CLIENT_SECRET": ""},
    page="not_configured",
    doctor="app.in_force",
    says="There is no Microsoft app",
)


@fault(
    "There are two Microsoft apps in admin",
    page="several_apps",
    doctor="app.in_force",
    says="There are several Microsoft apps",
)
def two_apps(stage: Stage) -> str:
    """Two visible social apps with provider microsoft."""
    _app()
    _app()
    stage.start()
    return stage.sign_in()


unreadable_secret = Fault(
    "The app's secret cannot be read any more",
    "SECRET_KEY was replaced without SECRET_KEY_FALLBACKS after the app was saved in admin.",
    before=lambda stage: _app(),
    env={"SECRET_KEY": OTHER_KEY},
    page="misconfigured",
    doctor="app.in_force",
    says="SECRET_KEY has changed since it was stored",
)

secret_id_in_admin = Fault(
    "Admin's app holds the secret's ID",
    "The column Secret ID was copied into the social app, not the column Value.",
    before=lambda stage: _app(secret=UNKNOWN),
    workers=1,
    page="client_secret_wrong",
    doctor="app.secret",
    says="That is the secret's ID: copy the column Value",
)

secret_expires_soon = Fault(
    "The secret will soon expire",
    "The app's secret is good for another ten days, as entered with it.",
    before=lambda stage: _app(
        secret_expires=(datetime.now(UTC) + timedelta(days=10)).date().isoformat()
    ),
    workers=1,
    page=GETS_IN,
    doctor="app.secret_expires_soon",
    says="The client secret expires in",
)

secret_wrong = Fault(
    "The client secret is wrong",
    "The secret at Microsoft is another one than ours.",
    before=lambda stage: stage.emulator.set_secrets(["a-new-secret-that-we-do-not-have"]),
    page="client_secret_wrong",
    doctor="online.secret",
    says="AADSTS7000215",
    ask=ONLINE,
)

secret_expired = Fault(
    "The client secret has expired",
    "The secret is past its date at Microsoft.",
    before=lambda stage: stage.emulator.expire_secret(),
    page="client_secret_expired",
    doctor="online.secret",
    says="AADSTS7000222",
    ask=ONLINE,
)

client_unknown = Fault(
    "Microsoft does not know the client ID",
    "MICROSOFT_CLIENT_ID is of an app that was deleted, or of another tenant.",
    env={"MICROSOFT_CLIENT_ID": UNKNOWN},
    page="Microsoft's own page, AADSTS700016",
    record=None,
    log=None,
    doctor="online.secret",
    says="AADSTS700016",
    ask=ONLINE,
)

tenant_unknown = Fault(
    "There is no such tenant",
    "MICROSOFT_TENANT_ID has a typing error.",
    env={"MICROSOFT_TENANT_ID": "11111111-1111-4111-8111-111111111119"},
    page="tenant_not_found",
    doctor="online.discovery",
    says="AADSTS90002",
    ask=ONLINE,
)

domain_of_another_tenant = Fault(
    "The tenant's domain belongs to another tenant than the allowed one",
    "MICROSOFT_TENANT_ID is a domain, MICROSOFT_ALLOWED_TENANTS the GUID of another tenant.",
    person="other_tenant",
    env={"MICROSOFT_TENANT_ID": "fabrikam.example", "MICROSOFT_ALLOWED_TENANTS": TENANT},
    page="wrong_tenant",
    doctor="online.tenant",
    says="which is not allowed",
    ask=ONLINE,
)

tenant_not_allowed = Fault(
    "The tenant is not in MICROSOFT_ALLOWED_TENANTS",
    "MICROSOFT_ALLOWED_TENANTS lists another tenant than MICROSOFT_TENANT_ID.",
    env={"MICROSOFT_ALLOWED_TENANTS": OTHER_TENANT},
    page="wrong_tenant",
    doctor="app.tenant",
    says="MICROSOFT_ALLOWED_TENANTS",
)


@fault(
    "The redirect URI is not registered",
    page="Microsoft's own page, AADSTS50011",
    record=None,
    log=None,
    doctor="online.redirect_uri",
    says="The redirect URI is not registered",
    ask=ONLINE,
)
def redirect_uri_unknown(stage: Stage) -> str:
    """The app registration lists another address than PUBLIC_URL's callback."""
    uri = "https://old.example.com/accounts/microsoft/login/callback/"
    stage.emulator.unregister_redirect_uris()
    stage.emulator.register_redirect_uris([uri])
    return stage.sign_in()
