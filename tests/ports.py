"""Ports for the servers that tests start."""

from __future__ import annotations

import random
import socket

BELOW_EPHEMERAL = range(20_000, 32_000)
"""No outgoing connection of this machine gets a port in this range, so a free one stays free until it is bound."""


def free_port(count: int = 2) -> int:
    """The first of `count` loopback ports in a row on which nobody listens; two: Kafka's and its controller's."""
    while True:
        first = random.choice(BELOW_EPHEMERAL)
        if all(_is_free(port) for port in range(first, first + count)):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
