"""What can go wrong in the streams package, named by what to do about it."""

from __future__ import annotations


class DatabaseAway(Exception):
    """MySQL does not answer, and trying again for a moment did not help: wait, keep what you have, try later."""


class NotThere(LookupError):
    """There is no such thing in this tenant."""


class AlreadyThere(Exception):
    """Such a thing exists already, or something still uses it."""


class MigrationsBusy(Exception):
    """Another process has been migrating for a minute: look at it, then try again."""


class TopicsWrong(Exception):
    """Topics on the broker are not as they must be; `problems` says for each what and how to mend it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
