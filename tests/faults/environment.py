"""Environment variables that stop the start, in words; and those that only warn."""

from tests.faults.fault import GETS_IN, NO_START, START_UP, fault
from tests.faults.stage import Stage
from tests.servers.process import NotStarted


def _refuses_to_start(stage: Stage, name: str, value: str) -> str:
    stage.env[name] = value
    try:
        stage.start(mistake="", workers=1, **{name: value})
    except NotStarted:
        return NO_START
    return GETS_IN


@fault(
    "MICROSOFT_CLIENT_SECRET is the secret's ID",
    page=NO_START,
    doctor=START_UP,
    says="looks like the secret's ID: copy the column Value, not Secret ID",
)
def secret_id(stage: Stage) -> str:
    """A GUID for a secret."""
    guid = "44444444-4444-4444-8444-444444444444"
    return _refuses_to_start(stage, "MICROSOFT_CLIENT_SECRET", guid)


@fault(
    "SECRET_KEY is missing",
    page=NO_START,
    doctor=START_UP,
    says="SECRET_KEY is required",
)
def no_secret_key(stage: Stage) -> str:
    """SECRET_KEY is empty, DEBUG is off."""
    return _refuses_to_start(stage, "SECRET_KEY", "")


@fault(
    "REDIS_URL is missing",
    page=NO_START,
    doctor=START_UP,
    says="REDIS_URL is required",
)
def no_redis_url(stage: Stage) -> str:
    """REDIS_URL is empty, DEBUG is off: sessions would have no place that all processes share."""
    return _refuses_to_start(stage, "REDIS_URL", "")


@fault(
    "PUBLIC_URL has a path",
    page=NO_START,
    doctor=START_UP,
    says="PUBLIC_URL must hold scheme and host only",
)
def public_url_with_path(stage: Stage) -> str:
    """PUBLIC_URL ends in /admin."""
    return _refuses_to_start(stage, "PUBLIC_URL", "https://staff.example.com/admin")


@fault(
    "TRUSTED_PROXY_COUNT is not a number",
    page=NO_START,
    doctor=START_UP,
    says="TRUSTED_PROXY_COUNT must be a whole number",
)
def proxy_count_in_words(stage: Stage) -> str:
    """TRUSTED_PROXY_COUNT is yes."""
    return _refuses_to_start(stage, "TRUSTED_PROXY_COUNT", "yes")


@fault(
    "MICROSOFT_TENANT_ID is common",
    page=NO_START,
    doctor=START_UP,
    says="MICROSOFT_TENANT_ID must not be 'common'",
)
def tenant_common(stage: Stage) -> str:
    """The endpoint that lets personal Microsoft accounts in."""
    return _refuses_to_start(stage, "MICROSOFT_TENANT_ID", "common")


@fault(
    "Only a proxy may go out",
    page=GETS_IN,
    doctor="environment.outgoing_proxy",
    says="requests to Microsoft do not use a proxy",
)
def outgoing_proxy(stage: Stage) -> str:
    """HTTPS_PROXY is set; nothing here uses it, and here Microsoft can be reached without."""
    stage.start(HTTPS_PROXY="http://proxy.example.com:3128")
    return stage.sign_in()
