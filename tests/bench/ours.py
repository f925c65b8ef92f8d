"""Our settings as they are, with the meter when it is asked for."""

import os

from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE
from tests.bench.metering import metered

MIDDLEWARE = metered(MIDDLEWARE)
if os.environ.get("BENCH_URLS"):
    ROOT_URLCONF = "tests.bench.urls"
