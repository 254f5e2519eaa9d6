"""`python -m connectors.sandbox --admin-port 7010 --port hubspot=7011 --port freshsales=7012 [--snapshot FILE]`."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence
from pathlib import Path

import structlog
import uvloop

from connectors.sandbox.server import run
from schemas.logs import configure_logs

log = structlog.get_logger()


def main(argv: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT; `argv` of None: the process's own."""
    parser = argparse.ArgumentParser(prog="python -m connectors.sandbox", description="Stand-ins of the products.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--admin-port", type=int, required=True)
    parser.add_argument("--port", action="append", type=_port, default=[], metavar="PRODUCT=PORT")
    parser.add_argument("--snapshot", type=Path, help="restored on start, written while running and at the end")
    parser.add_argument("--seed", type=int, default=1, help="of everything that is random")
    parser.add_argument("--log-format", choices=["json", "text"], default="json")
    arguments = parser.parse_args(argv)
    configure_logs("sandbox", arguments.log_format)
    uvloop.run(_serve(arguments))


async def _serve(arguments: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    async with run(
        dict(arguments.port),
        admin_port=arguments.admin_port,
        host=arguments.host,
        snapshot_file=arguments.snapshot,
        seed=arguments.seed,
    ) as running:
        log.info("sandbox serves", admin=running.admin_url, **running.urls)
        await stopped.wait()
    log.info("sandbox stopped")


def _port(text: str) -> tuple[str, int]:
    product, _, port = text.partition("=")
    if not product or not port.isdecimal():
        raise argparse.ArgumentTypeError("expected PRODUCT=PORT")
    return product, int(port)


if __name__ == "__main__":
    main()
