"""Does things to workers and their broker, and counts what that did to the events. The long lane of the fault tests.

python -m tests.faults.chaos --mode kill-one --runs 10 --report FILE [--role source] [--static] [--without RULE …]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.faults.chaos.modes import MODES
from tests.faults.chaos.run import Plan, Result, run_chaos
from tests.faults.chaos.without import WITHOUT


def main(argv: list[str]) -> int:
    """Exit code 1 if any run was not clean; its logs are then kept and named."""
    arguments = _parsed(argv)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # the broker is away, as it should be
    unclean = 0
    for mode in arguments.mode or list(MODES):
        for seed in range(arguments.seed, arguments.seed + arguments.runs):
            plan = Plan(
                mode=mode,
                role=arguments.role,
                events=arguments.events,
                rate=arguments.rate,
                seed=seed,
                without=tuple(arguments.without),
                static=arguments.static,
            )
            home = Path(tempfile.mkdtemp(prefix=f"chaos-{mode}-{seed}-"))
            result = asyncio.run(run_chaos(plan, home))
            unclean += not result.verdict.clean
            _tell(result, arguments.report)
            if result.verdict.clean and not arguments.keep:
                shutil.rmtree(home)
            else:
                print(f"logs: {home}", flush=True)
    return 1 if unclean else 0


def _parsed(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--mode", action="append", choices=list(MODES), help="all of them, if none is named")
    parser.add_argument("--role", choices=["sync", "source"], default="sync", help="the agent under test")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--events", type=int, default=12_000)
    parser.add_argument("--rate", type=float, default=400.0, help="events a second")
    parser.add_argument("--static", action="store_true", help="workers keep their membership over restarts")
    parser.add_argument("--without", action="append", default=[], choices=sorted(WITHOUT), help="a rule to take out")
    parser.add_argument("--keep", action="store_true", help="the logs, also of clean runs")
    parser.add_argument("--report", type=Path, help="a file to which each run is appended as a line of JSON")
    return parser.parse_args(argv)


def _tell(result: Result, report: Path | None) -> None:
    line = json.dumps(msgspec.to_builtins(result))
    print(line, flush=True)
    if report is not None:
        with report.open("a") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
