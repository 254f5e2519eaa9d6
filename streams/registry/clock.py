"""The time that rows are stamped with."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Ms since the epoch, UTC."""
    return time.time_ns() // 1_000_000
