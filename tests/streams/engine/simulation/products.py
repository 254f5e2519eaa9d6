"""The products: records, their times, and the history of every field."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from schemas.events import Reading
from schemas.records import RecordId
from schemas.values import Value
from tests.streams.engine.simulation.schema import DEFAULT_LANGUAGE, FIELDS, name_of, normalise, spell

START = 1_700_000_000_000
"""The simulation's time 0, in ms since the epoch."""


class Was(NamedTuple):
    """A field took this value: when, by whom (`human`, `sync`), and in which edit."""

    at: int
    who: str
    value: Value
    edit: int | None


@dataclass(slots=True)
class Record:
    """A record as its product holds it, in common names and values."""

    entity: str
    made_by: str
    made_at: int
    stamp: str | None = None
    values: dict[str, Value] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    updated_at: int = 0
    deleted: bool = False
    person: int | None = None
    history: dict[str, list[Was]] = field(default_factory=lambda: defaultdict(list))


@dataclass(slots=True)
class Product:
    """A vendor with a clock of its own."""

    name: str
    precision: str
    skew: int
    unique: bool
    records: dict[str, Record] = field(default_factory=dict)

    def clock(self, now: int) -> int:
        time = START + now + self.skew
        return time if self.precision == "ms" else time // 1000 * 1000

    def add(self, entity: str, who: str, now: int, stamp: str | None = None) -> str:
        """A new, empty record. Returns its id."""
        name = f"{self.name.lower()}{entity[:2]}{len(self.records) + 1}"
        self.records[name] = Record(
            entity=entity, made_by=who, made_at=now, stamp=stamp, values=dict.fromkeys(FIELDS[entity])
        )
        return name

    def fill_in(self, record: str, values: dict[str, Value]) -> dict[str, Value]:
        """What the vendor adds by itself when a machine makes a record."""
        known = self.records[record]
        if self.name == "C" and known.entity == "contact" and known.made_by == "sync" and not values.get("language"):
            return {**values, "language": DEFAULT_LANGUAGE}
        return values

    def change(self, record: str, values: dict[str, Value], who: str, now: int, edit: int | None = None) -> None:
        known, time = self.records[record], self.clock(now)
        for name, given in values.items():
            value = normalise(self.name, name, given)
            if known.values.get(name) != value or self.precision != "ms":
                known.times[name] = time
            known.values[name] = value
            known.history[name].append(Was(now, who, value, edit))
        known.updated_at = max(known.updated_at, time)

    def delete(self, record: str, who: str, now: int, edit: int | None = None) -> None:
        known = self.records[record]
        known.deleted = True
        known.updated_at = self.clock(now)
        known.history["*"].append(Was(now, who, None, edit))

    def reading(self, record: str, read_from: int) -> Reading | None:
        """The record as the vendor tells it now, in its own names; None if it is gone. `read_to` is to be filled in."""
        known = self.records.get(record)
        if known is None or known.deleted:
            return None
        return self.tell(known, known.values, known.updated_at, known.times, read_from)

    def lagging(self, record: str, seen_at: int, read_from: int) -> Reading | None:
        """The record as a list that lags shows it: as it was at `seen_at`; None if it was not there yet."""
        known = self.records[record]
        values: dict[str, Value] = {}
        times: dict[str, int] = {}
        for name in FIELDS[known.entity]:
            last = next((was for was in reversed(known.history[name]) if was.at <= seen_at), None)
            values[name] = last.value if last is not None else None
            if last is not None:
                times[name] = self.clock(last.at)
        if not times:
            return None
        return self.tell(known, values, max(times.values()), times, read_from)

    def tell(
        self, record: Record, values: dict[str, Value], updated_at: int, times: dict[str, int], read_from: int
    ) -> Reading:
        name = self.name
        return Reading(
            fields={name_of(name, key): spell(name, key, value) for key, value in values.items()},
            updated_at=updated_at,
            field_times={name_of(name, key): at for key, at in times.items()} if self.precision == "ms" else None,
            stamp=record.stamp,
            read_from=read_from,
            read_to=read_from,
        )

    def with_stamp(self, stamp: str) -> str | None:
        return next((name for name, known in self.records.items() if known.stamp == stamp and not known.deleted), None)

    def with_key(self, entity: str, field_name: str, value: object) -> str | None:
        """A live record that has this key, canonically."""
        if not value:
            return None
        for name, known in self.records.items():
            own = known.values.get(field_name)
            if known.entity == entity and not known.deleted and isinstance(own, str) and own.strip().lower() == value:
                return name
        return None


def record_id(product: str, entity: str, record: str) -> RecordId:
    return RecordId(product, entity, record)
