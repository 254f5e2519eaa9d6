"""What an entry of the trail becomes, before any database is asked."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.events import Trail, TrailField
from schemas.records import RecordId
from streams.historian import rows

RECORD, OTHER = RecordId("hs", "contact", "1"), RecordId("fs", "contact", "2")


def entry(**given: object) -> Trail:
    base = Trail(id="e1", tenant="acme", at=1_800_000_000_000, stage="sync", kind="decided", record=RECORD)
    return msgspec.structs.replace(base, **given)


@given(st.text(max_size=40), st.text(max_size=40))
def test_texts_that_are_too_long_stay_different(one: str, other: str) -> None:
    fitted, other_fitted = rows.fitting(one * 30, 100), rows.fitting(other * 30, 100)
    assert len(fitted) <= 100
    assert (fitted == other_fitted) == (one * 30 == other * 30)


def test_a_change_ends_once_for_every_id() -> None:
    found = rows.end_rows([entry(end="applied", changes=("c1", "c2")), entry(changes=("c3",))])
    assert [(row[1], row[2]) for row in found] == [("c1", "applied"), ("c2", "applied")]


def test_sums_count_entries_ends_and_latency_by_day_and_installation() -> None:
    written = entry(
        kind="written", installation="app", end="applied", changes=("c1", "c2"), received_at=entry().at - 40
    )
    total = {place[2:]: value for place, value in rows.sums([written, written, entry()]).items()}
    assert total == {
        ("app", "written"): 2,
        ("app", "end_applied"): 4,
        ("app", "written_with_latency"): 2,
        ("app", "latency_ms"): 80,
        ("", "decided"): 1,
    }


def test_the_same_cause_asks_a_person_once() -> None:
    field = (TrailField(name="phone"),)
    first = rows.opened(entry(kind="attention", reason="invalid_field", fields=field))
    again = rows.opened(entry(id="e2", kind="attention", reason="invalid_field", fields=field))
    other = rows.opened(entry(id="e3", kind="attention", reason="invalid_field", fields=(TrailField(name="city"),)))
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id != other.id


@pytest.mark.parametrize(
    ("kind", "reasons", "fields"),
    [
        ("resolved", (), ()),
        ("written", rows.RETRYING, ("phone",)),
        ("read", ("unreadable",), ()),
        ("linked", rows.UNLINKED_REASONS, ()),
    ],
)
def test_what_settles_a_cause(kind: str, reasons: tuple[str, ...], fields: tuple[str, ...]) -> None:
    found = rows.closed(entry(kind=kind, fields=(TrailField(name="phone"),)))
    assert found is not None
    assert (found.reasons, found.fields) == (reasons, fields)
    assert rows.closed(entry(kind="waiting")) is None


def test_a_link_is_seen_when_it_is_made_completed_and_closed() -> None:
    placeholder = RecordId("fs", "contact", "new:l1")
    linked = rows.link_seen(entry(kind="linked", link="l1", other=placeholder))
    assert linked is not None
    assert linked.records == (RECORD,)
    created = rows.link_seen(entry(kind="written", reason="created", link="l1", record=OTHER, other=RECORD))
    assert created is not None
    assert created.records == (OTHER, RECORD)
    closed = rows.link_seen(entry(kind="unlinked", link="l1", other=OTHER))
    assert closed is not None
    assert closed.state == "unlinked"
    assert rows.link_seen(entry(kind="written", link="l1")) is None
