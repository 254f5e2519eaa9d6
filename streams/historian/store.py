"""A batch of the trail in one transaction. Storing it again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from pymysql.err import MySQLError

from schemas.events import Trail
from streams.database import Database, Transaction
from streams.historian import rows
from streams.historian.rows import Closed, LinkSeen, Opened

TRAIL_COLUMNS = (
    "tenant, day, id, at, stage, kind, record, other, installation, pair, link, ended, reason, category, message,"
    " changes, fields, received_at"
)
INSERT_TRAIL = f"INSERT IGNORE INTO trail ({TRAIL_COLUMNS}) VALUES ({', '.join(['%s'] * 18)})"  # noqa: S608 - constant
INSERT_END = (
    "INSERT INTO change_end (tenant, change_id, ended, at) VALUES (%s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE at = IF(ended = 'attention', VALUES(at), at),"
    " ended = IF(ended = 'attention', VALUES(ended), ended)"
)
"""What was left for a person may still be applied; every other end is final."""
INSERT_SUM = (
    "INSERT INTO counter (tenant, day, installation, name, value) VALUES (%s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE value = value + VALUES(value)"
)
OPEN = (
    "INSERT INTO attention (tenant, id, kind, reason, category, product, connection, installation, pair, link, record,"
    " other, field, message, fields, opened_at, seen_at) VALUES (%s, %s, %s, %s, %s,"
    " COALESCE((SELECT product FROM connection WHERE tenant = %s AND id = %s), ''),"
    " %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
    " ON DUPLICATE KEY UPDATE times = times + 1, seen_at = VALUES(seen_at), message = VALUES(message),"
    " fields = VALUES(fields), category = VALUES(category), state = 'open', closed_at = 0, closed_by = ''"
)
SEEN_AGAIN = (
    "UPDATE attention SET times = times + 1, seen_at = %s"
    " WHERE tenant = %s AND record = %s AND reason = %s AND state = 'open'"
)
CLOSE = (
    "UPDATE attention SET state = 'closed', closed_at = %s, closed_by = 'settled'"
    " WHERE tenant = %s AND record = %s AND state = 'open'"
)
SIDES = "SELECT left_connection FROM installation WHERE tenant = %s AND id = %s"
UPSERT_LINK = (
    "INSERT INTO link_copy (tenant, installation, pair, link, left_record, right_record, state, linked_at, updated_at)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE"
    " left_record = IF(VALUES(left_record) = '', left_record, VALUES(left_record)),"
    " right_record = IF(VALUES(right_record) = '', right_record, VALUES(right_record)),"
    " state = VALUES(state), updated_at = VALUES(updated_at)"
)


async def store(database: Database, entries: Sequence[Trail]) -> int:
    """Write the entries down; the number of those that MySQL does not take. Raises DatabaseAway.

    One entry that is refused does not take the others with it.
    """
    try:
        await database.run(lambda transaction: _write(transaction, entries))
    except MySQLError:
        if len(entries) == 1:
            return 1
        middle = len(entries) // 2
        return await store(database, entries[:middle]) + await store(database, entries[middle:])
    return 0


async def _write(transaction: Transaction, entries: Sequence[Trail]) -> None:
    new = await _unknown(transaction, entries)
    if not new:
        return
    await transaction.many(INSERT_TRAIL, [rows.trail_row(entry) for entry in new])
    if ends := rows.end_rows(new):
        await transaction.many(INSERT_END, ends)
    totals = sorted(rows.sums(new).items())
    await transaction.many(INSERT_SUM, [(*place, value) for place, value in totals])
    for entry in new:
        if wanted := rows.opened(entry):
            await _open(transaction, wanted)
        if settled := rows.closed(entry):
            await _close(transaction, settled)
        if link := rows.link_seen(entry):
            await _link(transaction, link)


async def _unknown(transaction: Transaction, entries: Sequence[Trail]) -> list[Trail]:
    """Those that are not written down yet, each once: sums are added for these only."""
    distinct = {
        (entry.tenant, rows.day_of(entry.at), rows.fitting(entry.id, rows.ID_LENGTH)): entry for entry in entries
    }
    known: set[tuple[object, ...]] = set()
    for tenant in {entry.tenant for entry in entries}:
        keys = [key for key in distinct if key[0] == tenant]
        marks = ", ".join(["(%s, %s)"] * len(keys))
        sql = f"SELECT tenant, day, id FROM trail WHERE tenant = %s AND (day, id) IN ({marks})"  # noqa: S608 - marks
        found = await transaction.rows(sql, tenant, *[value for key in keys for value in key[1:]])
        known.update((row["tenant"], row["day"], row["id"]) for row in found)
    return [entry for key, entry in distinct.items() if key not in known]


async def _open(transaction: Transaction, wanted: Opened) -> None:
    """A change that ended for a cause that people know of already does not give them a second thing to look at."""
    entry = wanted.entry
    if entry.end and entry.record and not wanted.field:
        known = (entry.tenant, rows.trail_row(entry)[6], entry.reason)
        if await transaction.execute(SEEN_AGAIN, entry.at, *known):
            return
    row = rows.trail_row(wanted.entry)
    _, _, _, at, _, kind, record, other, installation, pair, link, _, reason, category, message, _, fields, _ = row
    connection = entry.record.connection if entry.record else ""
    await transaction.execute(
        OPEN,
        *(entry.tenant, wanted.id, kind, reason, category, entry.tenant, connection),
        *(connection, installation, pair, link, record, other, wanted.field[:255], message, fields, at, at),
    )


async def _close(transaction: Transaction, settled: Closed) -> None:
    conditions, arguments = [], [settled.at, settled.tenant, settled.record]
    for column, values in (("reason", settled.reasons), ("field", settled.fields)):
        if values:
            conditions.append(f"{column} IN ({', '.join(['%s'] * len(values))})")
            arguments.extend(values)
    if settled.link:
        conditions.append("link IN ('', %s)")
        arguments.append(settled.link)
    where = f" AND ({' OR '.join(conditions)})" if conditions else ""
    await transaction.execute(CLOSE + where, *arguments)


async def _link(transaction: Transaction, link: LinkSeen) -> None:
    found = await transaction.row(SIDES, link.tenant, link.installation)
    left = next((str(record) for record in link.records if found and record.connection == found["left_connection"]), "")
    right = next((str(record) for record in link.records if str(record) != left), "")
    if found is None:
        return
    await transaction.execute(
        UPSERT_LINK,
        *(link.tenant, link.installation, link.pair, link.link, left, right, link.state, link.at, link.at),
    )
