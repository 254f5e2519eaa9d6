"""Ports for the servers that tests start."""

from __future__ import annotations

import random
import socket

BELOW_EPHEMERAL = range(20_000, 32_000)
"""No outgoing connection of this machine gets a port in this range, so a free one stays free until it is bound."""


def free_port() -> int:
    """A loopback port on which nobody listens, with its successor free too (Kafka's controller takes that)."""
    while True:
        port = random.choice(BELOW_EPHEMERAL)
        if _is_free(port) and _is_free(port + 1):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
