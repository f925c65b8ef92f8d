"""Signal receivers: a saved Microsoft app or role mapping takes effect in every process."""

from __future__ import annotations

from typing import Any

from allauth.socialaccount.models import SocialApp
from django.contrib.auth.models import Group
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save
from django.dispatch import receiver

from . import registration
from .models import RoleMapping
from .protection import secretbox
from .signin import mapping
from .signin.identities import PROVIDER
from .stores import transaction


@receiver(pre_save, sender=SocialApp, dispatch_uid="accounts.app_secrets_encrypted")
def encrypt_secrets(instance: SocialApp, **kwargs: Any) -> None:
    """Encrypt the app's secrets with the current SECRET_KEY."""
    if instance.provider != PROVIDER or not registration.owns_social_apps():
        return
    instance.secret = secretbox.rotate(instance.secret)
    for name, value in instance.settings.items():
        if isinstance(value, str) and secretbox.is_secret(name):
            instance.settings[name] = secretbox.rotate(value)


@receiver([post_save, post_delete], sender=SocialApp, dispatch_uid="accounts.app_changed")
def app_changed(**kwargs: Any) -> None:
    """Have every process read the Microsoft app again, once the change is committed."""
    # robust: it is saved already, and without Redis each process reads again within a minute
    transaction.on_commit(registration.changed, robust=True)


@receiver([post_save, post_delete], sender=RoleMapping, dispatch_uid="accounts.roles_changed")
@receiver(m2m_changed, sender=RoleMapping.groups.through, dispatch_uid="accounts.role_groups")
@receiver(post_delete, sender=Group, dispatch_uid="accounts.group_of_role_deleted")
def roles_changed(**kwargs: Any) -> None:
    """Have every process read the role mapping again, once the change is committed."""
    transaction.on_commit(mapping.changed, robust=True)
