"""`python -m tests.bench [--quick] [--json FILE]`: measure, print a table, write JSON. Bounded in time."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from deploy.local.services import Kafka, MariaDB
from tests.bench.hop import measure_hops
from tests.bench.pipeline import Pipeline, Step, measure_pipeline
from tests.bench.receiver import Receiver, measure_receiver
from tests.flows.running import run_up
from tests.ports import free_port

RARE_POLLS = {"FRESHPIPE_POLL_SCALE": "20"}
RATES = (120.0, 150.0, 180.0)
QUICK_RATES = (90.0, 150.0)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--quick", action="store_true", help="in three quarters of a minute, less exact")
    parser.add_argument("--json", type=Path, default=Path("var/bench.json"))
    parser.add_argument("--only", choices=["receiver", "hop", "pipeline"], help="one part alone")
    arguments = parser.parse_args(argv)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="freshpipe-bench-") as home:
        results = _measure(Path(home), quick=arguments.quick, only=arguments.only)
    results["seconds"] = round(time.monotonic() - began, 1)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2))
    _show(results)
    return 0


def _measure(home: Path, *, quick: bool, only: str | None) -> dict[str, Any]:
    results: dict[str, Any] = {"cores": os.cpu_count(), "load_before": os.getloadavg()[0]}
    if only != "pipeline":
        kafka, mysql = Kafka(home / "kafka", free_port()), MariaDB(home / "mysql", free_port())
        kafka.start()
        mysql.start()
        try:
            if only != "hop":
                results["receiver"] = _receiver(measure_receiver(kafka, mysql, home, 3 if quick else 8))
            if only != "receiver":
                results["hop"] = _hop(measure_hops(kafka.bootstrap, home / "hops", 6_000 if quick else 40_000))
        finally:
            kafka.stop()
            mysql.stop()
    if only in (None, "pipeline"):
        with run_up(home / "up", "--no-quotas", contacts=60 if quick else 160, **RARE_POLLS) as running:
            measured = measure_pipeline(running, seconds=4 if quick else 20, rates=QUICK_RATES if quick else RATES)
            results["pipeline"] = _pipeline(asyncio.run(measured))
    return results


def _receiver(found: Receiver) -> dict[str, float]:
    return {
        "durable webhooks/s": found.ours.load.rate,
        "bare echo/s": found.bare.load.rate,
        "ratio of rates (to reach: 0.40)": found.ratio,
        "CPU us per webhook": found.ours.cpu_us,
        "CPU us per echo": found.bare.cpu_us,
        "RSS MB": found.ours.rss_mb,
    }


def _hop(found: dict[str, float]) -> dict[str, float]:
    return {
        "CPU us per event, bare aiokafka": found["bare"],
        "CPU us per event, ours": found["ours"],
        "ratio without table (to stay below: 13)": found["ours"] / found["bare"],
        "CPU us per event, bare aiokafka with dict and changelog": found["bare-table"],
        "CPU us per event, ours with table": found["ours-table"],
        "ratio with table (to stay below: 13)": found["ours-table"] / found["bare-table"],
    }


def _pipeline(found: Pipeline) -> dict[str, Any]:
    return {
        "latency ms at 20/s": _percentiles(found.steady),
        "sustained changes/s (to reach: 150)": found.best.rate,
        "latency ms at the sustained rate": _percentiles(found.best),
        f"latency ms at half of it ({found.half.rate:g}/s)": _percentiles(found.half),
        "CPU us per change by process": found.cpu_us,
        "RSS MB by process": found.rss_mb,
    }


def _percentiles(step: Step) -> dict[str, float]:
    shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    return {"edits": step.edits, "arrived": step.arrived} | {
        name: step.percentile(share) for name, share in shares.items()
    }


def _show(results: dict[str, Any]) -> None:
    table = Table("part", "figure", "value", title="Freshpipe bench", title_justify="left")
    for part, figures in results.items():
        for name, value in figures.items() if isinstance(figures, dict) else [("", figures)]:
            table.add_row(part, name, _text(value))
    Console(width=150).print(table)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {_text(one)}" for name, one in value.items())
    return f"{value:.3g}" if isinstance(value, float) and value < 10 else f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
