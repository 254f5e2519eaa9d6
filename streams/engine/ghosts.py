"""Ghosts: writes of ours that may yet appear in a product, because their answer was lost or they are repeated.

What a read shows of them is ours, and old; without this it would look like a person's edit, and the newest one.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.events import Element, FieldWrite
from streams.engine import lists
from streams.engine.state import Ghost, RecordRow

KEPT = 4
"""So many writes of a field are remembered."""


def expect(row: RecordRow, name: str, write: FieldWrite, until: int, *, lost: bool) -> None:
    """The write may appear until then (our clock). `lost`: its answer was; else a repetition may be about."""
    known = [ghost for ghost in row.ghosts.get(name, []) if ghost.write != write]
    row.ghosts[name] = [*known[1 - KEPT :], Ghost(write, until, lost)]


def written(row: RecordRow, name: str) -> Iterable[FieldWrite]:
    return (ghost.write for ghost in row.ghosts.get(name, []))


def elements(row: RecordRow, name: str) -> dict[str, Element]:
    """Of a list: what ghosts may have put into it or taken out of it."""
    return lists.later(*(write.elements or {} for write in written(row, name)))


def appeared(row: RecordRow, name: str, write: FieldWrite) -> None:
    """It has landed, so it will not land again."""
    row.ghosts[name] = [ghost for ghost in row.ghosts.get(name, []) if ghost.write != write]
    if not row.ghosts[name]:
        del row.ghosts[name]


def overtaken(row: RecordRow, name: str) -> None:
    """A later command has written the field: repetitions of earlier ones are over, lost ones may still come."""
    row.ghosts[name] = [ghost for ghost in row.ghosts.get(name, []) if ghost.lost]
    if not row.ghosts[name]:
        del row.ghosts[name]


def lay(row: RecordRow, read_from: int, margin: int) -> None:
    """A read that began when the vendor must have been done shows all that could yet land."""
    for name in list(row.ghosts):
        if row.in_flight(name):
            continue
        left = [ghost for ghost in row.ghosts[name] if read_from <= ghost.until + margin]
        if left:
            row.ghosts[name] = left
        else:
            del row.ghosts[name]
