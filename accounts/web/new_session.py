"""Receivers of Django's login signals: lifetime and facts of a session, and wrong passwords."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from ..conf import conf
from ..sessions import service, versions
from ..sessions.store import MICROSOFT
from ..signin import record
from ..stores import transaction
from . import csrf, entrance, request_facts
from .request_facts import SEEN

logger = logging.getLogger("django.security.sign_in")


@receiver(user_logged_in, dispatch_uid="accounts.describe_session")
def describe_session(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """After any sign-in of this app: the session's expiry, and the facts that lists show."""
    now = timezone.now()
    if not entrance.is_from_our_backend(request.session):
        entrance.unmark(request.session)
        return
    entrance.unmark(request.session)  # until the sign-in that they came by marks it
    request.session.pop(MICROSOFT, None)  # of an earlier sign-in of the same person
    request.session[SEEN] = now.timestamp()
    request.session.set_expiry(now + timedelta(hours=conf.SESSION_HOURS))
    request.session["signed_in_at"] = now.isoformat(timespec="seconds")
    request.session["client_ip"] = request_facts.client_ip(request)
    request.session["user_agent"] = request.headers.get("User-Agent", "")[:256]
    versions.mark(request.session, user)
    csrf.remember_token(request)
    request_facts.renew_secret(request, request_facts.secrets_of(request))


@receiver(user_logged_in, dispatch_uid="accounts.bound_sessions")
def bound_sessions(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """End the oldest sessions under SESSIONS_AT_ONCE, after the commit."""
    most, key = conf.SESSIONS_AT_ONCE, request.session.session_key
    if most and entrance.is_from_our_backend(request.session):
        transaction.on_commit(lambda: _end_oldest(request, user, key, most), robust=True)


def _end_oldest(request: HttpRequest, user: Any, key: str | None, most: int) -> None:
    try:
        entrance.write(request.session)  # so that it is counted
        ended = service.end_oldest_of(user, key, most)
    except service.StoreUnavailable:
        logger.warning("older sessions not ended: the session store is unavailable")
        return
    if ended:
        text = ngettext(
            "%(ended)s older session of yours was ended: %(most)s at once are allowed here.",
            "%(ended)s older sessions of yours were ended: %(most)s at once are allowed here.",
            ended,
        )
        messages.info(request, text % {"ended": ended, "most": most}, fail_silently=True)


@receiver(user_login_failed, dispatch_uid="accounts.password_refused")
def log_wrong_password(
    credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any
) -> None:
    """To the log only, since no reason code is for it; never with the password."""
    address = request_facts.client_ip(request) if request is not None else ""
    facts = {"event": "password_refused", "email": str(credentials.get("username", ""))[:254]}
    record.logger.warning("password refused", extra={**facts, "client_ip": address})
