from __future__ import annotations

import json

import msgspec

from tests.faults.chaos.run import Plan, Result
from tests.faults.chaos.table import decode, table
from tests.faults.chaos.verdict import Verdict


def _result(duplicates: int, lost: int = 0) -> Result:
    verdict = Verdict(
        events=10_000,
        lost=lost,
        disordered=0,
        backwards=0,
        stale=0,
        broken=0,
        early=0,
        duplicates=duplicates,
        longest_pause_s=6.0 + duplicates / 100,
    )
    return Result(plan=Plan(mode="kill-one"), verdict=verdict, exits={-9: 3}, seconds=40.0)


def test_runs_of_a_mode_make_one_row() -> None:
    rows = table([_result(100), _result(200), _result(600, lost=3)]).splitlines()
    assert rows[2:] == ["| sync | kill-one | 3 | 30,000 | 3 | 0 | 0 | 0 | 200 / 600 | 8.0 / 12.0 |"]


def test_a_reported_run_can_be_read_back() -> None:
    line = json.dumps(msgspec.to_builtins(_result(7))).encode()
    assert decode(line) == _result(7)
