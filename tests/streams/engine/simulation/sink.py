"""The sink stage: reads before it writes, looks up before it creates, loses answers, crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from schemas.events import Command, FieldAnswer, FieldWrite, Outcome, OutcomeStatus, Reading
from schemas.records import RecordId
from schemas.values import Value
from tests.streams.engine.simulation.products import START
from tests.streams.engine.simulation.schema import KEYS, TENANT, canonical, field_of, in_effect, name_of, read, rejects
from tests.streams.engine.simulation.world import World, short

LONGEST_REQUEST = 9_000
"""After a lost answer nothing is written to the record for this long: the vendor may still be at it."""

RETRY_AFTER = 3_000


@dataclass(frozen=True, slots=True)
class Written:
    """A value that we wrote: when, where, and what stood there."""

    at: int
    product: str
    record: str
    field: str
    value: Value
    sequence: int
    """Of the command."""


@dataclass(frozen=True, slots=True)
class Buried:
    """A person's edit that a write of ours replaced though nobody had read it."""

    product: str
    record: str
    field: str
    edit: int | None
    age: int
    late: bool
    """By a write whose answer had been lost."""


@dataclass(slots=True)
class Call:
    """A command that is being carried out."""

    command: Command
    started: int
    before: Reading | None = None
    todo: tuple[str, ...] = ()
    answers: dict[str, FieldAnswer] = field(default_factory=dict)


class Sink:
    """In order within a record; the newest command of a record wins."""

    def __init__(self, world: World, append: Callable[[Outcome], None]) -> None:
        self.written: list[Written] = []
        self.buried: list[Buried] = []
        self.created: list[tuple[int, str, str]] = []
        self.lost_creates = 0
        self.created_in_window = 0
        """Creates that a look-up a moment before could not have prevented."""
        self._world = world
        self._chance = world.chance["sink"]
        self._append = append
        self._queues: dict[RecordId, list[Command]] = {}
        self._busy: set[RecordId] = set()
        self._hold: dict[RecordId, int] = {}
        self._outcomes = 0

    def take(self, command: Command) -> None:
        self._queues.setdefault(command.record, []).append(command)
        self._wake(command.record)

    def _wake(self, record: RecordId) -> None:
        if record in self._busy or not self._queues.get(record):
            return
        self._busy.add(record)
        slow = self._chance.random() < 0.12
        self._world.at(self._chance.randint(100, 3000) if slow else self._chance.randint(1, 60), self._start, record)

    def _start(self, record: RecordId) -> None:
        queue = self._queues[record]
        while len(queue) > 1:
            self._emit(Call(queue.pop(0), self._world.clock("sink")), "superseded", delay=1)
        call = Call(queue.pop(0), self._world.clock("sink"))
        profile = self._world.profile
        if self._world.now < self._hold.get(record, 0):
            self._end(call, "throttled", may_crash=False)
        elif self._chance.random() < profile.at(profile.throttle):
            self._end(call, self._chance.choice(["throttled", "transient"]), may_crash=False)
        else:
            step = self._look_up if call.command.action == "create" else self._guard
            self._world.at(self._chance.randint(5, 100), step, call)

    # Updates and deletes

    def _guard(self, call: Call) -> None:
        """Read first: a field that is not as the decision expected holds an edit that nobody has seen."""
        record = call.command.record
        call.before = self._read(record, call.started)
        if call.before is None:
            self._end(call, "gone")
            return
        gap = self._chance.randint(*self._world.profile.read_to_write)
        if call.command.action == "delete":
            self._world.at(gap, self._delete, call)
            return
        call.todo = tuple(name for name, write in call.command.fields.items() if self._is_to_write(call, name, write))
        if not call.todo:
            done = any(answer.state == "done" for answer in call.answers.values())
            self._end(call, _status(call), after=call.before if done else None)
            return
        self._world.at(gap, self._write, call)

    def _is_to_write(self, call: Call, name: str, write: FieldWrite) -> bool:
        assert call.before is not None
        key = field_of(call.command.record.connection, name)
        now = canonical(key, call.before.fields.get(name))
        if now == canonical(key, write.value):
            call.answers[name] = FieldAnswer(state="done")
            return False
        expected = None if write.expected is msgspec.UNSET else write.expected
        if is_unseen_edit(now, canonical(key, expected), call.before.updated_at, call.command.updated_at):
            call.answers[name] = FieldAnswer(state="stale")
            return False
        return True

    def _write(self, call: Call) -> None:
        record, profile = call.command.record, self._world.profile
        if self._read(record, call.started) is None:
            self._end(call, "gone")
            return
        todo = self._refuse(call, call.todo)
        if todo and self._chance.random() < profile.at(profile.lost_answer):
            self._lose_answer(call, todo)
            return
        if todo:
            self._land(call, todo)
        call.answers.update({name: FieldAnswer(state="done") for name in todo})
        after = self._read(record, call.started)
        done = any(answer.state == "done" for answer in call.answers.values())
        self._world.at(self._chance.randint(2, 60), self._end, call, _status(call), after if done else None)

    def _refuse(self, call: Call, todo: tuple[str, ...]) -> tuple[str, ...]:
        product = call.command.record.connection
        refused = [name for name in todo if rejects(product, field_of(product, name), call.command.fields[name].value)]
        answer = FieldAnswer(state="rejected", category="invalid_field", message="not a name")
        call.answers.update(dict.fromkeys(refused, answer))
        return tuple(name for name in todo if name not in refused)

    def _lose_answer(self, call: Call, todo: tuple[str, ...]) -> None:
        """The write lands at once, late, or never: we cannot tell."""
        record = call.command.record
        self._world.retries[record.connection, record.id] += 1
        mode = self._chance.choice(["no", "yes", "late"] if self._world.profile.late_commit else ["no", "yes"])
        if mode == "yes":
            self._land(call, todo)
        if mode == "late":
            self._world.at(self._chance.randint(3000, 8000), self._land, call, todo, True)
        self._world.say(f"  answer lost ({mode})")
        self._hold[record] = self._world.now + LONGEST_REQUEST
        self._world.at(3000, self._end, call, "ambiguous", None, False)

    def _land(self, call: Call, todo: tuple[str, ...], late: bool = False) -> None:
        record = call.command.record
        product = self._world.products[record.connection]
        known = product.records[record.id]
        if known.deleted:
            return
        values = {
            field_of(product.name, name): read(
                product.name, field_of(product.name, name), call.command.fields[name].value
            )
            for name in todo
        }
        for name in todo:
            self._watch(call, name, late)
        for name, value in values.items():
            self.written.append(Written(self._world.now, product.name, record.id, name, value, call.command.sequence))
        self._world.say("  WRITE", short(record), values)
        self._world.change(product.name, record.id, values, "sync")

    def _watch(self, call: Call, name: str, late: bool) -> None:
        """Does this write bury an edit that nobody has read?"""
        record, write = call.command.record, call.command.fields[name]
        product = self._world.products[record.connection]
        key = field_of(product.name, name)
        history = product.records[record.id].history[key]
        if not history or history[-1].who != "human":
            return
        last = history[-1]
        expected = None if write.expected is msgspec.UNSET else write.expected
        foreseen = [in_effect(key, read(product.name, key, value)) for value in (expected, write.value)]
        if in_effect(key, last.value) not in foreseen or (late and last.at > self._world.now - 8200):
            age = self._world.now - last.at
            self.buried.append(Buried(product.name, record.id, key, last.edit, age, late))
            self._world.say(f"  !! buries edit {last.edit} ({age} ms old)")

    def _delete(self, call: Call) -> None:
        record = call.command.record
        if not self._world.products[record.connection].records[record.id].deleted:
            self._world.delete(record.connection, record.id, "sync")
        self._end(call, "gone")

    # Creates

    def _look_up(self, call: Call) -> None:
        """An earlier try may have made it: look for its stamp, then for its key."""
        record = call.command.record
        product = self._world.products[record.connection]
        found = product.with_stamp(record.id)
        if found is not None:
            after = self._read(RecordId(record.connection, record.entity, found), call.started)
            self._end(call, "applied", after, created=found, found=True)
            return
        known = self._with_key(call)
        if known is not None:
            self._is_duplicate(call, known)
            return
        self._world.at(self._chance.randint(*self._world.profile.read_to_write), self._create, call)

    def _with_key(self, call: Call) -> str | None:
        record = call.command.record
        key = KEYS[record.entity]
        write = call.command.fields.get(name_of(record.connection, key))
        product = self._world.products[record.connection]
        return product.with_key(record.entity, key, canonical(key, write.value)) if write is not None else None

    def _is_duplicate(self, call: Call, known: str) -> None:
        record = call.command.record
        call.before = self._read(RecordId(record.connection, record.entity, known), call.started)
        self._end(call, "duplicate", created=known)

    def _create(self, call: Call) -> None:
        record = call.command.record
        product, profile = self._world.products[record.connection], self._world.profile
        known = self._with_key(call)
        if known is not None and product.unique:
            self._is_duplicate(call, known)
            return
        todo = self._refuse(call, tuple(call.command.fields))
        if call.answers:
            self._end(call, "rejected")  # one refused field refuses the whole record
            return
        lost = self._chance.random() < profile.at(profile.lost_answer) * 2
        self.lost_creates += lost
        if lost and self._chance.random() < 0.5:
            self._world.say("  create: answer lost, not made")
            self._world.at(3000, self._end, call, "ambiguous", None, False)
            return
        values = {
            field_of(product.name, name): read(
                product.name, field_of(product.name, name), call.command.fields[name].value
            )
            for name in todo
        }
        made = self._world.create(product.name, record.entity, values, "sync", stamp=record.id)
        self._world.say("  CREATE", product.name, made, values, "ANSWER LOST" if lost else "")
        self.created.append((self._world.now, product.name, made))
        self.created_in_window += known is not None
        if lost:
            self._world.at(3000, self._end, call, "ambiguous", None, False)
            return
        call.answers.update({name: FieldAnswer(state="done") for name in todo})
        after = self._read(RecordId(record.connection, record.entity, made), call.started)
        self._world.at(self._chance.randint(2, 60), self._end, call, _status(call), after, True, made)

    # Answers

    def _read(self, record: RecordId, started: int) -> Reading | None:
        reading = self._world.products[record.connection].reading(record.id, started)
        return msgspec.structs.replace(reading, read_to=self._world.clock("sink")) if reading is not None else None

    def _end(
        self,
        call: Call,
        status: OutcomeStatus,
        after: Reading | None = None,
        may_crash: bool = True,
        created: str | None = None,
        found: bool = False,
    ) -> None:
        record = call.command.record
        self._busy.discard(record)
        profile = self._world.profile
        if may_crash and self._chance.random() < profile.at(profile.sink_crash):
            self._world.say("  sink crash: the command comes again", short(record), call.command.sequence)
            self._world.retries[record.connection, record.id] += 1
            self._queues[record].insert(0, call.command)
            self._world.at(2500, self._wake, record)
            return
        quick = self._chance.random() > 0.15
        delay = self._chance.randint(1, 30) if quick else self._chance.randint(200, 4000)
        self._emit(call, status, after, created, found, delay)
        self._wake(record)

    def _emit(
        self,
        call: Call,
        status: OutcomeStatus,
        after: Reading | None = None,
        created: str | None = None,
        found: bool = False,
        delay: int = 1,
    ) -> None:
        command = call.command
        self._outcomes += 1
        outcome = Outcome(
            id=f"o{self._outcomes}",
            tenant=TENANT,
            record=command.record,
            sequence=command.sequence,
            action=command.action,
            status=status,
            fields=command.fields,
            answers=call.answers,
            created=created,
            found=found,
            before=call.before,
            after=after,
            started_at=call.started,
            ended_at=self._world.clock("sink"),
            retry_at=START + max(self._hold.get(command.record, 0), self._world.now + RETRY_AFTER),
            installation=command.installation,
            pair=command.pair,
            link=command.link,
            received_at=command.received_at,
        )
        self._world.in_lane(("sink", command.record), delay, self._append, outcome)


def is_unseen_edit(now: Value, expected: Value, updated_at: int, known: int) -> bool:
    """The field is not as expected, or the record was changed since, perhaps back and forth."""
    return now != expected or updated_at > known


def _status(call: Call) -> OutcomeStatus:
    states = {answer.state for answer in call.answers.values()}
    if "done" in states:
        return "applied" if states == {"done"} else "partial"
    return "rejected" if "rejected" in states else "stale"
