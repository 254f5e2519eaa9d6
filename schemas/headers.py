"""Kafka headers: CloudEvents 1.0 in binary mode, and W3C trace context.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

Headers = list[tuple[str, bytes]]


def headers_of(*, id: str, source: str, type: str, at: int, traceparent: str = "") -> Headers:
    """The headers of one message; `at` is in ms since the epoch, `source` the process that speaks."""
    pairs = [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", f"freshpipe/{source}".encode()),
        ("ce_type", f"freshpipe.{type}.v1".encode()),
        ("ce_time", datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").encode()),
        ("content-type", b"application/json"),
    ]
    if traceparent:
        pairs.append(("traceparent", traceparent.encode()))
    return pairs


def traceparent_of(headers: Iterable[tuple[str, bytes]] | None) -> str:
    """The trace context that came with a message, to be handed on; empty if none."""
    return next((value.decode("ascii", "replace") for name, value in headers or () if name == "traceparent"), "")
