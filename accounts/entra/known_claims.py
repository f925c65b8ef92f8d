"""Every claim is accounted for: checked, used, or left unchecked for a reason.

One that is none of these may mean something that nobody here has thought of (Microsoft adds
claims), so its name is logged, once a day. Its value never is.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from ..process.per_process import PerProcess

CHECKED: Final = frozenset(
    {"iss", "aud", "exp", "iat", "nbf", "nonce", "sub", "oid", "tid", "ver", "azp"}
)
USED: Final = frozenset(
    {
        "email", "preferred_username", "name", "idp", "acct", "email_verified", "xms_edov",
        "sid", "login_hint", "auth_time", "acrs", "roles", "groups", "hasgroups", "_claim_names",
    }
)  # fmt: skip
# Why each is left unchecked. Microsoft, "ID token claims reference", "Configure optional claims".
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "internal to Microsoft": "aio rh xms_st xms_ftd",
        "names the token in Microsoft's own logs": "uti",
        "the code, and with it the token, is taken once": "jti",
        "no access token is used": "at_hash xms_cc scp",
        "binds a code to a token of the authorize endpoint, which is not asked for": "c_hash",
        "missing from v2.0 tokens, it is said; Conditional Access decides on factors": "amr acr",
        "Microsoft sends it in the header, where it is checked": "typ",
        "rights come from app roles": "wids _claim_sources",
        "may change hands; tid and oid are the identity": "upn unique_name",
        "tid and oid are the identity": "onprem_sid",
        "email and xms_edov decide": "verified_primary_email verified_secondary_email",
        "only for display, and we show nothing of it": "given_name family_name nickname picture"
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


class _LoggedNames:
    """What was logged today."""

    def __init__(self) -> None:
        self._day = -1
        self._names: set[str] = set()

    def not_logged_yet(self, names: Iterable[str], now: float) -> list[str]:
        if int(now // _DAY) != self._day:
            self._day, self._names = int(now // _DAY), set()
        found = [name for name in names if name not in self._names][: _MOST - len(self._names)]
        self._names.update(found)
        return found


_logged = PerProcess(_LoggedNames)


def log_unknown_claims(claims: Iterable[str], now: float) -> None:
    """Log the names that nobody has accounted for, each once a day."""
    unknown = sorted({*claims} - CHECKED - USED - UNCHECKED.keys())
    for name in _logged.get().not_logged_yet(unknown, now):
        shown = name if _NAME.fullmatch(name) else "(a name of odd characters)"
        log.warning("id_token: the claim %s is neither checked nor used here", shown)
