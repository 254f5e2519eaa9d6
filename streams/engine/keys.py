"""Find records by their match keys."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b

from schemas.records import RecordId
from schemas.values import Value
from streams.engine.plan import MatchKey, PairPlan, Side
from streams.engine.state import RecordRow
from streams.engine.work import Place, Work


def reindex(work: Work, record: RecordId) -> None:
    """Let the index name the record by the match keys that it has now."""
    row = work.record(record)
    keys = list(_index_names(work, record, row)) if row.alive and not row.twin else []
    if keys == row.keys:
        return
    for name in row.keys:
        if name not in keys:
            index = work.index(name)
            index.records = [known for known in index.records if known != record]
    for name in keys:
        index = work.index(name)
        if record not in index.records:
            index.records.append(record)
    row.keys = keys


def with_key(work: Work, place: Place, side: Side, key: MatchKey, text: str | None) -> list[RecordId]:
    """The live records of one side that have the key."""
    if text is None:
        return []
    name = _index_name(place.installation.id, place.pair, key, side, text)
    found: list[RecordId] = []
    for record in work.index(name).records:
        real = work.now_called(record)
        if work.record(real).alive and not work.record(real).twin and real not in found:
            found.append(real)
    return found


def key_of(key: MatchKey, side: Side, row: RecordRow) -> str | None:
    """The record's key by what its product holds; by what is wanted only while it has not been created."""
    name, make = (key.left, key.left_key) if side == "left" else (key.right, key.right_key)
    value: Value = row.effective(name)[0] if not row.cells else row.cells[name].value if name in row.cells else None
    return make(value)


def _index_names(work: Work, record: RecordId, row: RecordRow) -> Iterator[str]:
    for place in work.places(record):
        for key in place.pair.match:
            text = key_of(key, place.side, row)
            if text is not None:
                yield _index_name(place.installation.id, place.pair, key, place.side, text)


def _index_name(installation: str, pair: PairPlan, key: MatchKey, side: Side, text: str) -> str:
    """A person's data stays out of row keys: the value is there as a digest."""
    digest = blake2b(text.encode(), digest_size=12).hexdigest()
    return f"{installation}/{pair.name}/{key.name}/{side}/{digest}"
