"""The figures of many runs as a Markdown table, for docs/chaos.md.

python -m tests.faults.chaos.table REPORT …
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

import msgspec

from tests.faults.chaos.run import Result

HEAD = (
    "| stage | fault | runs | events | lost | out of order | table wrong | early commits | repeated per run "
    "| longest pause, s |\n|---|---|---|---|---|---|---|---|---|---|"
)
decode = msgspec.json.Decoder(Result).decode


def table(results: Iterable[Result]) -> str:
    """A row for each stage and mode; of the last two columns the median and the largest."""
    groups: defaultdict[tuple[str, str], list[Result]] = defaultdict(list)
    for result in results:
        plan = result.plan
        name = plan.mode + (", static members" if plan.static else "") + "".join(f", without {r}" for r in plan.without)
        groups[plan.role, name].append(result)
    return "\n".join([HEAD, *(_row(*group, runs) for group, runs in sorted(groups.items(), reverse=True))])


def _row(role: str, name: str, results: Sequence[Result]) -> str:
    verdicts = [result.verdict for result in results]
    cells = [
        role,
        name,
        len(verdicts),
        f"{sum(verdict.events for verdict in verdicts):,}",
        sum(verdict.lost for verdict in verdicts),
        sum(verdict.disordered for verdict in verdicts),
        sum(verdict.backwards + verdict.stale + verdict.broken for verdict in verdicts),
        sum(verdict.early for verdict in verdicts),
        _spread([verdict.duplicates for verdict in verdicts], 0),
        _spread([verdict.longest_pause_s for verdict in verdicts], 1),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _spread(figures: Sequence[float], digits: int) -> str:
    return f"{median(figures):.{digits}f} / {max(figures):.{digits}f}"


if __name__ == "__main__":
    lines = [line for path in sys.argv[1:] for line in Path(path).read_bytes().splitlines()]
    print(table(decode(line) for line in lines))
