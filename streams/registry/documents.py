"""The published documents: connectors as they run, and sync apps in every version that anybody may have installed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from streams.database import Database, Row, Transaction
from streams.errors import AlreadyThere
from streams.ports import now_ms
from streams.registry.revision import change


@dataclass(frozen=True, slots=True)
class AppVersion:
    """One version of a sync app. `tenant` is empty where everybody may install it."""

    tenant: str
    app: str
    version: str
    digest: str
    document: str


async def publish_connector(database: Database, product: str, version: str, document: str) -> bool:
    """Make this the document that the receiver reads webhooks by; False if it is already."""
    digest = digest_of(document)
    rows = await database.read("SELECT digest FROM connector_document WHERE product = %s", product)
    if rows and rows[0]["digest"] == digest:
        return False
    sql = (
        "INSERT INTO connector_document (product, version, digest, document, published_at) VALUES (%s, %s, %s, %s, %s)"
        " ON DUPLICATE KEY UPDATE version = VALUES(version), digest = VALUES(digest),"
        " document = VALUES(document), published_at = VALUES(published_at)"
    )
    await change(database, lambda transaction: transaction.execute(sql, product, version, digest, document, now_ms()))
    return True


async def publish_app(database: Database, tenant: str, app: str, version: str, document: str) -> bool:
    """Publish a version (`tenant` empty: for everybody); False if this very text is published already.

    Raises AlreadyThere if the version exists with another text: raise the version instead.
    """
    digest = digest_of(document)

    async def publish(transaction: Transaction) -> None:
        await transaction.execute(
            "INSERT INTO app_version (tenant, app, version, digest, document, published_at)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            *(tenant, app, version, digest, document, now_ms()),
        )

    sql = "SELECT digest FROM app_version WHERE tenant = %s AND app = %s AND version = %s"
    rows = await database.read(sql, tenant, app, version)
    if rows and rows[0]["digest"] != digest:
        raise AlreadyThere(f"app {app} {version} with another text")
    if rows:
        return False
    await change(database, publish)
    return True


async def list_app_versions(database: Database, tenant: str) -> list[AppVersion]:
    """What this tenant may install: its own, and what is for everybody."""
    sql = (
        "SELECT tenant, app, version, digest, document FROM app_version WHERE tenant IN ('', %s)"
        " ORDER BY app, published_at, version"
    )
    return [app_version_of(row) for row in await database.read(sql, tenant)]


def app_version_of(row: Row) -> AppVersion:
    return AppVersion(row["tenant"], row["app"], row["version"], row["digest"], row["document"])


def digest_of(document: str) -> str:
    """SHA-256 of the text, in hex."""
    return hashlib.sha256(document.encode()).hexdigest()
