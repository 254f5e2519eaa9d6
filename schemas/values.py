"""What a field can hold on its way through the system.

Text stays text ("00478"), decimals and ids are text, times are ISO 8601 UTC text in the precision the vendor
gave, lists are tuples of text. A field that is missing from a mapping is *missing*; `None` is *cleared*;
`""` is an empty text: the three are never the same.
"""

from __future__ import annotations

from collections.abc import Mapping

Value = bool | int | str | tuple[str, ...] | None
Fields = Mapping[str, Value]


def is_empty(value: Value) -> bool:
    """True for what says nothing: null, the empty text, the empty list."""
    return value is None or value == "" or value == ()
