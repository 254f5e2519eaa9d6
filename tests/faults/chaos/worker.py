"""The worker that chaos is done to: the real runtime, with the toy stage, less the rules that a run takes out.

python -m tests.faults.chaos.worker --bootstrap H:P --data DIR --role ROLE [--instance NAME] [--without RULE …]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from schemas.logs import configure_logs
from schemas.settings import Kafka, MySQL, Settings
from streams.app import App
from streams.executor import Limits
from streams.worker import run, source_worker, sync_worker
from tests.faults.chaos.toy import PRODUCT, NoPlans, ToySource, decide
from tests.faults.chaos.without import WITHOUT

PARTITIONS = 4
SESSION_MS = 6_000


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--role", required=True, choices=["sync", "source"])
    parser.add_argument("--instance", default="")
    parser.add_argument("--without", action="append", default=[], choices=sorted(WITHOUT))
    arguments = parser.parse_args(argv)
    configure_logs("chaos-worker", "text")
    settings = Settings(
        kafka=Kafka(
            bootstrap=arguments.bootstrap,
            partitions=PARTITIONS,
            replication=1,
            min_insync=1,
            session_timeout_ms=SESSION_MS,
            instance=arguments.instance,
        ),
        mysql=MySQL(host="none", user="none", password="none"),
        data_dir=arguments.data,
    )
    for rule in arguments.without:
        WITHOUT[rule]()
    return run(_worker(settings, arguments.role), settings)


@asynccontextmanager
async def _worker(settings: Settings, role: str) -> AsyncIterator[App]:
    if role == "source":
        room = Limits(lane_running=64, lane_waiting=100_000)
        yield source_worker(settings, [PRODUCT], ToySource, lambda _: None, limits=room)
    else:
        yield sync_worker(settings, decide, NoPlans())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
