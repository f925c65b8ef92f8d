"""The app registration: none, several, wrong id, secret, tenant or redirect URI."""

from datetime import UTC, datetime, timedelta

from allauth.socialaccount.models import SocialApp

from accounts import secretbox
from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, OTHER_TENANT, TENANT
from tests.faults.fault import GETS_IN, ONLINE, fault
from tests.faults.instances import OTHER_KEY
from tests.faults.stage import Stage

UNKNOWN = "44444444-4444-4444-8444-444444444444"


def _app(secret: str = CLIENT_SECRET, **settings: str) -> SocialApp:
    locked = secretbox.lock(secret)
    app: SocialApp = SocialApp.objects.create(
        provider="microsoft", name="Staff", client_id=CLIENT_ID, secret=locked, settings=settings
    )
    return app


@fault(
    "There is no app registration",
    page="not_configured",
    doctor="app.in_force",
    says="There is no Microsoft app",
)
def no_app(stage: Stage) -> str:
    """Neither MICROSOFT_CLIENT_ID in the environment nor a social app in admin."""
    stage.start(MICROSOFT_CLIENT_ID="", MICROSOFT_CLIENT_SECRET="")
    return stage.sign_in()


@fault(
    "There are two Microsoft apps in admin",
    page="several_apps",
    doctor="app.in_force",
    says="There are several Microsoft apps",
    alone=True,
)
def two_apps(stage: Stage) -> str:
    """Two visible social apps with provider microsoft."""
    _app()
    _app()
    stage.start()
    return stage.sign_in()


@fault(
    "The app's secret cannot be read any more",
    page="misconfigured",
    doctor="app.in_force",
    says="SECRET_KEY has changed since it was stored",
    alone=True,
)
def unreadable_secret(stage: Stage) -> str:
    """SECRET_KEY was replaced without SECRET_KEY_FALLBACKS after the app was saved in admin."""
    _app()
    stage.start(SECRET_KEY=OTHER_KEY)
    return stage.sign_in()


@fault(
    "Admin's app holds the secret's ID",
    page="client_secret_wrong",
    doctor="app.secret",
    says="That is the secret's ID: copy the column Value",
    alone=True,
)
def secret_id_in_admin(stage: Stage) -> str:
    """The column Secret ID was copied into the social app, not the column Value."""
    _app(secret=UNKNOWN)
    stage.start()
    return stage.sign_in()


@fault(
    "The secret will soon expire",
    page=GETS_IN,
    doctor="app.secret_expiry",
    says="The client secret expires in",
    alone=True,
)
def secret_expires_soon(stage: Stage) -> str:
    """The app's secret is good for another ten days, as entered with it."""
    _app(secret_expires=(datetime.now(UTC) + timedelta(days=10)).date().isoformat())
    stage.start()
    return stage.sign_in()


@fault(
    "The client secret is wrong",
    page="client_secret_wrong",
    doctor="online.secret",
    says="AADSTS7000215",
    ask=ONLINE,
    alone=True,
)
def secret_wrong(stage: Stage) -> str:
    """The secret at Microsoft is another one than ours."""
    stage.emulator.set_secrets(["a-new-secret-that-we-do-not-have"])
    return stage.sign_in()


@fault(
    "The client secret has expired",
    page="client_secret_expired",
    doctor="online.secret",
    says="AADSTS7000222",
    ask=ONLINE,
    alone=True,
)
def secret_expired(stage: Stage) -> str:
    """The secret is past its date at Microsoft."""
    stage.emulator.expire_secret()
    return stage.sign_in()


@fault(
    "Microsoft does not know the client ID",
    page="Microsoft's own page, AADSTS700016",
    doctor="online.secret",
    says="AADSTS700016",
    ask=ONLINE,
)
def client_unknown(stage: Stage) -> str:
    """MICROSOFT_CLIENT_ID is of an app that was deleted, or of another tenant."""
    stage.start(MICROSOFT_CLIENT_ID=UNKNOWN)
    return stage.sign_in()


@fault(
    "There is no such tenant",
    page="tenant_not_found",
    doctor="online.discovery",
    says="AADSTS90002",
    ask=ONLINE,
)
def tenant_unknown(stage: Stage) -> str:
    """MICROSOFT_TENANT_ID has a typing error."""
    stage.start(MICROSOFT_TENANT_ID="11111111-1111-4111-8111-111111111119")
    return stage.sign_in()


@fault(
    "The tenant's domain belongs to another tenant than the allowed one",
    page="wrong_tenant",
    doctor="online.tenant",
    says="which is not allowed",
    ask=ONLINE,
)
def domain_of_another_tenant(stage: Stage) -> str:
    """MICROSOFT_TENANT_ID is a domain, MICROSOFT_ALLOWED_TENANTS the GUID of another tenant."""
    stage.start(MICROSOFT_TENANT_ID="fabrikam.example", MICROSOFT_ALLOWED_TENANTS=TENANT)
    return stage.sign_in("other_tenant")


@fault(
    "The tenant is not in MICROSOFT_ALLOWED_TENANTS",
    page="wrong_tenant",
    doctor="app.tenant",
    says="MICROSOFT_ALLOWED_TENANTS",
)
def tenant_not_allowed(stage: Stage) -> str:
    """MICROSOFT_ALLOWED_TENANTS lists another tenant than MICROSOFT_TENANT_ID."""
    stage.start(MICROSOFT_ALLOWED_TENANTS=OTHER_TENANT)
    return stage.sign_in()


@fault(
    "The redirect URI is not registered",
    page="Microsoft's own page, AADSTS50011",
    doctor="online.redirect_uri",
    says="The redirect URI is not registered",
    ask=ONLINE,
    alone=True,
)
def redirect_uri_unknown(stage: Stage) -> str:
    """The app registration lists another address than PUBLIC_URL's callback."""
    uri = "https://old.example.com/accounts/microsoft/login/callback/"
    stage.emulator.unregister_redirect_uris()
    stage.emulator.register_redirect_uris([uri])
    return stage.sign_in()
