"""How much a tenant has under way: a backfill goes on only while that is little, so that live edits come first."""

from __future__ import annotations

import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from schemas import topics
from streams.database import Database
from streams.ports import now_ms
from streams.tuning import group_of

WAITING = 25
"""Things that a tenant may have waiting for a time that is near, throttled writes among them."""
NEAR_MS = 60_000
"""What is due later is a deadline (of a reference, say), and no work that is piling up."""
UNWRITTEN = 200
"""Commands that the sinks may be behind with."""
LOOK_EVERY_S = 0.5

COUNT = "SELECT COUNT(*) AS number FROM (SELECT 1 FROM due WHERE tenant = %s AND at < %s LIMIT %s) AS waiting"


class Load:
    """Looks at MySQL and at the sinks' lag."""

    def __init__(
        self, database: Database, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, products: Sequence[str]
    ) -> None:
        self._database = database
        self._admin = admin
        self._consumer = consumer
        self._topics = {topics.writes(product) for product in products}
        self._lag = 0
        self._looked = 0.0

    async def full(self, tenant: str) -> bool:
        """Whether the tenant's backfill has to wait."""
        rows = await self._database.read(COUNT, tenant, now_ms() + NEAR_MS, WAITING + 1)
        return int(rows[0]["number"]) > WAITING or await self._unwritten() > UNWRITTEN

    async def _unwritten(self) -> int:
        """Of all tenants; what was last known while the broker does not say."""
        if time.monotonic() - self._looked < LOOK_EVERY_S:
            return self._lag
        self._looked = time.monotonic()
        try:
            committed = await self._admin.list_consumer_group_offsets(group_of("sink"))
            places = [place for place in committed if place.topic in self._topics]
            ends: dict[TopicPartition, int] = await self._consumer.end_offsets(places) if places else {}
        except KafkaError:
            return self._lag
        self._lag = sum(max(ends[place] - committed[place].offset, 0) for place in places)
        return self._lag
