"""What pages call this site, and whom they name to ask: SITE_NAME and ADMIN_CONTACT."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from ..conf import conf


def names(request: HttpRequest | None = None) -> dict[str, Any]:
    """A context processor; the site's titles are Django's own where SITE_NAME is empty."""
    titles = dict.fromkeys(("site_title", "site_header"), conf.SITE_NAME)
    return {"admin_contact": conf.ADMIN_CONTACT, **(titles if conf.SITE_NAME else {})}
