"""The worker that chaos is done to: the real runtime, with the toy stage, less the rules that a run takes out.

python -m tests.faults.chaos.worker --bootstrap H:P --data DIR [--instance NAME] [--without RULE …]
"""

from __future__ import annotations

import argparse
import sys

from schemas.logs import configure_logs
from schemas.settings import Kafka, MySQL, Settings
from schemas.topics import SYNC
from streams.agents import add_batch_agent
from streams.app import App
from streams.sync import BATCH, SyncStage
from streams.worker import run
from tests.faults.chaos.toy import NoPlans, decide
from tests.faults.chaos.without import WITHOUT

PARTITIONS = 4
SESSION_MS = 6_000


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--data", required=True)
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
    app = App(settings, "sync")
    stage = SyncStage(decide, NoPlans(), app.add_state(), app.outbox)
    add_batch_agent(app, SYNC, stage, BATCH)
    return run(app)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
