"""When a value was set: a hybrid logical clock, totally ordered (Kulkarni et al., 2014)."""

from __future__ import annotations

from typing import NamedTuple


class Version(NamedTuple):
    """The vendor's change time in ms, a counter for what happened within it, and where the value came from.

    Compared as a tuple, so any two versions are ordered. `origin` is a connection id for an edit that was
    observed there, and `~` + installation id for a decision of ours: a decision can never equal an edit.
    """

    ms: int
    counter: int = 0
    origin: str = ""

    def next(self, origin: str) -> Version:
        """The smallest version of `origin` that is later than this one."""
        return Version(self.ms, self.counter + 1, origin)


ZERO = Version(0, 0, "")
"""Of a value that nobody is known to have set: older than everything, in conflict with nothing."""
