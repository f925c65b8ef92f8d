"""Make one-time sign-in links, which the log, the audit and admin's front page report."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from .. import audit, staff_urls, users
from ..conf import conf
from ..models import BreakGlassLink, User
from ..reasons import Refused
from ..signin import break_glass
from ..stores import transaction
from . import people

logger = logging.getLogger("django.security.sign_in")
REPORTED_FOR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Link:
    """A link, which cannot be shown again: only its hash is stored."""

    url: str
    user: User
    expires_at: datetime


@sensitive_variables()
def make(email: str) -> Link:
    """A link that signs this person in, once. Raises people.NoSuchPerson, or Refused."""
    page = staff_urls.break_glass()
    if not page:
        raise Refused("misconfigured", "break glass: no admin site here has Microsoft's button")
    user = people.find(email)
    with transaction.atomic():
        token = break_glass.issue(user)
        audit.write("break_glass.made", user)
    logger.warning(
        "break-glass link made",
        extra={"event": "break_glass_made", "user_id": user.pk, "email": users.email_of(user)},
    )
    url = f"{conf.PUBLIC_URL}{page}?{urlencode({'token': token})}"
    return Link(url, user, timezone.now() + break_glass.LIFETIME)


def made_lately(within: timedelta = REPORTED_FOR) -> QuerySet[BreakGlassLink]:
    """Links made within this time, used or not, newest first."""
    links = BreakGlassLink.objects.filter(made_at__gt=timezone.now() - within)
    return links.select_related("user").order_by("-made_at")
