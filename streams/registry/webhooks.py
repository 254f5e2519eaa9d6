"""How products reach us: each connection's address, and the secrets that webhooks are signed with."""

from __future__ import annotations

from uuid import uuid4

from schemas.sealing import token_digest, webhook_secret_place
from streams.database import Database, Transaction
from streams.errors import NotThere
from streams.ports import now_ms
from streams.registry.connections import Added, new_token
from streams.registry.keys import Keys, token_place
from streams.registry.revision import change


async def webhook_token(database: Database, keys: Keys, tenant: str, connection: str) -> str:
    """The token of the connection's webhook address, to show it to its owner. Raises NotThere, SealBroken."""
    sql = "SELECT webhook_token FROM connection WHERE tenant = %s AND id = %s"
    rows = await database.read(sql, tenant, connection)
    if not rows:
        raise NotThere(f"connection {connection}")
    return keys.credentials.open(rows[0]["webhook_token"], token_place(tenant, connection))


async def renew_webhook_token(database: Database, keys: Keys, tenant: str, connection: str) -> Added:
    """Give the connection a new address; the old one answers 404 from now on. Raises NotThere."""
    token = new_token()
    sealed = keys.credentials.seal(token, token_place(tenant, connection))
    sql = "UPDATE connection SET token_hash = %s, webhook_token = %s, updated_at = %s WHERE tenant = %s AND id = %s"

    async def renew(transaction: Transaction) -> None:
        if not await transaction.execute(sql, token_digest(token), sealed, now_ms(), tenant, connection):
            raise NotThere(f"connection {connection}")

    return Added(await change(database, renew), token)


async def add_webhook_secret(
    database: Database, keys: Keys, tenant: str, connection: str, name: str, secret: str
) -> str:
    """Accept webhooks signed with this secret, too; the id by which it can be taken away after a rotation."""
    id, sealed = uuid4().hex, keys.webhooks.seal(secret, webhook_secret_place(tenant, connection, name))
    sql = (
        "INSERT INTO webhook_secret (tenant, connection, name, id, sealed, created_at)"
        " SELECT tenant, id, %s, %s, %s, %s FROM connection WHERE tenant = %s AND id = %s"
    )

    async def add(transaction: Transaction) -> None:
        if not await transaction.execute(sql, name, id, sealed, now_ms(), tenant, connection):
            raise NotThere(f"connection {connection}")

    await change(database, add)
    return id


async def remove_webhook_secret(database: Database, tenant: str, connection: str, id: str) -> int:
    """Refuse what is signed with it. Raises NotThere."""
    sql = "DELETE FROM webhook_secret WHERE tenant = %s AND connection = %s AND id = %s"

    async def remove(transaction: Transaction) -> None:
        if not await transaction.execute(sql, tenant, connection, id):
            raise NotThere("webhook secret")

    return await change(database, remove)


async def add_product_secret(database: Database, keys: Keys, product: str, name: str, secret: str) -> str:
    """As `add_webhook_secret`, for a product that signs all tenants' webhooks with our app's secret."""
    id, sealed = uuid4().hex, keys.webhooks.seal(secret, webhook_secret_place("", product, name))
    sql = "INSERT INTO product_secret (product, name, id, sealed, created_at) VALUES (%s, %s, %s, %s, %s)"
    await change(database, lambda transaction: transaction.execute(sql, product, name, id, sealed, now_ms()))
    return id


async def product_secrets(database: Database, keys: Keys) -> dict[str, dict[str, str]]:
    """Product → name → the newest secret of our own app there. Raises SealBroken."""
    rows = await database.read("SELECT product, name, sealed FROM product_secret ORDER BY created_at")
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        place = webhook_secret_place("", row["product"], row["name"])
        found.setdefault(row["product"], {})[row["name"]] = keys.webhooks.open(row["sealed"], place)
    return found


async def remove_product_secret(database: Database, product: str, id: str) -> int:
    """Refuse what is signed with it. Raises NotThere."""

    async def remove(transaction: Transaction) -> None:
        if not await transaction.execute("DELETE FROM product_secret WHERE product = %s AND id = %s", product, id):
            raise NotThere("product secret")

    return await change(database, remove)
