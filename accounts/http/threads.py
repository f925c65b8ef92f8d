"""Work in the background that nobody waits for and that may be lost."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def start_thread(work: Callable[..., None], *args: object) -> None:
    """Never raises: at exit, or at the limit of threads, the work is simply not done."""
    with contextlib.suppress(RuntimeError):
        threading.Thread(target=work, args=args, daemon=True).start()
