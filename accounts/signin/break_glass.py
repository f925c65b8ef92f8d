"""One-time sign-in links, for when Microsoft or its settings are broken.

A link holds 256 random bits, of which only a hash is stored. It works once, for five minutes, for
one active staff user, unless a newer one is made for them. The rows themselves limit how many are
made, since Redis may be what is broken.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from typing import Final

from django.utils import timezone

from .. import audit, users
from ..models import BreakGlassLink, User
from ..reasons import Refused
from ..stores import transaction

LIFETIME: Final = timedelta(minutes=5)
WITHIN: Final = timedelta(hours=1)
MOST: Final = 5  # links of one person within that time


def issue(user: User) -> str:
    """A new link's token. Raises Refused (user_inactive, user_not_staff, too_many_attempts)."""
    _check_staff(user)
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        # Links made at once wait for each other here, so that each is counted.
        type(user).objects.select_for_update().get(pk=user.pk)
        _check_rate(user)
        now = timezone.now()
        links = BreakGlassLink.objects
        links.filter(user=user, used_at__isnull=True, expires_at__gt=now).update(expires_at=now)
        links.create(user=user, token_hash=_hash(token), expires_at=now + LIFETIME)
    return token


def redeem(token: str) -> User:
    """Use a link up; returns its user. Raises Refused, and then the link is not used up.

    One UPDATE decides, so that of two requests at once one gets in. For use in a transaction.
    """
    now = timezone.now()
    links = BreakGlassLink.objects.filter(token_hash=_hash(token))
    if not links.filter(used_at__isnull=True, expires_at__gt=now).update(used_at=now):
        raise _why_not(links.first())
    user = links.select_related("user").get().user
    _check_staff(user)
    audit.write("break_glass.used", user)
    return user


def _check_staff(user: User) -> None:
    if not user.is_active:
        raise Refused("user_inactive", "user: is_active is off", source="here", user_id=user.pk)
    if not users.is_staff(user):
        raise Refused("user_not_staff", "user: is_staff is off", source="here", user_id=user.pk)


def _check_rate(user: User) -> None:
    since = timezone.now() - WITHIN
    made = BreakGlassLink.objects.filter(user=user, made_at__gt=since).order_by("made_at")
    if made.count() >= MOST:
        oldest = made.values_list("made_at", flat=True)[0]
        wait = (oldest + WITHIN - timezone.now()).total_seconds()
        raise Refused("too_many_attempts", "break glass: too many links", retry_after=round(wait))


def _why_not(link: BreakGlassLink | None) -> Refused:
    if link is None:
        return Refused("state_not_ours", "break-glass link: never made here")
    code, why = "state_expired", "break-glass link: expired, or a newer one was made"
    if link.used_at is not None:
        code, why = "state_already_used", "break-glass link: used before"
    return Refused(code, why, user_id=link.user_id)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
