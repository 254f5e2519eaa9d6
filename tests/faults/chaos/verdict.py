"""What a run did to its events: compares what was put in, what came out, the table's changelog and the commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Record:
    """A record of any of the topics. `at` is when its producer made it, ms."""

    partition: int
    offset: int
    at: int
    key: str
    value: str
    """Of an event or an output: its id, `key/number`; of a row: the number."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Commit:
    """The group's committed offset of a partition, as it was known at `at`, ms."""

    partition: int
    offset: int
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All but `events`, `duplicates` and `longest_pause_s` must be 0."""

    events: int
    lost: int
    """Events without an output."""
    disordered: int
    """Outputs that were first seen after a later one of their key."""
    backwards: int
    """Rows that were followed by an older value."""
    stale: int
    """Rows whose last value is not the key's last number."""
    broken: int
    """Outputs that say that an event before them was missing from the table, or rows were torn apart."""
    early: int
    """Commits past an event whose output was made only later."""
    duplicates: int
    longest_pause_s: float
    """Between two outputs of a partition: what a fault costs until somebody has taken over."""

    @property
    def clean(self) -> bool:
        allowed = ("events", "duplicates", "longest_pause_s")
        return not any(getattr(self, field.name) for field in fields(self) if field.name not in allowed)


def judge(
    events: Sequence[Record], outputs: Sequence[Record], rows: Sequence[Record] | None, commits: Sequence[Commit]
) -> Verdict:
    """Each in the order of its topic's partitions; `rows` is None for a stage without a table."""
    first: dict[str, Record] = {}
    for output in outputs:
        first.setdefault(output.value, output)
    return Verdict(
        events=len(events),
        lost=sum(event.value not in first for event in events),
        disordered=_falls((output.key, _number(output.value)) for output in first.values()),
        backwards=_falls((row.key, int(row.value)) for row in rows or ()),
        stale=0 if rows is None else _stale(events, rows),
        broken=sum(bool(output.note) for output in outputs),
        early=_early(events, first, commits),
        duplicates=len(outputs) - len(first),
        longest_pause_s=_longest_pause(outputs) / 1000,
    )


def _number(id: str) -> int:
    return int(id.rpartition("/")[2])


def _falls(numbers: Iterable[tuple[str, int]]) -> int:
    """How many numbers are smaller than one before them of the same key."""
    highest: defaultdict[str, int] = defaultdict(int)
    falls = 0
    for key, number in numbers:
        falls += number < highest[key]
        highest[key] = max(highest[key], number)
    return falls


def _stale(events: Sequence[Record], rows: Sequence[Record]) -> int:
    last: defaultdict[str, int] = defaultdict(int)
    for event in events:
        last[event.key] = max(last[event.key], _number(event.value))
    table = {row.key: int(row.value) for row in rows}
    return sum(table.get(f"{key}|{name}") != number for key, number in last.items() for name in "ab")


def _early(events: Sequence[Record], first: dict[str, Record], commits: Sequence[Commit]) -> int:
    """An output is stored before its event is committed, so it was made before anybody could see the commit."""
    made = {(event.partition, event.offset): first[event.value].at for event in events if event.value in first}
    seen: dict[tuple[int, int], int] = {}
    for commit in sorted(commits, key=lambda commit: -commit.at):
        seen[commit.partition, commit.offset] = commit.at
    early = 0
    for partition in {partition for partition, _ in made}:
        times = sorted((offset, at) for (of, offset), at in seen.items() if of == partition)
        for offset, at in times:
            early += any(when > at for (of, number), when in made.items() if of == partition and number < offset)
    return early


def _longest_pause(outputs: Sequence[Record]) -> int:
    last: dict[int, int] = {}
    longest = 0
    for output in outputs:
        if output.partition in last:
            longest = max(longest, output.at - last[output.partition])
        last[output.partition] = max(output.at, last.get(output.partition, 0))
    return longest
