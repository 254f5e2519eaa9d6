"""What a stage's boundary may say of an error that it caught: enough to find it, nothing of the data it was about."""

from __future__ import annotations

import traceback


def described(error: BaseException) -> str:
    """The error's type and the line that raised it; not its message, which may quote a customer's value."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{where}"
