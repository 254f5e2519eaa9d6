"""Each rule taken out, by putting stock behaviour back into the classes of this process."""

from __future__ import annotations

from collections.abc import Callable

WITHOUT: dict[str, Callable[[], None]] = {}
