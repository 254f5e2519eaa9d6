"""How one page follows another. Pure: from where a reading stands and what came, to where it goes on."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from connectors import templates
from connectors.http import Answer
from connectors.templates import MISSING
from schemas.documents import scopes
from schemas.documents.calls import CursorPage, LinkPage, NumberPage, OffsetPage, Page

_NEXT_LINK = re.compile(r'<([^>]*)>\s*;[^,]*\brel\s*=\s*"?next\b', re.IGNORECASE)


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a reading of pages stands. Its text form is the cursor that callers keep."""

    cursor: str | int | None = None
    page: int = 0
    """Pages read."""
    offset: int = 0
    """Records read."""
    link: str = ""
    since: int = 0
    """Of an incremental read: the time that is asked from, ms since the epoch."""

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Raises ValueError if it is not the text of a mark."""
        return msgspec.json.decode(text, type=cls)


Advance = Callable[[Mark, Answer, int], Mark | None]
"""(where the reading stood, the answer, records in it) → where it goes on; None: that was the last page."""


def page_scope(page: Page | None, mark: Mark) -> dict[str, Any]:
    """What expressions read as `page`."""
    start = page.start if isinstance(page, NumberPage) else 1
    return {
        "size": page.size if page else 1000,
        "cursor": mark.cursor,
        "number": start + mark.page,
        "offset": mark.offset,
    }


def since_scope(ms: int) -> dict[str, Any]:
    """What expressions read as `since`."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return {
        "epoch_ms": ms,
        "epoch_s": ms // 1000,
        "iso": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "date": f"{moment:%Y-%m-%d}",
        "text": f"{moment:%Y-%m-%d %H:%M:%S}",
    }


def advance(page: Page | None) -> Advance:
    """How pages of this kind follow each other. The result raises ExpressionFailed."""
    if isinstance(page, CursorPage):
        return _by_cursor(page)
    if isinstance(page, NumberPage):
        return _by_number(page)
    if isinstance(page, OffsetPage):
        return _by_offset(page)
    if isinstance(page, LinkPage):
        return _by_link
    return lambda mark, answer, count: None


def _by_cursor(page: CursorPage) -> Advance:
    read = templates.reader(page.next, "body", scopes.ANSWER)

    def following(mark: Mark, answer: Answer, count: int) -> Mark | None:
        found = read(answer.json, {})
        if found is MISSING or found is None or found == "":
            return None
        cursor = found if isinstance(found, str | int) else str(found)
        return msgspec.structs.replace(mark, cursor=cursor, page=mark.page + 1, offset=mark.offset + count)

    return following


def _by_number(page: NumberPage) -> Advance:
    """A product may give smaller pages than it was asked for: where it says how many there are, that is believed."""
    total = _figure(page.pages)

    def following(mark: Mark, answer: Answer, count: int) -> Mark | None:
        pages = total(answer)
        if count == 0 or (pages is None and page.pages is None and count < page.size):
            return None
        if pages is not None and mark.page + 1 >= pages:
            return None
        return msgspec.structs.replace(mark, page=mark.page + 1, offset=mark.offset + count)

    return following


def _by_offset(page: OffsetPage) -> Advance:
    total = _figure(page.total)

    def following(mark: Mark, answer: Answer, count: int) -> Mark | None:
        records, read = total(answer), mark.offset + count
        if count == 0 or (records is None and page.total is None and count < page.size):
            return None
        if records is not None and read >= records:
            return None
        return msgspec.structs.replace(mark, page=mark.page + 1, offset=read)

    return following


def _by_link(mark: Mark, answer: Answer, count: int) -> Mark | None:
    match = _NEXT_LINK.search(answer.headers.get("Link", ""))
    if match is None:
        return None
    return msgspec.structs.replace(mark, link=match[1], page=mark.page + 1, offset=mark.offset + count)


def _figure(source: str | None) -> Callable[[Answer], int | None]:
    """A count that the answer states; None where it does not."""
    if source is None:
        return lambda _: None
    if source.startswith("header."):
        name = source.removeprefix("header.")
        return lambda answer: _count(answer.headers.get(name))
    read = templates.reader(source, "body", scopes.ANSWER)
    return lambda answer: _count(read(answer.json, {}))


def _count(found: object) -> int | None:
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return found
    return int(found) if isinstance(found, str) and found.isascii() and found.isdigit() else None
