"""Marks for states that have been used: in the shared cache, or in the database."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError
from django.utils import timezone

from ..conf import is_a_host
from ..models import UsedMark
from ..stores import transaction

_OF_ONE_PROCESS: Final = ("LocMemCache", "DummyCache", "FileBasedCache")
_SWEPT: Final = 100  # expired rows deleted at a time


def mark(key: str, seconds: int) -> bool:
    """Set the mark for so long; False when any process has set it already."""
    if not _in_database():
        return bool(cache.add(key, 1, seconds))
    now = timezone.now()
    old = UsedMark.objects.filter(until__lt=now).values("pk")[:_SWEPT]
    UsedMark.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    try:
        with transaction.atomic():
            UsedMark.objects.create(key=key, until=now + timedelta(seconds=seconds))
    except IntegrityError:
        return False
    return True


def is_marked(key: str) -> bool:
    """Whether the mark is set."""
    if not _in_database():
        return cache.get(key) is not None
    return UsedMark.objects.filter(key=key, until__gt=timezone.now()).exists()


def _in_database() -> bool:
    backend = str(settings.CACHES.get("default", {}).get("BACKEND", ""))
    return is_a_host() and backend.endswith(_OF_ONE_PROCESS)
