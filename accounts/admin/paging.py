"""Pages of long lists, without counting them in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.core.paginator import Paginator
from django.utils.functional import cached_property
from typing_extensions import override

if TYPE_CHECKING:
    Base = Paginator[Any]
else:
    Base = Paginator

BOUND: Final = 10_000


class BoundedPaginator(Base):
    """Counts no further than BOUND: a full COUNT of a million rows would take longer than a page.

    Whoever looks for something older narrows by date, filter or search.
    """

    @cached_property
    @override
    def count(self) -> int:
        """How many rows there are, or BOUND."""
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[:BOUND].count())
