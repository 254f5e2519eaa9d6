"""The source stage and the crawler: hints become reads, and reads become snapshots."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from schemas.events import Change, Reading, ReadSource, Snapshot
from schemas.records import RecordId
from tests.streams.engine.simulation.products import START
from tests.streams.engine.simulation.schema import TENANT
from tests.streams.engine.simulation.world import World

Append = Callable[[Snapshot], None]
LAST_POLL = 160_000


class Source:
    """One read of a record at a time; hints that come meanwhile share the next one."""

    def __init__(self, world: World, append: Append) -> None:
        self.changes: list[str] = []
        """The changes that came in, by id: every one of them has to reach an end."""
        self._world = world
        self._append = append
        self._reading: set[RecordId] = set()
        self._waiting: dict[RecordId, list[str]] = {}
        self._polled = dict.fromkeys(world.products, 0)
        self._snapshots = 0
        world.webhook = self._webhook
        for number, product in enumerate(world.products):
            world.at(8000 + number * 3000, self._poll, product)

    def reread(self, change: Change) -> None:
        """The engine asks for a read."""
        delay = change.not_before - START - self._world.now + self._world.chance["sync"].randint(1, 20)
        self._world.at(delay, self._hint, change.record, change.id)

    def _webhook(self, product: str, entity: str, record: str) -> None:
        chance, profile = self._world.chance["webhooks"], self._world.profile
        if chance.random() < profile.at(profile.drop):
            return
        for _ in range(1 + (chance.random() < profile.at(profile.double))):
            late = chance.random() < profile.at(profile.late)
            delay = chance.randint(400, 15_000) if late else chance.randint(20, 400)
            self._world.at(delay, self._hint, RecordId(product, entity, record), None)

    def _hint(self, record: RecordId, change: str | None) -> None:
        name = change or f"h{len(self.changes)}"
        self.changes.append(name)
        self._waiting.setdefault(record, []).append(name)
        if record not in self._reading:
            self._reading.add(record)
            self._start(record)

    def _start(self, record: RecordId) -> None:
        chance = self._world.chance["source"]
        changes = tuple(dict.fromkeys(self._waiting.pop(record)))
        read_from = self._world.clock("source")
        self._world.at(chance.randint(5, 150), self._read, record, changes, read_from)

    def _read(self, record: RecordId, changes: tuple[str, ...], read_from: int) -> None:
        reading = self._world.products[record.connection].reading(record.id, read_from)
        self._world.at(self._world.chance["source"].randint(5, 150), self._end, record, changes, read_from, reading)

    def _end(self, record: RecordId, changes: tuple[str, ...], read_from: int, reading: Reading | None) -> None:
        chance = self._world.chance["source"]
        delay = chance.randint(1, 30) if chance.random() > 0.1 else chance.randint(30, 1500)
        self._emit(record, reading, "get", changes, read_from, ("source", record), delay, "source")
        if record in self._waiting:
            self._world.at(chance.randint(0, 300), self._start, record)
        else:
            self._reading.discard(record)

    def _emit(
        self,
        record: RecordId,
        reading: Reading | None,
        source: ReadSource,
        changes: tuple[str, ...],
        read_from: int,
        lane: object,
        delay: int,
        host: str,
    ) -> None:
        self._snapshots += 1
        read_to = self._world.clock(host)
        snapshot = Snapshot(
            id=f"s{self._snapshots}",
            tenant=TENANT,
            record=record,
            source=source,
            reading=msgspec.structs.replace(reading, read_to=read_to) if reading is not None else None,
            gone_at=0 if reading is not None else self._world.products[record.connection].records[record.id].updated_at,
            read_from=read_from if reading is None else 0,
            changes=changes,
            received_at=read_from,
        )
        self._world.in_lane(lane, delay, self._append, snapshot)

    def _poll(self, name: str) -> None:
        """The list of what changed lately, from an index that lags; who is gone from it is read by id."""
        world, product, chance = self._world, self._world.products[name], self._world.chance["crawler"]
        lag = chance.randint(0, world.profile.list_lag)
        read_from = world.clock("crawler")
        for number, known in list(product.records.items()):
            if known.updated_at < self._polled[name] - 6000:
                continue
            record = RecordId(name, known.entity, number)
            if known.deleted:
                world.at(chance.randint(0, 200), self._hint, record, None)
                continue
            row = product.lagging(number, world.now - lag, read_from)
            if row is not None:
                change = f"p{len(self.changes)}"
                self.changes.append(change)
                delay = chance.randint(100, 600)
                self._emit(record, row, "list", (change,), read_from, ("crawler", name), delay, "crawler")
        self._polled[name] = product.clock(world.now) - lag
        if world.now < LAST_POLL:
            world.at(chance.randint(15_000, 22_000), self._poll, name)
