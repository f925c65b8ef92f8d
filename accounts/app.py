"""What this app is called where it runs: nothing in it knows its label or import name by heart."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth import get_permission_codename, get_user_model
from django.urls import NoReverseMatch, reverse

NAME: Final = __name__.rpartition(".")[0]  # of the package, to write dotted paths with


@lru_cache(maxsize=1)
def label() -> str:
    """The app's label, which its tables, permissions and admin's URL names begin with."""
    return next(config.label for config in apps.get_app_configs() if config.name == NAME)


def dotted(path: str) -> str:
    """`web.backends.MicrosoftBackend` as settings name it."""
    return f"{NAME}.{path}"


def permission(codename: str) -> str:
    """A permission on one of this app's models."""
    return f"{label()}.{codename}"


def user_permission(action: str) -> str:
    """`view`, `add`, `change` or `delete` on users, whatever their model."""
    meta = get_user_model()._meta
    return f"{meta.app_label}.{get_permission_codename(action, meta)}"


def admin_url(page: str, *args: Any) -> str:
    """A page of one of this app's models: `signin_changelist`. Raises NoReverseMatch."""
    return reverse(f"admin:{label()}_{page}", args=args)


def user_url(page: str, *args: Any) -> str:
    """A page of the user admin, this app's or the site's own; "" where there is none."""
    meta = get_user_model()._meta
    try:
        keys = [quote(key) for key in args]  # a text may have a slash in it
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=keys)
    except NoReverseMatch:
        return ""
