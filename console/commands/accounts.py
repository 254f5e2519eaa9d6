"""Commands that set up tenants, their connections, and what is installed between them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import orjson
import typer

from console import onboarding, overview
from console.control import voice
from console.operator import with_database
from console.output import USAGE, print_json, say, show, stop
from console.rehearsal import rehearse
from schemas.configuration import Connection, Installation, InstallationState, Tenant
from schemas.settings import Settings
from streams.database import Database
from streams.registry.installations import set_installation_state
from streams.registry.keys import Keys
from streams.registry.tenants import add_tenant
from streams.registry.webhooks import add_product_secret

Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def tenant(id: str = typer.Argument(""), name: str = "", as_json: Json = False) -> None:
    """Add a tenant (a customer of yours), or list them all when no id is given."""
    if not id:
        found = with_database(lambda database, _: overview.tenants(database))
        columns = ("id", "name", "connections", "installations", "attention")
        return show(found, columns, as_json=as_json, title="Tenants")
    with_database(lambda database, _: add_tenant(database, Tenant(id=id, name=name or id)))
    return say(f"tenant {id} is there", as_json=as_json, tenant=id)


def connect(
    tenant: str,
    product: str,
    base_url: Annotated[str, typer.Argument(help="The account's address, as you would type it, without a path.")],
    id: Annotated[str, typer.Option(help="Of the connection; default TENANT-PRODUCT.")] = "",
    credentials: Annotated[
        str, typer.Option("--credentials", help="File with a JSON object of the credentials; - reads standard input.")
    ] = "-",
    config: Annotated[list[str] | None, typer.Option("--config", help="name=value; repeat for several.")] = None,
    guard: Annotated[str, typer.Option(help="Read before writing: always, contested or never.")] = "always",
    as_json: Json = False,
) -> None:
    """Connect an account of a product. Credentials never stand on the command line, where others can read them."""
    if guard not in ("always", "contested", "never"):
        stop("--guard is one of always, contested, never", USAGE)
    connection = Connection(
        tenant=tenant,
        id=id or f"{tenant}-{product}",
        product=product,
        base_url=base_url.rstrip("/"),
        credentials=_credentials(credentials),
        config=_pairs(config or []),
        guard=guard,  # type: ignore[arg-type]  # checked above
    )
    added = with_database(lambda database, settings: onboarding.connect(database, settings, connection))
    facts = {"connection": added.connection.id, "account": added.connection.account, "webhook_url": added.webhook_url}
    say(f"connected {facts['connection']}\nwebhook address: {added.webhook_url}", as_json=as_json, **facts)


def secret(
    product: str,
    name: Annotated[str, typer.Option(help="As the connector's document calls it.")] = "client_secret",
    as_json: Json = False,
) -> None:
    """Store the secret with which a product signs the webhooks of our app, read from standard input.

    Secrets that were stored before stay good, so that one can be renewed without a gap.
    """
    given = sys.stdin.read().strip()
    if not given:
        stop("the secret is read from standard input, and there was none", USAGE)
    id = with_database(lambda database, settings: add_product_secret(database, Keys.of(settings), product, name, given))
    say(f"webhooks of {product} signed with it are accepted", as_json=as_json, product=product, name=name, id=id)


def reconnect(
    tenant: str,
    connection: str,
    credentials: Annotated[
        str, typer.Option("--credentials", help="New ones: a file with a JSON object; - reads standard input.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Try a paused or broken connection again, with new credentials if there are any, and let it go on."""
    fresh = _credentials(credentials) if credentials else None
    with_database(lambda database, settings: onboarding.reconnect(database, settings, tenant, connection, fresh))
    say(f"{connection} is active again", as_json=as_json, connection=connection, state="active")


def install(
    tenant: str,
    app: Annotated[str, typer.Argument(help="As in freshsales-hubspot.")],
    left: Annotated[str, typer.Argument(help="Connection of the app's first endpoint.")],
    right: Annotated[str, typer.Argument(help="Connection of its second.")],
    id: Annotated[str, typer.Option(help="Of the installation; default TENANT-APP.")] = "",
    setting: Annotated[list[str] | None, typer.Option("--setting", help="name=value; repeat for several.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Install a sync app between two connections: both sides are read and linked first, and created second."""
    wanted = Installation(
        tenant=tenant,
        id=id or f"{tenant}-{app}",
        app=app,
        version="",
        left=left,
        right=right,
        settings=dict(_pairs(setting or [])),
    )
    if dry_run:
        plan = with_database(lambda database, settings: rehearse(database, settings, wanted))
        if as_json:
            return print_json(plan.as_json())
        return plan.show()
    done = with_database(lambda database, settings: onboarding.install(database, settings, wanted))
    return say(
        f"installed {done.id} ({done.app} {done.version}); its backfill begins", as_json=as_json, installation=done.id
    )


def pause(tenant: str, installation: str, as_json: Json = False) -> None:
    """Write nothing more for an installation; what changes meanwhile is kept and goes across when it is resumed."""
    _set_state(tenant, installation, "paused")
    say(f"{installation} is paused", as_json=as_json, installation=installation, state="paused")


def resume(tenant: str, installation: str, as_json: Json = False) -> None:
    """Let a paused installation go on, from what both sides hold by then."""
    _set_state(tenant, installation, "linking")
    say(f"{installation} goes on", as_json=as_json, installation=installation, state="linking")


def _set_state(tenant: str, installation: str, state: InstallationState) -> None:
    async def change(database: Database, settings: Settings) -> None:
        revision = await set_installation_state(database, tenant, installation, state)
        async with voice(settings) as ours:
            await ours.configured(tenant, revision, installation)

    with_database(change)


def _credentials(source: str) -> dict[str, str]:
    try:
        raw = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        found = orjson.loads(raw)
    except (OSError, orjson.JSONDecodeError):
        stop('the credentials are not a readable JSON object, as in {"api_key": "…"}', USAGE)
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        stop('the credentials must be a JSON object of texts, as in {"api_key": "…"}', USAGE)
    return found


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    if any("=" not in text for text in texts):
        stop("settings are given as name=value", USAGE)
    return pairs
