"""The Help desk group: sees who has trouble signing in and why, and can sign people out.

It changes nobody's rights, identity, address or password.
"""

from __future__ import annotations

from typing import Final

from django.contrib.auth.models import Group, Permission

from ..app import permission, user_permission
from ..stores import transaction

NAME: Final = "Help desk"


def names() -> tuple[str, ...]:
    """What its members may do, as "app.codename"."""
    return user_permission("view"), permission("view_signin"), permission("end_sessions")


def make() -> bool:
    """Make the group; False when there is one of the name already, which stays as it is."""
    with transaction.atomic():
        group, made = Group.objects.get_or_create(name=NAME)
        if made:
            group.permissions.set(_permission(name) for name in names())
    return made


def _permission(name: str) -> Permission:
    app, _, codename = name.partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)
