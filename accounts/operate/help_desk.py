"""The Help desk group: sees failed sign-ins and their reasons, and can sign people out.

It cannot change anyone's rights, identity, address or password.
"""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import Group, Permission

from ..app import permission, user_permission
from ..stores import transaction

NAME: Final = "Help desk"


def names() -> tuple[str, ...]:
    """Its permissions, as "app.codename"."""
    return user_permission("view"), permission("view_signin"), permission("end_sessions")


def make() -> bool:
    """Make the group; False when one of the name exists, which is not changed."""
    with transaction.atomic():
        group, created = Group.objects.get_or_create(name=NAME)
        if created:
            group.permissions.set(_permission(name) for name in names())
    return created


def _permission(name: str) -> Permission:
    app, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)
