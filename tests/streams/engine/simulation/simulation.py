"""One run: a schedule of people's doings against three products, the engine and its stages, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tests.streams.engine.simulation.people import Action, People, draw
from tests.streams.engine.simulation.profiles import Profile
from tests.streams.engine.simulation.schema import make_plan
from tests.streams.engine.simulation.sink import Sink
from tests.streams.engine.simulation.source import Source
from tests.streams.engine.simulation.sync import Sync
from tests.streams.engine.simulation.world import World

UNTIL = 380_000
EVENTS_AT_MOST = 1_000
"""More events than this for a dozen edits: it never comes to rest."""


@dataclass(slots=True)
class Finding:
    """Something that must not be."""

    kind: str
    message: str


@dataclass(slots=True)
class Run:
    """A finished run, with everything that the checks look at."""

    seed: int
    profile: Profile
    actions: list[Action]
    world: World
    people: People
    source: Source
    sink: Sink
    sync: Sync
    findings: list[Finding] = field(default_factory=list)
    excused: dict[str, int] = field(default_factory=dict)
    """What the documented windows let through, by window."""

    def found(self, kind: str, message: object) -> None:
        self.findings.append(Finding(kind, str(message)))

    def excuse(self, window: str) -> None:
        self.excused[window] = self.excused.get(window, 0) + 1


def play(seed: int, profile: Profile, actions: list[Action] | None = None, *, tell: bool = False) -> Run:
    """Play a schedule to its end: the one drawn from the seed, or the given (shrunk) one."""
    world = World(seed, profile, tell=tell)
    if actions is None:
        actions = draw(profile, world.chance["people"])
    stages: list[Sync] = []
    sink = Sink(world, lambda outcome: stages[0].append(outcome))
    source = Source(world, lambda snapshot: stages[0].append(snapshot))
    sync = Sync(world, make_plan(profile, Random(seed + 1)), sink.take, source.reread)
    stages.append(sync)
    people = People(world, actions)
    world.run(UNTIL, busy=lambda: sync.events >= EVENTS_AT_MOST)
    return Run(seed, profile, actions, world, people, source, sink, sync)
