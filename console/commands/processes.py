"""Commands that run one of Freshpipe's processes in the foreground, or prepare what they all need."""

from __future__ import annotations

import asyncio
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from console import server, setup
from schemas.logs import configure_logs
from schemas.settings import Settings


class Role(StrEnum):
    """The kinds of workers."""

    source = "source"
    sync = "sync"
    sink = "sink"


Products = Annotated[list[str] | None, typer.Option("--product", help="Only for this product; repeat for several.")]


def migrate() -> None:
    """Bring MySQL's tables and Kafka's topics up to this version, and publish the built-in documents."""
    settings = _start("migrate")
    asyncio.run(setup.prepare(settings))


def webhooks() -> None:
    """Receive the products' webhooks."""
    from webhooks.main import run

    settings = _start("webhooks")
    sys.exit(run(settings))


def worker(role: Role, product: Products = None) -> None:
    """Run the agents of one stage: source (reads records), sync (decides), sink (writes records)."""
    from console.workers import run_role

    settings = _start(f"worker-{role.value}")
    sys.exit(run_role(settings, role.value, product or settings.products))


def crawler() -> None:
    """Poll, backfill, reconcile, and fire what is due."""
    from streams.crawler import run_crawler

    sys.exit(uvloop.run(run_crawler(_start("crawler"))))


def historian() -> None:
    """Write the trail down in MySQL."""
    from streams.historian import run_historian

    sys.exit(uvloop.run(run_historian(_start("historian"))))


def console() -> None:
    """Serve the REST API."""
    server.run(_start("console"))


def sandbox(
    admin_port: Annotated[int, typer.Option(help="Of the API that sets it up.")],
    port: Annotated[list[str], typer.Option(help="PRODUCT=PORT; repeat for every product.")],
    snapshot: Annotated[Path | None, typer.Option(help="Where its state is kept over restarts.")] = None,
) -> None:
    """Stand in for the products, for demonstrations and tests."""
    from connectors.sandbox.__main__ import main

    products = [f"--port={one}" for one in port]
    main([f"--admin-port={admin_port}", *products, *([f"--snapshot={snapshot}"] if snapshot else [])])


def _start(process: str) -> Settings:
    settings = Settings()
    configure_logs(process, settings.log_format)
    return settings
