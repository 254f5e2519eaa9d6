"""Commands that show what happened and why, and that have it looked at again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console import history, overview
from console.control import voice
from console.operator import with_database
from console.output import USAGE, plain, print_json, say, show, stop
from console.verification import verify_installation
from schemas.records import RecordId
from schemas.settings import Settings
from streams.database import Database
from streams.registry.connections import get_connection
from streams.registry.installations import get_installation
from streams.registry.tenants import get_tenant

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
TenantOption = Annotated[str, typer.Option("--tenant", help="Only this tenant.")]
RecordArgument = Annotated[str, typer.Argument(help="connection/entity/id, as in acme-hubspot/contact/512")]


def status(tenant: TenantOption = "", as_json: Json = False) -> None:
    """How things stand: connections, installations, backfills, how changes ended, what waits."""

    async def look(database: Database, _: Settings) -> list[dict[str, Any]]:
        if tenant:
            await get_tenant(database, tenant)
        chosen = [tenant] if tenant else [one["id"] for one in await overview.tenants(database)]
        return [await overview.status(database, one) for one in chosen]

    found = with_database(look)
    if as_json:
        print_json(found)
        return
    for one in found:
        _print_status(one)


def trail(record: RecordArgument, field: str = "", limit: int = 200, as_json: Json = False) -> None:
    """Why is this field (not) there? Every change of a record: its way, its times, what was decided, what was answered.

    With --field only the entries that concern this field, or no field in particular.
    """
    id = _record(record)

    async def look(database: Database, _: Settings) -> list[history.Entry]:
        return await history.trail_of(database, await _tenant(database, id), id, limit=limit)

    entries = [entry for entry in with_database(look) if _concerns(entry, field)]
    rows = [
        {
            "time": entry.time,
            "stage": entry.stage,
            "what": entry.kind,
            "why": entry.reason or entry.category,
            "end": entry.end,
            "other": entry.other if entry.record == record else entry.record,
            "fields": "; ".join(_field(one) for one in entry.fields) if not as_json else list(entry.fields),
            "ms": entry.latency_ms,
            "message": entry.message,
        }
        for entry in entries
    ]
    columns = ("time", "stage", "what", "why", "end", "other", "fields", "ms", "message")
    show(rows, columns, as_json=as_json, title=record)


def attention(tenant: TenantOption = "", entries: bool = False, as_json: Json = False) -> None:
    """What waits for a person, grouped by cause; with --entries one by one."""

    async def look(database: Database, _: Settings) -> list[dict[str, Any]]:
        chosen = [tenant] if tenant else [one["id"] for one in await overview.tenants(database)]
        query = history.attention if entries else history.causes
        return [{"tenant": one, **row} for one in chosen for row in await query(database, one)]

    columns = ("tenant", "reason", "category", "connection", "installation", "field", "records", "message")
    if entries:
        columns = ("tenant", "reason", "category", "record", "other", "field", "times", "message")
    show(with_database(look), columns, as_json=as_json, title="Attention")


def links(tenant: str, installation: str, as_json: Json = False) -> None:
    """The records that are linked: what is one thing on both sides."""

    async def look(database: Database, _: Settings) -> list[dict[str, Any]]:
        await get_installation(database, tenant, installation)
        return await history.links(database, tenant, installation)

    show(with_database(look), ("pair", "left_record", "right_record"), as_json=as_json, title="Links")


def verify(tenant: str, installation: str, as_json: Json = False) -> None:
    """Read both products in full and compare every linked record, field by field. Exit code 1 if anything differs."""

    async def look(database: Database, settings: Settings) -> Any:
        return await verify_installation(database, settings, tenant, installation)

    found = with_database(look)
    rows = [
        {
            "pair": one.pair,
            "field": one.line,
            "left": str(one.left or ""),
            "right": str(one.right or ""),
            "left_value": plain(one.left_value),
            "right_value": plain(one.right_value),
            "reason": one.reason,
        }
        for one in found.differences
    ]
    if as_json:
        print_json({"equal": found.equal, "links": found.links, "fields": found.fields, "differences": rows})
    elif rows:
        show(rows, tuple(rows[0]), as_json=False, title="Differences")
    else:
        say(f"equal: {found.fields} fields of {found.links} linked records")
    if not found.equal:
        raise typer.Exit(1)


def replay(record: RecordArgument, retry_held: bool = False, as_json: Json = False) -> None:
    """Read a record again and decide about it again; with --retry-held also offer values that were refused before."""
    id = _record(record)

    async def speak(database: Database, settings: Settings) -> None:
        tenant = await _tenant(database, id)
        connection = await get_connection(database, tenant, id.connection)
        async with voice(settings) as ours:
            await ours.read_again(tenant, connection.product, id)
            await ours.look_again(tenant, id, retry_held=retry_held)

    with_database(speak)
    say(f"{record} will be read and decided about again", as_json=as_json, record=record, retry_held=retry_held)


async def _tenant(database: Database, record: RecordId) -> str:
    tenant = await history.tenant_of(database, record.connection)
    if tenant is None:
        stop(f"no connection {record.connection}")
    return tenant


def _record(text: str) -> RecordId:
    try:
        return RecordId.parse(text)
    except ValueError as error:
        stop(str(error), USAGE)


def _concerns(entry: history.Entry, field: str) -> bool:
    names = {one[name] for one in entry.fields for name in ("name", "other") if one.get(name)}
    return not field or not names or field in names


def _field(one: Any) -> str:
    reason = f" ({one['reason']})" if one.get("reason") else ""
    return f"{one['name']}: {plain(one.get('before')) or '∅'} → {plain(one.get('after')) or '∅'}{reason}"


def _print_status(found: dict[str, Any]) -> None:
    tenant = found["tenant"]
    connections = ("id", "product", "state", "reason", "account", "guard")
    installations = ("id", "app", "version", "left_connection", "right_connection", "state")
    backfills = ("installation", "pair", "connection", "entity", "done", "met", "handed_on")
    show(found["connections"], connections, as_json=False, title=f"{tenant}: connections")
    show(found["installations"], installations, as_json=False, title=f"{tenant}: installations")
    show(found["backfills"], backfills, as_json=False, title=f"{tenant}: backfills")
    ended = ", ".join(f"{number} {end}" for end, number in sorted(found["ends"].items())) or "none"
    say(
        f"{tenant}: changes ended: {ended}; {found['waiting']} waiting for their time; attention: "
        f"{sum(cause['records'] for cause in found['attention'])}"
    )
