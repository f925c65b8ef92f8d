"""The tenants and the app registration that the emulator knows, all of them made up."""

from typing import Final

TENANT: Final = "11111111-1111-4111-8111-111111111111"
OTHER_TENANT: Final = "22222222-2222-4222-8222-222222222222"
# The tenant of all personal accounts is the same everywhere, and nobody's secret.
CONSUMERS: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
DOMAINS: Final = {"contoso.example": TENANT, "fabrikam.example": OTHER_TENANT}
TENANTS: Final = frozenset({TENANT, OTHER_TENANT})
TEMPLATES: Final = frozenset({"organizations", "common"})

CLIENT_ID: Final = "33333333-3333-4333-8333-333333333333"
CLIENT_SECRET: Final = "emulator-secret-not-for-production"
CALLBACK_PATH: Final = "/accounts/microsoft/login/callback/"
CALLBACK_TAIL: Final = "/microsoft/login/callback/"  # wherever a host has mounted it
DEFAULT_PORT: Final = 8400


def real_tenant(segment: str) -> str | None:
    """The GUID that a tenant segment stands for; templates stand for themselves."""
    name = segment.lower()
    if name in TENANTS or name in TEMPLATES:
        return name
    if name == "consumers":
        return CONSUMERS
    return DOMAINS.get(name)
