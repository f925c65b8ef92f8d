"""The environments of sites under test: what docs/settings.md requires, and no more."""

from tests.emulator.ids import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.servers.process import clean_environment

__all__ = [
    "CLIENT_ID",
    "CLIENT_SECRET",
    "SECRET_KEY",
    "TENANT",
    "deployed_environment",
    "site_environment",
]
SECRET_KEY = "only-for-tests-and-long-enough-for-every-check-0123456789-abcdefghij"


def site_environment(
    *, public_url: str, database_url: str, redis_url: str, login_url: str
) -> dict[str, str]:
    """Production settings, with the emulator for Microsoft."""
    return {
        "DEBUG": "false",
        "SECRET_KEY": SECRET_KEY,
        "PUBLIC_URL": public_url,
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "MICROSOFT_TENANT_ID": TENANT,
        "MICROSOFT_CLIENT_ID": CLIENT_ID,
        "MICROSOFT_CLIENT_SECRET": CLIENT_SECRET,
        "MICROSOFT_LOGIN_URL": login_url,
    }


def deployed_environment() -> dict[str, str]:
    """What a deployed site has, for checks that connect to nothing."""
    return clean_environment(
        **site_environment(
            public_url="https://staff.example.com",
            database_url="postgres://site:password@127.0.0.1/site",
            redis_url="redis://127.0.0.1/0",
            login_url="https://login.microsoftonline.com",
        )
    )
