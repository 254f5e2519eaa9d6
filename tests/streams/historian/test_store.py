"""The trail in a real database: written once, whatever is delivered twice."""

from __future__ import annotations

import msgspec
import pytest

from schemas.events import Trail, TrailField
from schemas.records import RecordId
from streams.database import Database
from streams.historian.store import store

AT = 1_800_000_000_000
LEFT, RIGHT = RecordId("fs", "contact", "1"), RecordId("hs", "contact", "2")


@pytest.fixture
def entry(unique: str) -> Trail:
    return Trail(id="e1", tenant=unique, at=AT, stage="sync", kind="decided", record=LEFT)


def changed(entry: Trail, **given: object) -> Trail:
    return msgspec.structs.replace(entry, **given)


async def counters(pool: Database, tenant: str) -> dict[str, int]:
    rows = await pool.read("SELECT name, value FROM counter WHERE tenant = %s", tenant)
    return {row["name"]: int(row["value"]) for row in rows}


async def open_attention(pool: Database, tenant: str) -> list[tuple[str, str, int]]:
    sql = "SELECT reason, field, times FROM attention WHERE tenant = %s AND state = 'open' ORDER BY reason, field"
    return [(row["reason"], row["field"], row["times"]) for row in await pool.read(sql, tenant)]


async def test_a_batch_delivered_again_changes_nothing(pool: Database, entry: Trail) -> None:
    batch = [
        entry,
        changed(entry, id="e2", kind="written", end="applied", changes=("c1", "c2")),
        changed(entry, id="e3", kind="attention", reason="review"),
    ]
    assert await store(pool, batch) == 0
    before = await counters(pool, entry.tenant)
    assert await store(pool, [*batch, changed(entry, id="e4")]) == 0
    assert before == {"decided": 1, "written": 1, "end_applied": 2, "attention": 1}
    assert await counters(pool, entry.tenant) == before | {"decided": 2}
    assert await open_attention(pool, entry.tenant) == [("review", "", 1)]
    ends = await pool.read("SELECT change_id, ended FROM change_end WHERE tenant = %s ORDER BY change_id", entry.tenant)
    assert [(row["change_id"], row["ended"]) for row in ends] == [("c1", "applied"), ("c2", "applied")]


async def test_values_texts_and_ids_come_back_as_they_were(pool: Database, entry: Trail) -> None:
    field = TrailField(name="name", before=None, after="Zoë 😀 O'Neil %s")
    await store(pool, [changed(entry, id="x" * 400, fields=(field,), message="ü" * 3_000)])
    (row,) = await pool.read("SELECT id, fields, message, record FROM trail WHERE tenant = %s", entry.tenant)
    assert msgspec.json.decode(row["fields"], type=list[TrailField]) == [field]
    assert len(row["id"]) == 255
    assert len(row["message"]) == 2_000
    assert row["record"] == "fs/contact/1"


async def test_an_attention_that_is_met_again_is_counted_and_what_settles_it_closes_it(
    pool: Database, entry: Trail
) -> None:
    phone = (TrailField(name="phone"),)
    refused = changed(entry, kind="attention", reason="invalid_field", category="invalid_field", fields=phone)
    await store(pool, [refused, changed(refused, id="e2"), changed(refused, id="e3", fields=(), end="attention")])
    await store(pool, [changed(refused, id="e4", reason="throttled", fields=())])
    assert await open_attention(pool, entry.tenant) == [("invalid_field", "phone", 3), ("throttled", "", 1)]
    await store(pool, [changed(entry, id="e5", kind="written", fields=(TrailField(name="city"),))])
    assert await open_attention(pool, entry.tenant) == [("invalid_field", "phone", 3)]
    await store(pool, [changed(entry, id="e6", kind="written", fields=phone)])
    assert await open_attention(pool, entry.tenant) == []
    await store(pool, [changed(refused, id="e7")])
    assert await open_attention(pool, entry.tenant) == [("invalid_field", "phone", 4)]


async def test_what_a_person_was_asked_for_may_still_be_applied_and_other_ends_are_final(
    pool: Database, entry: Trail
) -> None:
    for number, end in enumerate(("attention", "applied", "filtered")):
        await store(pool, [changed(entry, id=f"e{number}", end=end, changes=("c1",))])
    (row,) = await pool.read("SELECT ended FROM change_end WHERE tenant = %s", entry.tenant)
    assert row["ended"] == "applied"


async def test_another_tenants_entry_of_the_same_id_is_another_entry(pool: Database, entry: Trail) -> None:
    rival = changed(entry, tenant=f"{entry.tenant}r")
    await store(pool, [entry, rival])
    assert await counters(pool, rival.tenant) == {"decided": 1}


async def test_the_copy_of_a_link_knows_its_sides_once_both_exist(pool: Database, entry: Trail) -> None:
    tenant, connections = entry.tenant, {side: f"{entry.tenant}{side}" for side in ("fs", "hs")}
    await _installation(pool, tenant, connections)
    left, right = RecordId(connections["fs"], "contact", "1"), RecordId(connections["hs"], "contact", "2")
    link = changed(entry, installation=f"{tenant}app", pair="contact", link="l1")
    placeholder = RecordId(connections["hs"], "contact", "new:l1")
    await store(pool, [changed(link, kind="linked", record=left, other=placeholder)])
    await store(pool, [changed(link, id="e2", kind="written", reason="created", record=right, other=left)])
    sql = "SELECT left_record, right_record, state FROM link_copy WHERE tenant = %s"
    assert [tuple(row.values()) for row in await pool.read(sql, tenant)] == [(str(left), str(right), "linked")]
    await store(pool, [changed(link, id="e3", kind="unlinked", record=right, other=left)])
    assert [tuple(row.values()) for row in await pool.read(sql, tenant)] == [(str(left), str(right), "unlinked")]


async def _installation(pool: Database, tenant: str, connections: dict[str, str]) -> None:
    await pool.execute("INSERT INTO tenant (id, name, created_at) VALUES (%s, %s, 0)", tenant, tenant)
    for side, id in connections.items():
        await pool.execute(
            "INSERT INTO connection (tenant, id, product, base_url, config, credentials, token_hash, webhook_token,"
            " created_at, updated_at) VALUES (%s, %s, %s, '', '{}', '{}', %s, '', 0, 0)",
            *(tenant, id, side, id.ljust(64, "0")),
        )
    await pool.execute(
        "INSERT INTO installation (tenant, id, app, version, left_connection, right_connection, settings, overrides,"
        " created_at, updated_at) VALUES (%s, %s, 'a', '1.0.0', %s, %s, '{}', '{}', 0, 0)",
        *(tenant, f"{tenant}app", connections["fs"], connections["hs"]),
    )
