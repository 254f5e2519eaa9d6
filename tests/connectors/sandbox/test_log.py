"""The request log."""

from __future__ import annotations

from connectors.sandbox.log import Entry, Log


def entry(at: int) -> Entry:
    return Entry(at=at, product="hubspot", account="acme", method="GET", path="/", status=200, by="freshpipe")


def test_reading_starts_at_a_time_and_is_oldest_first() -> None:
    log = Log()
    for at in (1, 2, 2, 3):
        log.append(entry(at))
    assert [each.at for each in log.since(2)] == [2, 2, 3]


def test_the_oldest_entries_make_room() -> None:
    log = Log(capacity=3)
    for at in range(5):
        log.append(entry(at))
    assert [each.at for each in log.since(0)] == [2, 3, 4]
