"""Pages follow each other until the product says that it is over, and a page that is wrong is never the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from connectors.http import Answer
from connectors.paging import Advance, Mark, advance, page_scope, since_scope
from schemas.documents.calls import CursorPage, LinkPage, NoPage, NumberPage, OffsetPage


def answer(body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(200, headers or {}, msgspec.json.encode(body))


def walk(following: Advance, answers: list[tuple[Answer, int]]) -> int:
    """How many of the answers are read before it is over."""
    mark: Mark | None = Mark()
    for read, (given, count) in enumerate(answers):
        if mark is None:
            return read
        mark = following(mark, given, count)
    return len(answers)


def test_a_cursor_is_followed_until_there_is_none() -> None:
    following = advance(CursorPage(type="cursor", size=2, next="/paging/next/after"))
    first = following(Mark(), answer({"paging": {"next": {"after": "7"}}}), 2)
    assert first == Mark(cursor="7", page=1, offset=2)
    assert following(first or Mark(), answer({"results": []}), 0) is None
    assert following(Mark(), answer({"paging": {"next": {"after": ""}}}), 0) is None


def test_numbered_pages_end_where_the_product_says_and_not_at_a_short_one() -> None:
    following = advance(NumberPage(type="number", size=100, pages="/meta/total_pages"))
    pages = [(answer({"meta": {"total_pages": 3}}), 25)] * 5
    assert walk(following, pages) == 3


def test_numbered_pages_without_a_promised_count_go_on_until_an_empty_one() -> None:
    promised = advance(NumberPage(type="number", size=100, pages="/meta/total_pages"))
    assert walk(promised, [(answer({}), 25), (answer({}), 25), (answer({}), 0), (answer({}), 25)]) == 3
    silent = advance(NumberPage(type="number", size=2))
    assert walk(silent, [(answer(), 2), (answer(), 1), (answer(), 2)]) == 2


def test_a_count_may_stand_in_a_header() -> None:
    following = advance(NumberPage(type="number", size=2, pages="header.total-pages"))
    assert walk(following, [(answer(headers={"total-pages": "2"}), 2)] * 4) == 2


def test_offsets_count_records() -> None:
    following = advance(OffsetPage(type="offset", size=2, total="/total_items"))
    assert following(Mark(), answer({"total_items": 3}), 2) == Mark(page=1, offset=2)
    assert following(Mark(page=1, offset=2), answer({"total_items": 3}), 1) is None


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ('<https://x.io/api?page=2>; rel="next"', "https://x.io/api?page=2"),
        ('<https://x.io/1>; rel="prev", <https://x.io/3>; title="a"; rel=next', "https://x.io/3"),
        ('<https://x.io/1>; rel="prev"', None),
        ("", None),
    ],
)
def test_a_link_header_is_read(header: str, link: str | None) -> None:
    mark = advance(LinkPage(type="link_header", size=2))(Mark(), answer(headers={"Link": header}), 2)
    assert (mark.link if mark else None) == link


def test_what_comes_at_once_has_no_second_page() -> None:
    assert advance(NoPage(type="none"))(Mark(), answer(), 1000) is None
    assert advance(None)(Mark(), answer(), 1) is None


def test_a_mark_survives_as_text() -> None:
    mark = Mark(cursor="a", page=3, offset=300, since=17)
    assert Mark.parse(mark.text) == mark
    with pytest.raises(ValueError, match="JSON"):
        Mark.parse("page 2")


def test_expressions_see_the_page_and_the_time() -> None:
    assert page_scope(NumberPage(type="number", size=50, start=0), Mark(page=2))["number"] == 2
    assert since_scope(1_773_300_826_615) == {
        "epoch_ms": 1773300826615,
        "epoch_s": 1773300826,
        "iso": "2026-03-12T07:33:46Z",
        "date": "2026-03-12",
        "text": "2026-03-12 07:33:46",
    }
