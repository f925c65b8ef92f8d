"""Every claim is accounted for: checked, used, or left unchecked for a reason.

One that is none of these may mean something that nobody here has thought of (Microsoft adds
claims), so its name is logged, once a day. Its value never is.
"""

from __future__ import annotations

import logging
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from ..per_process import PerProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHECKED: Final = frozenset(
    {"iss", "aud", "exp", "iat", "nbf", "nonce", "sub", "oid", "tid", "ver", "azp"}
)
USED: Final = frozenset(
    {
        "email", "preferred_username", "name", "idp", "acct", "email_verified", "xms_edov",
        "sid", "login_hint", "auth_time", "acrs", "roles", "groups", "hasgroups", "_claim_names",
    }
)  # fmt: skip
_DISPLAY: Final = "only for display, and we show nothing of it"
_GROUPS: Final = "rights come from app roles"
# Microsoft, "ID token claims reference" and "Configure optional claims".
UNCHECKED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aio": "internal to Microsoft",
        "rh": "internal to Microsoft",
        "uti": "names the token in Microsoft's own logs",
        "jti": "the code, and with it the token, is taken once",
        "at_hash": "no access token is used",
        "c_hash": "binds a code to a token of the authorize endpoint, which is not asked for",
        "amr": "said to be missing from v2.0 tokens; Conditional Access decides on factors",
        "acr": "as amr",
        "typ": "Microsoft sends it in the header, where it is checked",
        "wids": _GROUPS,
        "_claim_sources": _GROUPS,
        "upn": "may change hands; tid and oid are the identity",
        "unique_name": "may change hands; tid and oid are the identity",
        "onprem_sid": "tid and oid are the identity",
        "verified_primary_email": "email and xms_edov decide",
        "verified_secondary_email": "email and xms_edov decide",
        "given_name": _DISPLAY,
        "family_name": _DISPLAY,
        "nickname": _DISPLAY,
        "picture": _DISPLAY,
        "ctry": _DISPLAY,
        "tenant_ctry": _DISPLAY,
        "tenant_region_scope": _DISPLAY,
        "xms_pl": _DISPLAY,
        "xms_tpl": _DISPLAY,
        "in_corp": "Conditional Access decides on networks",
        "ipaddr": "Conditional Access decides on networks",
        "fwd": "Conditional Access decides on networks",
        "pwd_exp": "Microsoft demands the change of a password",
        "pwd_url": "Microsoft demands the change of a password",
        "xms_cc": "of access tokens",
        "xms_st": "internal to Microsoft",
        "xms_ftd": "internal to Microsoft",
        "xms_idrel": "idp and acct decide on guests",
        "scp": "of access tokens",
        "appid": "of v1.0 tokens; azp is checked",
        "app_displayname": _DISPLAY,
    }
)
_NAME: Final = re.compile(r"[A-Za-z0-9_.:/-]{1,80}")
_MOST: Final = 50  # names a day, so that no token fills the log
_DAY: Final = 86_400
log = logging.getLogger(__name__)


class _Told:
    """What was logged today."""

    def __init__(self) -> None:
        self._day = -1
        self._names: set[str] = set()

    def news(self, names: Iterable[str], now: float) -> list[str]:
        if int(now // _DAY) != self._day:
            self._day, self._names = int(now // _DAY), set()
        found = [name for name in names if name not in self._names][: _MOST - len(self._names)]
        self._names.update(found)
        return found


_told = PerProcess(_Told)


def tell_unknown(claims: Iterable[str], now: float) -> None:
    """Log the names that nobody has accounted for, each once a day."""
    unknown = sorted({*claims} - CHECKED - USED - UNCHECKED.keys())
    for name in _told.get().news(unknown, now):
        shown = name if _NAME.fullmatch(name) else "(a name of odd characters)"
        log.warning("id_token: the claim %s is neither checked nor used here", shown)
