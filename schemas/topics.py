"""The topics: each declared once, with its key and meaning."""

from __future__ import annotations

from dataclasses import dataclass

SYNC = "sync"
"""Key: tenant. Snapshots, outcomes, nudges, controls: everything a tenant's decisions depend on, in one order."""
TRAIL = "trail"
"""Key: tenant. What was received, decided and done, for people."""
DUE = "due"
"""Key: connection/entity/id. What is to happen later; the crawler keeps it in MySQL until then."""
STATE_CHANGELOG = "freshpipe-sync-state-changelog"
"""Key: row key. The sync stage's table, compacted: the truth of linkage."""
DAY_MS = 86_400_000


def changes(product: str) -> str:
    """Key: connection/entity/id. Hints that a record of this product may have changed."""
    return f"changes.{product}"


def writes(product: str) -> str:
    """Key: connection/entity/id (of a create: its placeholder). Commands for this product."""
    return f"writes.{product}"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it must be on the broker. `retention_ms` of None: compacted, kept for ever."""

    name: str
    retention_ms: int | None = 7 * DAY_MS

    @property
    def config(self) -> dict[str, str]:
        if self.retention_ms is None:
            return {"cleanup.policy": "compact", "min.compaction.lag.ms": str(DAY_MS)}
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


def all_topics(products: list[str]) -> list[Topic]:
    """Every topic of an installation that has these products. All have the same, frozen partition count."""
    per_product = [Topic(name(product)) for product in products for name in (changes, writes)]
    return [*per_product, Topic(SYNC), Topic(TRAIL), Topic(DUE), Topic(STATE_CHANGELOG, retention_ms=None)]
