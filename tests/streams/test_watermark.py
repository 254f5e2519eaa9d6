from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.watermark import Watermark


def _delivered(*offsets: int) -> Watermark:
    mark = Watermark()
    for offset in offsets:
        mark.deliver(offset)
    return mark


def test_nothing_is_committable_before_an_acknowledgement() -> None:
    assert _delivered(5, 6).committable is None


def test_a_later_acknowledgement_waits_for_the_earlier_one() -> None:
    mark = _delivered(5, 6, 7)
    mark.acknowledge(7)
    mark.acknowledge(6)
    assert mark.committable is None
    mark.acknowledge(5)
    assert mark.committable == 8


def test_offsets_that_were_never_delivered_are_no_gap() -> None:
    mark = _delivered(5, 9, 40)
    mark.acknowledge(5)
    assert mark.committable == 6
    mark.acknowledge(40)
    assert mark.committable == 6
    mark.acknowledge(9)
    assert mark.committable == 41


def test_a_repeated_delivery_is_waited_for_once() -> None:
    mark = _delivered(5, 5, 4)
    mark.acknowledge(5)
    assert (mark.committable, mark.under_way) == (6, 0)


def test_an_acknowledgement_of_something_unknown_changes_nothing() -> None:
    mark = _delivered(5)
    mark.acknowledge(4)
    assert mark.committable is None
    mark.acknowledge(5)
    assert mark.committable == 6


@given(st.lists(st.integers(0, 1_000), unique=True, min_size=1).map(sorted), st.randoms())
def test_the_watermark_never_passes_an_unacknowledged_offset(offsets: list[int], chance: object) -> None:
    mark = _delivered(*offsets)
    order = list(offsets)
    chance.shuffle(order)  # type: ignore[attr-defined]  # hypothesis' Random has no public type
    open_offsets = set(offsets)
    for offset in order:
        mark.acknowledge(offset)
        open_offsets.discard(offset)
        if mark.committable is not None:
            assert all(mark.committable <= still for still in open_offsets)
    assert mark.committable == offsets[-1] + 1
