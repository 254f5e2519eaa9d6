from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import rocksdict

from streams.delivery import TooLarge
from streams.state_store import OFFSET_KEY, StateStore


class Changelog:
    """One partition's; refuses or interrupts when told to."""

    def __init__(self) -> None:
        self.batches: list[dict[bytes, bytes]] = []
        self.before: Callable[[], None] = lambda: None

    async def append(self, partition: int, rows: Mapping[bytes, bytes]) -> int:
        self.before()
        self.batches.append(dict(rows))
        return sum(len(batch) for batch in self.batches) - 1


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


@pytest.fixture
def database(tmp_path: Path) -> rocksdict.Rdict:
    return rocksdict.Rdict(str(tmp_path / "state"), rocksdict.Options(raw_mode=True))


@pytest.fixture
def store(changelog: Changelog, database: rocksdict.Rdict) -> StateStore:
    return StateStore(lambda partition: database, changelog.append)


async def test_rows_are_readable_once_written(store: StateStore) -> None:
    assert store.get(0, b"a") is None
    await store.write(0, {b"a": b"1", b"b": b"2"})
    assert (store.get(0, b"a"), store.get(0, b"b")) == (b"1", b"2")


async def test_rows_of_a_batch_reach_the_changelog_together(store: StateStore, changelog: Changelog) -> None:
    await store.write(0, {b"a": b"1", b"b": b"2"})
    assert changelog.batches == [{b"a": b"1", b"b": b"2"}]


async def test_the_local_copy_notes_the_offset_it_has_reached(store: StateStore, database: rocksdict.Rdict) -> None:
    await store.write(0, {b"a": b"1", b"b": b"2"})
    await store.write(0, {b"a": b"3"})
    assert database.get(OFFSET_KEY) == b"2"


async def test_the_local_copy_is_never_ahead_of_the_changelog(store: StateStore, changelog: Changelog) -> None:
    def visible_too_early() -> None:
        assert store.get(0, b"a") is None

    changelog.before = visible_too_early
    await store.write(0, {b"a": b"1"})


async def test_refused_rows_leave_no_trace(store: StateStore, changelog: Changelog, database: rocksdict.Rdict) -> None:
    def refuse() -> None:
        raise TooLarge("rows", 2, 1)

    changelog.before = refuse
    with pytest.raises(TooLarge):
        await store.write(0, {b"a": b"1"})
    assert (store.get(0, b"a"), database.get(OFFSET_KEY)) == (None, None)


async def test_nothing_changed_writes_nothing(store: StateStore, changelog: Changelog) -> None:
    await store.write(0, {})
    assert changelog.batches == []


def test_faust_looks_for_the_offset_where_it_is_put() -> None:
    from faust.stores.rocksdb import Store

    assert Store.offset_key == OFFSET_KEY
