"""Our settings as they are, with the meter when it is asked for."""

from project.settings import *  # noqa: F403
from project.settings import MIDDLEWARE
from tests.bench.metering import metered

MIDDLEWARE = metered(MIDDLEWARE)
