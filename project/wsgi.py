"""The WSGI application; gunicorn.conf.py has checked the environment before."""

from __future__ import annotations

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from project.reload import load_templates

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = get_wsgi_application()
if not settings.DEBUG:
    load_templates()
