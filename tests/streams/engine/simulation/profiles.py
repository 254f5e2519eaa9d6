"""What a schedule may contain, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from streams.engine.plan import DeletePolicy, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Probabilities and bounds; times in ms."""

    products: str = "ABC"
    people: int = 1
    edits: int = 8
    span: int = 25_000
    """People are at work for this long after they made their records."""
    quiet_after: int = 300_000
    """Nothing may be written any more after this."""
    same_second: float = 0.35
    """An edit that follows the one before it within a moment, mostly on another product."""
    without_key: float = 0.1
    policies: tuple[Policy, ...] = ("newest",)
    delete: DeletePolicy = "unlink"
    undeclared: bool = False
    """Map a field that a product changes without anybody having declared it."""
    precision: Mapping[str, str] = field(default_factory=dict)
    """Per product: `s` or `ms`; drawn where it says nothing."""
    unique: str = "AB"
    """Products that refuse a second record with the same key."""
    skew: int = 2_000
    list_lag: int = 2_000
    read_to_write: tuple[int, int] = (5, 120)
    faults: bool = True
    """False switches all of the following off at once."""
    drop: float = 0.12
    double: float = 0.15
    late: float = 0.15
    throttle: float = 0.08
    lost_answer: float = 0.08
    late_commit: bool = True
    reject: float = 0.06
    sink_crash: float = 0.06
    crash: float = 0.04
    stall: float = 0.03

    def at(self, probability: float) -> float:
        return probability if self.faults else 0.0


FULL = Profile()
PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "full": FULL,
        "two": replace(FULL, products="AB"),
        "burst": replace(FULL, edits=10, span=6_000, same_second=0.7),
        "seconds": replace(FULL, precision={"A": "s", "B": "s", "C": "s"}, same_second=0.6),
        "milliseconds": replace(FULL, precision={"A": "ms", "B": "ms", "C": "ms"}),
        "master": replace(FULL, policies=("newest", "left", "right"), same_second=0.6),
        "duplicates": replace(FULL, people=2, edits=4, unique="A", without_key=0.3),
        "undeclared": replace(FULL, undeclared=True, same_second=0.5),
        "delete": replace(FULL, delete="delete"),
        "crashes": replace(FULL, crash=0.2, sink_crash=0.2, stall=0.1),
        "plain": replace(FULL, faults=False, skew=0, without_key=0.0),
    }
)

FAULTS = (
    "faults", "crash", "sink_crash", "lost_answer", "throttle", "drop", "double", "late", "stall", "reject",
    "list_lag", "skew",
)  # fmt: skip
"""What a shrinker may switch off, one after the other."""
