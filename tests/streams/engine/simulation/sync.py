"""The sync stage round `decide`: its input, its rows, and crashes between any two of its effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from schemas.events import Change, Command, Due, Nudge, Outcome, Reading, Snapshot, SyncEvent, Trail
from schemas.records import RecordId
from streams.engine.decide import decide
from streams.engine.decision import Decision
from streams.engine.plan import Plan
from tests.streams.engine.simulation.products import START
from tests.streams.engine.simulation.world import World, short

COMMIT = 0.25
"""How often the input is committed after an event."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event of the sync topic, with its record's time."""

    event: SyncEvent
    at: int


class Sync:
    """Outputs are durable before rows; the rows of one event survive together; the input replays from its commit."""

    def __init__(
        self, world: World, plan: Plan, send: Callable[[Command], None], reread: Callable[[Change], None]
    ) -> None:
        self.plan = plan
        self.rows: dict[str, bytes] = {}
        self.log: list[Logged] = []
        self.trail: dict[str, Trail] = {}
        self.commands: list[Command] = []
        self.answered: dict[tuple[RecordId, int], int] = {}
        """(record, sequence) -> when an answer was taken in last."""
        self.first_answered: dict[tuple[RecordId, int], int] = {}
        self.events = self.crashes = 0
        self._world = world
        self._send = send
        self._reread = reread
        self._next = self._committed = 0
        self._durable: dict[str, bytes] = {}
        self._since: list[tuple[int, dict[str, bytes]]] = []
        self._busy = False

    def append(self, event: SyncEvent) -> None:
        self.log.append(Logged(event, START + self._world.now))
        self._wake()

    def _wake(self) -> None:
        if self._busy or self._next >= len(self.log):
            return
        self._busy = True
        chance, profile = self._world.chance["sync"], self._world.profile
        stalled = chance.random() < profile.at(profile.stall)
        self._world.at(chance.randint(500, 6000) if stalled else chance.randint(0, 20), self._step)

    def _step(self) -> None:
        self._busy = False
        chance, profile = self._world.chance["sync"], self._world.profile
        logged = self.log[self._next]
        self.events += 1
        decision = decide(self.rows, logged.event, self.plan, self._next, logged.at)
        self._world.say(f"SYNC {self._next}:", told(logged.event))
        crash = chance.random() < profile.at(profile.crash)
        if isinstance(logged.event, Outcome):
            answered = (logged.event.record, logged.event.sequence)
            self.answered[answered] = self._world.now
            self.first_answered.setdefault(answered, self._world.now)
        outputs = self._outputs(decision)
        if crash and chance.random() < 0.5:
            for output in outputs[: chance.randint(0, len(outputs))]:
                output()
            self._crash()
            return
        for output in outputs:
            output()
        rows = dict(decision.rows)
        self.rows.update(rows)
        self._since.append((self._next, rows))
        self._next += 1
        if crash:
            self._crash()
            return
        if chance.random() < COMMIT:
            self._committed = self._next
            for _, kept in self._since:
                self._durable.update(kept)
            self._since = []
        self._wake()

    def _crash(self) -> None:
        """What a random prefix of the events wrote survives; all of them since the commit are decided again."""
        self.crashes += 1
        survived = self._world.chance["sync"].randint(0, len(self._since))
        for _, rows in self._since[:survived]:
            self._durable.update(rows)
        self.rows = dict(self._durable)
        self._since = []
        self._next = self._committed
        self._world.say(f"CRASH: replay from {self._committed}, {survived} events survive")
        self._world.at(500, self._wake)

    def _outputs(self, decision: Decision) -> list[Callable[[], None]]:
        return [
            *(lambda entry=entry: self._remember(entry) for entry in decision.trail),
            *(lambda command=command: self._order(command) for command in decision.commands),
            *(lambda change=change: self._reread(change) for change in decision.changes),
            *(lambda due=due: self._later(due) for due in decision.due),
        ]

    def _remember(self, entry: Trail) -> None:
        if entry.id not in self.trail:
            self.trail[entry.id] = entry
            if entry.kind != "edited":
                self._world.say("  trail", told_entry(entry))

    def _order(self, command: Command) -> None:
        values = {name: (write.value, tuple(write.version)) for name, write in command.fields.items()}
        self._world.say("  command", short(command.record), command.sequence, command.action, values)
        self.commands.append(command)
        delay = self._world.chance["sync"].randint(1, 20)
        self._world.in_lane(("command", command.record), delay, self._send, command)

    def _later(self, due: Due) -> None:
        delay = due.at - START - self._world.now
        if due.event is not None:
            self._world.at(delay, self.append, due.event)
        if due.change is not None:
            self._world.at(delay, self._reread, due.change)


def told(event: SyncEvent) -> str:
    match event:
        case Snapshot(reading=None):
            return f"{event.source} of {short(event.record)}: GONE {event.changes}"
        case Snapshot(reading=Reading() as reading):
            values = {name: value for name, value in reading.fields.items() if value is not None}
            times = f"updated {reading.updated_at - START} read {reading.read_from - START}"
            return f"{event.source} of {short(event.record)}: {values} {times} {event.changes}"
        case Outcome():
            states = {name: answer.state for name, answer in event.answers.items()}
            return f"outcome {short(event.record)} {event.sequence} {event.status} {event.created or ''} {states}"
        case Nudge():
            return f"nudge {short(event.record)} {event.sequence} {event.reason}"
    return str(event)


def told_entry(entry: Trail) -> str:
    fields = [(field.name, field.before, field.after) for field in entry.fields]
    record = short(entry.record) if entry.record is not None else ""
    return f"{entry.kind} {entry.reason} {record} {entry.end or ''} {entry.changes} {fields}"
