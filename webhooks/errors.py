"""Why a request is not accepted, as the status that it is answered with; and why a product cannot be received."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "unknown_endpoint", "too_large", "too_slow", "unsigned", "bad_signature", "stale", "unparsable", "busy", "away"
]

STATUS: dict[Reason, int] = {
    "unknown_endpoint": 404,
    "too_large": 413,
    "too_slow": 408,
    "unsigned": 401,
    "bad_signature": 401,
    "stale": 401,
    "unparsable": 400,
    "busy": 503,
    "away": 503,
}
"""A failure of our own is always 503: some senders give up for good after another 4xx, and on 410 they unsubscribe."""


class Refused(Exception):
    """The request is answered with `status`; only a 503 is worth sending again."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = STATUS[reason]


class CannotReceive(Exception):
    """A connector document says nothing about webhooks, or what it says cannot be done here."""


class EndpointsAway(Exception):
    """MySQL does not answer: what is cached still counts, what is not cached nobody knows."""
