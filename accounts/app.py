"""The app's import name and label in the site that runs it; nothing else hard-codes them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from django.apps import apps
from django.contrib.admin.utils import quote
from django.contrib.auth import get_permission_codename, get_user_model
from django.urls import NoReverseMatch, reverse

NAME: Final = __name__.rpartition(".")[0]  # of the package


@lru_cache(maxsize=1)
def label() -> str:
    """The app's label, with which its tables, permissions and admin URL names begin."""
    return next(config.label for config in apps.get_app_configs() if config.name == NAME)


def dotted(path: str) -> str:
    """The full dotted path of, say, `web.backends.MicrosoftBackend`."""
    return f"{NAME}.{path}"


def permission(codename: str) -> str:
    """The full name of a permission on one of this app's models."""
    return f"{label()}.{codename}"


def user_permission(action: str) -> str:
    """The permission to `view`, `add`, `change` or `delete` users, of whatever model."""
    meta = get_user_model()._meta
    return f"{meta.app_label}.{get_permission_codename(action, meta)}"


def admin_url(page: str, *args: Any) -> str:
    """An admin page of this app's models, such as `signin_changelist`. Raises NoReverseMatch."""
    return reverse(f"admin:{label()}_{page}", args=args)


def user_url(page: str, *args: Any) -> str:
    """A page of the user admin, this app's or the site's own; "" without one."""
    meta = get_user_model()._meta
    try:
        keys = [quote(key) for key in args]  # a primary key of text may have a slash
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=keys)
    except NoReverseMatch:
        return ""
