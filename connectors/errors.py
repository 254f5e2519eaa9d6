"""What a call to a product can end in, other than well: one exception, sorted by what to do about it."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

from schemas.events import Category

LONGEST_WAIT_MS = 86_400_000


class CallFailed(Exception):
    """A call did not bring what it was made for.

    `category` alone decides what happens next. `status` is the HTTP status, 0 where no answer came. `message` is
    short and holds the vendor's words without values of ours or secrets. `field` is the connector's name of the
    field to blame, where the vendor says. `existing_id` is, of a duplicate, the record that is there already.
    `retry_after_ms` is how long the vendor (or our quota) wants us to wait. `sent` says that the call may have
    taken effect all the same: it left this machine, and no definite refusal came back.
    """

    def __init__(
        self,
        category: Category,
        message: str = "",
        *,
        status: int = 0,
        field: str = "",
        existing_id: str | None = None,
        retry_after_ms: int | None = None,
        sent: bool = False,
    ) -> None:
        super().__init__(f"{category}: {message}" if message else category)
        self.category = category
        self.message = message
        self.status = status
        self.field = field
        self.existing_id = existing_id
        self.retry_after_ms = retry_after_ms
        self.sent = sent


class EgressRefused(Exception):
    """An address that this process may not speak to: outside the connector's hosts, or not on the public internet."""


def retry_after_ms(text: str | None, now_ms: int) -> int | None:
    """A Retry-After header (seconds or an HTTP date, RFC 9110 §10.2.3) as ms from `now_ms`, capped at a day.

    None where there is none or it cannot be read; a time that has passed is 0.
    """
    if not text:
        return None
    text = text.strip()
    try:
        wait = float(text) * 1000
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        wait = at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000 - now_ms
    if wait != wait:  # the header said "nan"
        return None
    return int(min(max(wait, 0), LONGEST_WAIT_MS))
