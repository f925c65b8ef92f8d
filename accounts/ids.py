"""Formats of Microsoft's identifiers: GUIDs, error numbers, issuers."""

from __future__ import annotations

import re
from typing import Final

GUID_PATTERN: Final = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
GUID: Final = re.compile(GUID_PATTERN)
# "AADSTS" and the number, not a part of a longer one.
AADSTS: Final = re.compile(r"AADSTS([0-9]{4,8})(?![0-9])")
# The one tenant of all personal accounts (Microsoft, "OpenID Connect on the identity platform").
CONSUMER_TENANT: Final = "9188040d-6c67-4c5b-b112-36a304b66dad"
TENANT_PLACEHOLDER: Final = "{tenantid}"  # in the issuer of a multi-tenant discovery document


def is_guid(text: str) -> bool:
    """Whether the whole text is a GUID."""
    return GUID.fullmatch(text) is not None


def tenant_of_issuer(issuer: str) -> str:
    """The tenant in `https://HOST/TENANT/v2.0` or `https://HOST/TENANT/`, in lower case."""
    return issuer.removesuffix("/").removesuffix("/v2.0").rpartition("/")[2].lower()
