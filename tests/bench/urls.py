"""The site's URLs, and Django's own front page beside ours."""

from functools import cache
from pathlib import Path
from typing import Any

import django.contrib.admin
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from project.urls import urlpatterns as ours

_FILE = Path(django.contrib.admin.__file__).parent / "templates/admin/index.html"


def djangos_own(request: HttpRequest) -> HttpResponse:
    """Without a line of ours but the frame that every page of admin has."""
    site = admin.site
    context = {
        **AdminSite.each_context(site, request),
        "title": site.index_title,
        "subtitle": None,
        "app_list": AdminSite.get_app_list(site, request),
    }
    template = _template()
    request.current_app = site.name
    return HttpResponse(template.render(context, request))


@cache
def _template() -> Any:
    return engines["django"].from_string(_FILE.read_text())


urlpatterns = [
    path("admin/djangos-own/", admin.site.admin_view(djangos_own)),
    *ours,
]
