"""Freshpipe's own processes on one machine: their commands, environments, and how each says that it serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from deploy.local.layout import SANDBOX_PRODUCTS, Layout, Ports
from deploy.local.probes import http_ok
from deploy.local.processes import accepts
from deploy.local.services import Kafka, MariaDB, Redis

WORKERS = ("worker-source", "worker-sync", "worker-sink")
ALL = ("sandbox", "webhooks", *WORKERS, "crawler", "historian", "console")
WITHHELD_FROM_RECEIVER = ("FRESHPIPE_CREDENTIALS_KEY", "FRESHPIPE_CONSOLE_TOKEN", "FRESHPIPE_REDIS")
"""It faces the internet, so it knows only what it needs."""


@dataclass(frozen=True, slots=True)
class Services:
    """What every process talks to."""

    kafka: Kafka
    mysql: MariaDB
    redis: Redis


@dataclass(frozen=True, slots=True)
class Program:
    """A process of ours: arguments of the `freshpipe` command, its environment, its readiness."""

    name: str
    arguments: Sequence[str]
    env: Mapping[str, str]
    ports: Sequence[int]
    ready: Callable[[], bool]


def programs(names: Sequence[str], layout: Layout, ports: Ports, services: Services) -> list[Program]:
    """Those of ALL that are named, in the order of ALL.

    The webhooks process gets less than the others, and a database user that sees its own views only. The sandbox,
    which stands in for strangers, gets nothing.
    """
    common = environment(layout, ports, services)
    chosen = [(ordinal, name) for ordinal, name in enumerate(ALL) if name in names]
    return [_program(name, ordinal, layout, ports, services, common) for ordinal, name in chosen]


def environment(layout: Layout, ports: Ports, services: Services) -> dict[str, str]:
    """What schemas.settings reads, for a process that is trusted with everything."""
    mysql = services.mysql
    return {
        "FRESHPIPE_KAFKA__BOOTSTRAP": services.kafka.bootstrap,
        "FRESHPIPE_KAFKA__PARTITIONS": "4",
        "FRESHPIPE_KAFKA__REPLICATION": "1",
        "FRESHPIPE_KAFKA__MIN_INSYNC": "1",
        "FRESHPIPE_KAFKA__SESSION_TIMEOUT_MS": "6000",
        "FRESHPIPE_MYSQL__HOST": mysql.host,
        "FRESHPIPE_MYSQL__PORT": str(mysql.port),
        "FRESHPIPE_MYSQL__USER": mysql.user,
        "FRESHPIPE_MYSQL__PASSWORD": mysql.password,
        "FRESHPIPE_MYSQL__DATABASE": mysql.database,
        "FRESHPIPE_REDIS": services.redis.url,
        "FRESHPIPE_CREDENTIALS_KEY": layout.credentials_key,
        "FRESHPIPE_WEBHOOK_KEY": layout.webhook_key,
        "FRESHPIPE_CONSOLE_TOKEN": layout.console_token,
        "FRESHPIPE_WEBHOOKS_PORT": str(ports.webhooks),
        "FRESHPIPE_CONSOLE_PORT": str(ports.console),
        "FRESHPIPE_PUBLIC_URL": f"http://127.0.0.1:{ports.webhooks}",
        "FRESHPIPE_PRODUCTS": json.dumps(SANDBOX_PRODUCTS),
        "FRESHPIPE_ALLOW_LOOPBACK": "true",
    }


def _program(
    name: str, ordinal: int, layout: Layout, ports: Ports, services: Services, common: Mapping[str, str]
) -> Program:
    metrics = ports.metrics(ordinal)
    env = {
        **common,
        "FRESHPIPE_METRICS_PORT": str(metrics),
        "FRESHPIPE_DATA_DIR": str(layout.home / "data" / name),
        "FRESHPIPE_KAFKA__INSTANCE": f"{name}-0" if name in WORKERS else "",
    }
    match name:
        case "webhooks":
            return _served(name, _receiver(env, services.mysql), ports.webhooks, "/readyz")
        case "console":
            return _served(name, env, ports.console)
        case "sandbox":
            return _sandbox(layout, ports)
    return _served(name, env, metrics)


def _served(name: str, env: Mapping[str, str], port: int, path: str = "/livez") -> Program:
    return Program(name, name.split("-"), env, [port], partial(http_ok, port, path))


def _receiver(common: Mapping[str, str], mysql: MariaDB) -> dict[str, str]:
    known = {name: value for name, value in common.items() if name not in WITHHELD_FROM_RECEIVER}
    return known | {"FRESHPIPE_MYSQL__USER": mysql.hooks_user, "FRESHPIPE_MYSQL__PASSWORD": mysql.hooks_password}


def _sandbox(layout: Layout, ports: Ports) -> Program:
    products = [f"--port={product}={ports.sandbox(product)}" for product in SANDBOX_PRODUCTS]
    arguments = [
        "sandbox",
        f"--admin-port={ports.sandbox_admin}",
        *products,
        f"--snapshot={layout.home / 'sandbox.json'}",
    ]
    used = [ports.sandbox_admin, *map(ports.sandbox, SANDBOX_PRODUCTS)]
    return Program("sandbox", arguments, {}, used, partial(accepts, ports.sandbox_admin))
