"""The smallest schedule that still fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.streams.engine.simulation.checks import check
from tests.streams.engine.simulation.people import Action
from tests.streams.engine.simulation.profiles import FAULTS, PROFILES, Profile
from tests.streams.engine.simulation.simulation import Run, play

TRIED = 6
"""Of so many failing seeds the shortest story is told."""


def shrink(kind: str, found: Sequence[tuple[int, str, str]]) -> str:
    """Leave out actions and faults of failing runs while they still fail so. Returns the shortest story."""
    stories = [_smallest(kind, seed, PROFILES[profile]) for seed, profile, _ in found[:TRIED]]
    best = min(stories, key=lambda run: len(run.world.lines))
    products = [(name, known.precision, known.skew) for name, known in best.world.products.items()]
    off = [fault for fault in FAULTS if not getattr(best.profile, fault)]
    head = f"--- {kind}: seed {best.seed}, products {products}, without {off}"
    tail = [f"{finding.kind}: {finding.message}" for finding in best.findings]
    return "\n".join([head, *best.world.lines, *tail])


def _smallest(kind: str, seed: int, profile: Profile) -> Run:
    actions = play(seed, profile).actions
    for fault in FAULTS:
        off: dict[str, Any] = {fault: False if fault == "faults" else 0}
        quieter = replace(profile, **off)
        if _fails(kind, seed, quieter, actions):
            profile = quieter
    number = 0
    while number < len(actions):
        fewer = actions[:number] + actions[number + 1 :]
        if _fails(kind, seed, profile, fewer):
            actions, number = fewer, 0
        else:
            number += 1
    return check(play(seed, profile, actions, tell=True))


def _fails(kind: str, seed: int, profile: Profile, actions: list[Action]) -> bool:
    return any(finding.kind == kind for finding in check(play(seed, profile, actions)).findings)
