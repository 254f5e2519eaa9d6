"""What can go wrong in the streams package, named by what to do about it."""

from __future__ import annotations


class DatabaseAway(Exception):
    """MySQL does not answer, and trying again for a moment did not help: wait, keep what you have, try later."""


class NotThere(LookupError):
    """There is no such thing in this tenant."""


class AlreadyThere(Exception):
    """Such a thing exists already, or something still uses it."""
