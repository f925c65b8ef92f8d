"""What only runs beside the packages of other teams (requirements/hosts.txt)."""

from importlib.util import find_spec

# `make versions` runs the tests where only what the site needs is installed.
collect_ignore = [] if find_spec("axes") else ["test_crowded_site.py"]
