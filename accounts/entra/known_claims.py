"""Every claim is listed here: as checked, as used, or as unchecked with the reason.

Microsoft adds claims. The name of one that is not listed is logged once a day, its value never.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

CHECKED: Final = frozenset(
    {"iss", "aud", "exp", "iat", "nbf", "nonce", "sub", "oid", "tid", "ver", "azp"}
)
USED: Final = frozenset(
    {
        "email", "preferred_username", "name", "idp", "acct", "email_verified", "xms_edov",
        "sid", "login_hint", "auth_time", "acrs", "roles", "groups", "hasgroups", "_claim_names",
    }
)  # fmt: skip
# Why they are not checked. Microsoft, "ID token claims reference", "Configure optional claims".
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "internal to Microsoft": "aio rh xms_st xms_ftd",
        "names the token in Microsoft's own logs": "uti",
        "the code, and with it the token, is taken once": "jti",
        "no access token is used": "at_hash xms_cc scp",
        "binds a code to a token of the authorize endpoint, which is not asked for": "c_hash",
        "not documented for v2.0 tokens; Conditional Access decides on factors": "amr acr",
        "Microsoft sends it in the header, where it is checked": "typ",
        "rights come from app roles": "wids _claim_sources",
        "may change hands; tid and oid are the identity": "upn unique_name",
        "tid and oid are the identity": "onprem_sid",
        "email and xms_edov decide": "verified_primary_email verified_secondary_email",
        "for display only, and not shown here": "given_name family_name nickname picture"
        " ctry tenant_ctry tenant_region_scope xms_pl xms_tpl app_displayname",
        "Conditional Access decides on networks": "in_corp ipaddr fwd",
        "Microsoft demands the change of a password": "pwd_exp pwd_url",
        "idp and acct decide on guests": "xms_idrel",
        "of v1.0 tokens; azp is checked": "appid",
    }
)
UNCHECKED: Final[Mapping[str, str]] = MappingProxyType(
    {name: reason for reason, names in _REASONS.items() for name in names.split()}
)
_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
_MOST: Final = 50  # names a day, so that no token fills the log
_DAY: Final = 86_400
log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _logged_on(day: float) -> set[str]:
    """The names that this process has logged that day."""
    return set()


def log_unknown_claims(claims: Iterable[str], now: float) -> None:
    """Log the names that are not listed, each once a day."""
    logged = _logged_on(now // _DAY)
    unknown = sorted({*claims} - CHECKED - USED - UNCHECKED.keys() - logged)
    for name in unknown[: max(0, _MOST - len(logged))]:
        logged.add(name)
        printable = name if _NAME.fullmatch(name) else "(a name of odd characters)"
        log.warning("id_token: the claim %s is neither checked nor used here", printable)
