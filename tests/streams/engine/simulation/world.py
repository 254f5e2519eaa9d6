"""Time, chance, and the products: what everybody in the simulation shares."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random

from schemas.records import RecordId
from schemas.values import Value
from tests.streams.engine.simulation.products import START, Product
from tests.streams.engine.simulation.profiles import Profile

HOSTS = ("source", "sink", "crawler")


class World:
    """A queue of what happens next, and the records it happens to."""

    def __init__(self, seed: int, profile: Profile, *, tell: bool = False) -> None:
        self.profile = profile
        self.now = 0
        self.lines: list[str] = []
        """The story of the run, if it is to be told."""
        self.webhook: Callable[[str, str, str], None] = lambda product, entity, record: None
        """Called for every change of a record: (product, entity, record)."""
        self.retries: Counter[tuple[str, str]] = Counter()
        """(product, record) -> writes whose answer was lost, or that were done twice by a crash."""
        self._tell = tell
        self._queue: list[tuple[int, int, Callable[..., None], tuple[object, ...]]] = []
        self._count = 0
        self._lanes: dict[object, int] = {}
        random = Random(seed)
        self.products = {name: self._product(name, random) for name in profile.products}
        self.offsets = {host: random.randint(-100, 100) for host in HOSTS}
        """Our hosts' clocks are this far off."""
        names = ("source", "sink", "webhooks", "sync", "people", "crawler")
        self.chance = {name: Random(seed * 31 + number) for number, name in enumerate(names)}

    def _product(self, name: str, random: Random) -> Product:
        drawn = random.choice(["s", "s", "ms"])
        skew = random.randint(-self.profile.skew, self.profile.skew)
        return Product(name, self.profile.precision.get(name, drawn), skew, name in self.profile.unique)

    def at(self, delay: int, action: Callable[..., None], *arguments: object) -> None:
        self._count += 1
        heapq.heappush(self._queue, (self.now + max(0, int(delay)), self._count, action, arguments))

    def in_lane(self, lane: object, delay: int, action: Callable[..., None], *arguments: object) -> None:
        """As `at`, but nothing in a lane overtakes what was put there before it: a producer's own order."""
        when = max(self.now + delay, self._lanes.get(lane, 0))
        self._lanes[lane] = when
        self.at(when - self.now, action, *arguments)

    def run(self, until: int, busy: Callable[[], bool]) -> None:
        """Let everything happen, until nothing is left, or time or patience is over."""
        while self._queue and self.now < until and not busy():
            self.now, _, action, arguments = heapq.heappop(self._queue)
            action(*arguments)

    @property
    def idle(self) -> bool:
        return not self._queue

    def clock(self, host: str) -> int:
        """A host's clock, in ms since the epoch."""
        return START + self.now + self.offsets[host]

    def change(self, product: str, record: str, values: dict[str, Value], who: str, edit: int | None = None) -> None:
        known = self.products[product]
        known.change(record, values, who, self.now, edit)
        self.webhook(product, known.records[record].entity, record)

    def create(
        self,
        product: str,
        entity: str,
        values: dict[str, Value],
        who: str,
        *,
        stamp: str | None = None,
        edit: int | None = None,
    ) -> str:
        known = self.products[product]
        record = known.add(entity, who, self.now, stamp)
        self.change(product, record, known.fill_in(record, values), who, edit)
        return record

    def delete(self, product: str, record: str, who: str, edit: int | None = None) -> None:
        known = self.products[product]
        known.delete(record, who, self.now, edit)
        self.webhook(product, known.records[record].entity, record)

    def say(self, *words: object) -> None:
        if self._tell:
            self.lines.append(f"{self.now:>7} " + " ".join(str(word) for word in words))


def short(record: RecordId) -> str:
    return f"{record.connection}/{record.id}"
