"""Many runs, and the figures of all of them."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from tests.streams.engine.simulation.checks import check
from tests.streams.engine.simulation.profiles import PROFILES
from tests.streams.engine.simulation.simulation import Run, play


@dataclass(slots=True)
class Total:
    """Figures of a campaign. `findings`: kind -> (seed, profile, message) of each run that has one."""

    figures: Counter[str] = field(default_factory=Counter)
    excused: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[tuple[int, str, str]]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0

    def add(self, profile: str, run: Run) -> None:
        trail = run.sync.trail.values()
        self.figures.update(
            schedules=1,
            events=run.sync.events,
            crashes=run.sync.crashes,
            edits=len(run.people.edits),
            writes=len(run.sink.written),
            creates=len(run.sink.created),
            conflicts=sum(entry.kind == "conflict" for entry in trail),
            changes=len(set(run.source.changes)),
            retries=sum(run.world.retries.values()),
        )
        self.excused.update(run.excused)
        for finding in {finding.kind: finding for finding in run.findings}.values():
            self.findings[finding.kind].append((run.seed, profile, finding.message))

    def join(self, other: Total) -> None:
        self.figures.update(other.figures)
        self.excused.update(other.excused)
        for kind, found in other.findings.items():
            self.findings[kind].extend(found)


def campaign(runs: int, seed: int, profiles: Sequence[str], processes: int = 1) -> Total:
    """Play `runs` schedules from `seed` on, the profiles in turn."""
    start = time.perf_counter()
    total = Total()
    if processes == 1:
        total = _part(range(runs), seed, profiles)
    else:
        with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
            parts = [pool.submit(_part, range(number, runs, processes), seed, profiles) for number in range(processes)]
            for part in parts:
                total.join(part.result())
    total.seconds = time.perf_counter() - start
    return total


def _part(numbers: range, seed: int, profiles: Sequence[str]) -> Total:
    total = Total()
    for number in numbers:
        name = profiles[number % len(profiles)]
        total.add(name, check(play(seed + number, PROFILES[name])))
    return total


def report(total: Total) -> str:
    """The figures, as text."""
    schedules = total.figures["schedules"]
    lines = [f"{schedules} schedules in {total.seconds:.0f} s ({schedules / max(total.seconds, 0.001):.0f} a second)"]
    lines += [f"  {name}: {count}" for name, count in total.figures.items() if name != "schedules"]
    lines += [f"  excused, {name}: {count}" for name, count in sorted(total.excused.items())]
    if not total.findings:
        lines.append("no findings")
    for kind, found in sorted(total.findings.items(), key=lambda item: -len(item[1])):
        lines.append(f"FINDING {kind}: in {len(found)} schedules")
        lines += [f"    seed {seed} {profile}: {message[:200]}" for seed, profile, message in found[:3]]
    return "\n".join(lines)
