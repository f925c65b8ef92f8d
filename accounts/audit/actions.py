"""Every kind of audit entry, and its title."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

ACTIONS: Final[Mapping[str, _StrPromise]] = MappingProxyType(
    {
        "person.added": _("Person added"),
        "person.changed": _("Person changed"),
        "person.address_changed": _("Email address changed"),
        "person.password_changed": _("Password changed"),
        "person.rights_changed": _("Rights changed"),
        "person.deleted": _("Person deleted"),
        "person.erased": _("Person's data erased"),
        "identity.linked": _("Microsoft identity linked"),
        "identity.unlinked": _("Microsoft identity unlinked"),
        "group.added": _("Group added"),
        "group.changed": _("Group changed"),
        "group.rights_changed": _("Group's rights changed"),
        "group.deleted": _("Group deleted"),
        "app.added": _("Microsoft app added"),
        "app.changed": _("Microsoft app changed"),
        "app.deleted": _("Microsoft app deleted"),
        "role.mapped": _("App role mapped"),
        "role.unmapped": _("App role no longer mapped"),
        "sessions.ended": _("Sessions ended"),
        "break_glass.made": _("Break-glass link made"),
        "break_glass.used": _("Break-glass link used"),
        "export.sign_ins": _("Sign-ins exported"),
        "export.people": _("People exported"),
        "export.audit": _("Audit exported"),
        "export.rights": _("Rights exported"),
        "sign_ins.pruned": _("Old sign-ins deleted"),
        "admin.added": _("Added in admin"),
        "admin.changed": _("Changed in admin"),
        "admin.deleted": _("Deleted in admin"),
        "audit.acknowledged": _("Findings of the audit acknowledged"),
    }
)


def title_of(action: str) -> str:
    """The title; an action of another version is its own title."""
    return str(ACTIONS.get(action, action))
