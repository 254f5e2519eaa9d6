"""Reading both products of an installation in full, through the connectors, and comparing what was read."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.client import Client
from console import history
from console.reading import every_record
from schemas.records import RecordId
from schemas.settings import Settings
from schemas.values import Fields
from streams.connected import connected
from streams.database import Database
from streams.errors import NotThere
from streams.verify import Comparison, Linked, compare


async def verify_installation(database: Database, settings: Settings, tenant: str, installation: str) -> Comparison:
    """Compare every linked record of an installation. Read-only; uses the background's share of the quotas.

    Raises NotThere, and CallFailed if a product cannot be read.
    """
    async with connected(settings, background=True) as ours:
        plan = ours.configuration.plan(tenant)
        found = plan.installations.get(installation)
        if found is None:
            raise NotThere(f"installation {installation}")
        rows = await history.links(database, tenant, installation)
        links = [
            Linked(row["pair"], RecordId.parse(row["left_record"]), RecordId.parse(row["right_record"])) for row in rows
        ]
        records: dict[RecordId, Fields] = {}
        for connection, entities in (
            (found.left, {pair.left for pair in found.pairs.values()}),
            (found.right, {pair.right for pair in found.pairs.values()}),
        ):
            known = ours.connection(connection)
            if known is None:
                raise NotThere(f"connection {connection}")
            records |= await _read_all(ours.client(known), connection, sorted(entities))
        return compare(plan, found, records, links)


async def _read_all(client: Client, connection: str, entities: Iterable[str]) -> dict[RecordId, Fields]:
    records: dict[RecordId, Fields] = {}
    for entity in entities:
        async for row in every_record(client, entity):
            records[RecordId(connection, entity, row.id)] = row.reading.fields
    return records
