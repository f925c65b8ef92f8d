"""The site of project/wsgi.py, which reads a template when one is asked for, not all at the start.

For sites that live as long as one test. tests/running/test_reload.py is about the difference.
"""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = get_wsgi_application()
