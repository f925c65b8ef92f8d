"""`--url`: signs in through the public address as a browser would, up to Microsoft's page.

cookies    a browser's cookie rules          story      the visit, recorded as plain data
browser    requests, each a new connection   diagnosis  what that means, as ids and facts
"""

from __future__ import annotations

from collections.abc import Iterator

from ..finding import Observation
from .diagnosis import observations_of
from .story import visit


def run(url: str, ca_file: str = "", *, slow: bool = False) -> Iterator[Observation]:
    """Visits the site; whatever stops the visit is a finding."""
    yield from observations_of(visit(url.rstrip("/"), ca_file, slow=slow))
