"""Read Microsoft identities from the tables of other sign-in packages.

The packages need not be installed: the tables are read as their migrations made them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import get_user_model

from ..conf import conf
from ..ids import GUID_PATTERN, is_guid
from ..signin import bindings
from ..signin.identities import PROVIDER, claims_stored_in
from ..stores.transaction import connection
from . import OperatorError

# The backends of python-social-auth for Microsoft's work accounts, and the settings of their keys.
SOCIAL_AUTH_BACKENDS: Final = (
    "azuread-oauth2",
    "azuread-oauth2-v2",
    "azuread-tenant-oauth2",
    "azuread-v2-tenant-oauth2",
    "microsoft-graph",
)
_PERSONAL: Final = re.compile(r"[0-9a-fA-F]{1,16}")  # a personal account's id at Graph
_PAIR: Final = re.compile(rf"({GUID_PATTERN})[.:@]({GUID_PATTERN})")  # tenant, object ID; any order
_LONGEST_SUB: Final = 120
_ADDRESS_KEYS: Final = frozenset({"upn", "preferred_username", "email"})


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """A row of another package: an object ID or a sub, or why it is `unusable`."""

    user_id: Any
    oid: str = ""
    tid: str = ""
    sub: str = ""
    uid: str = ""  # to bind, once that is decided
    address: str = ""
    unusable: str = ""
    blocks: bool = False  # the row keeps another identity from being bound


class NoTable(OperatorError):
    """The package's table is not in the database."""

    def __init__(self, package: str, table: str) -> None:
        super().__init__(
            f"There is no table {table} here: this database never ran {package},"
            " or its table was dropped before its identities were adopted."
        )


def client_ids_of_social_auth() -> frozenset[str]:
    """The client IDs in the settings of python-social-auth."""
    names = (name.replace("-", "_").upper() for name in SOCIAL_AUTH_BACKENDS)
    keys = (getattr(settings, f"SOCIAL_AUTH_{name}_KEY", "") for name in names)
    return frozenset(str(key).lower() for key in keys if key)


def _of_allauth() -> Iterator[StoredIdentity]:
    """`uid` is Graph's id; `extra_data` is what Graph's /me said."""
    for account in SocialAccount.objects.filter(provider=PROVIDER).iterator():
        if bindings.is_complete(account.uid):
            continue
        stored = claims_stored_in(account)
        names = ("mail", "userPrincipalName", "email")
        address = next((str(stored[name]) for name in names if stored.get(name)), "")
        uids = (account.uid, *(str(stored.get(name) or "") for name in ("oid", "id")))
        uid = next(filter(_has_object_id, uids), account.uid)
        yield _by_object_id(account.user_id, uid, address, tid=_tenant_in(stored), blocks=True)


def _of_microsoft_sso() -> Iterator[StoredIdentity]:
    """`microsoft_id` is Graph's id; the column `user_principal_name` came with version 3."""
    wanted = ("user_id", "microsoft_id", "user_principal_name")
    for row in _rows("django-microsoft-sso", "microsoft_sso_user", wanted):
        address = row.get("user_principal_name") or ""
        yield _by_object_id(row["user_id"], row["microsoft_id"] or "", address)


def _of_social_auth() -> Iterator[StoredIdentity]:
    """`uid` is the sub, the object ID or an address, by backend; newer rows keep oid and tid."""
    wanted = ("user_id", "provider", "uid", "id_key", "extra_data")
    for row in _rows("python-social-auth", "social_auth_usersocialauth", wanted):
        if row["provider"] in SOCIAL_AUTH_BACKENDS:
            yield _of_backend(row)


def _of_backend(row: Mapping[str, Any]) -> StoredIdentity:
    user_id, uid, key = row["user_id"], row["uid"], row.get("id_key")
    extra = _as_dict(row["extra_data"])
    oid = str(extra.get("oid") or "")
    if is_guid(oid):
        return _by_object_id(user_id, oid, "", tid=_tenant_in(extra))
    if row["provider"] == "microsoft-graph" or key == "oid" or _has_object_id(uid):
        return _by_object_id(user_id, uid, "", tid=_tenant_in(extra))
    if "@" in uid or key in _ADDRESS_KEYS:
        return StoredIdentity(user_id, address=uid, unusable=f"known by an address only, {uid}")
    if len(uid) > _LONGEST_SUB or not uid.isascii() or ":" in uid:
        return StoredIdentity(user_id, unusable="its uid is no sub of Microsoft's")
    return StoredIdentity(user_id, sub=uid)


def _nothing() -> Iterator[StoredIdentity]:
    """The package stores no identity: it matches by name or address at each sign-in."""
    return iter(())


PACKAGES: Final[Mapping[str, Callable[[], Iterator[StoredIdentity]]]] = MappingProxyType(
    {
        "allauth": _of_allauth,
        "django-microsoft-sso": _of_microsoft_sso,
        "social-auth": _of_social_auth,
        "django-auth-adfs": _nothing,
        "mozilla-django-oidc": _nothing,
    }
)
WITH_TABLES: Final = ("django-microsoft-sso", "social-auth")
WITHOUT_IDENTITIES: Final = frozenset({"django-auth-adfs", "mozilla-django-oidc"})


def _tenant_in(claims: Mapping[str, Any]) -> str:
    """The tenant ID in a row's JSON, or ""."""
    found = (str(claims.get(name) or "").lower() for name in ("tid", "tenantId", "tenant_id"))
    return next(filter(is_guid, found), "")


def _has_object_id(uid: str) -> bool:
    return is_guid(uid.strip()) or _PAIR.fullmatch(uid.strip()) is not None


def _by_object_id(
    user_id: Any, uid: str, address: str, *, tid: str = "", blocks: bool = False
) -> StoredIdentity:
    oid = uid.strip().lower()
    if pair := _PAIR.fullmatch(oid):
        oid, tid = _in_order(*pair.groups())
    if is_guid(oid):
        return StoredIdentity(user_id, oid=oid, tid=tid, address=address, blocks=blocks)
    why = "bound to something that is no object ID"
    if not oid:
        why = "kept without an object ID"
    elif _PERSONAL.fullmatch(oid):
        why = "bound to a personal Microsoft account"
    return StoredIdentity(user_id, address=address, unusable=why, blocks=blocks)


def _in_order(first: str, second: str) -> tuple[str, str]:
    """Object ID and tenant: MSAL's home account IDs have this order, others the reverse."""
    tenants = conf.MICROSOFT_ALLOWED_TENANTS | {conf.MICROSOFT_TENANT_ID.lower()}
    return (second, first) if first in tenants and second not in tenants else (first, second)


def _rows(package: str, table: str, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows, with those wanted columns that the table has. Raises NoTable."""
    key = get_user_model()._meta.pk
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            raise NoTable(package, table)
        described = connection.introspection.get_table_description(cursor, table)
        columns = [column.name for column in described if column.name in wanted]
        quoted = ", ".join(map(connection.ops.quote_name, columns))
        cursor.execute(f"SELECT {quoted} FROM {connection.ops.quote_name(table)}")  # noqa: S608
        for values in cursor.fetchall():
            row = dict(zip(columns, values, strict=True))
            yield row | {"user_id": key.to_python(row["user_id"])}


def _as_dict(value: Any) -> Mapping[str, Any]:
    """A JSON column, which is text in old tables."""
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
