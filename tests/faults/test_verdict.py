from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.chaos.verdict import Commit, Record, Verdict, judge


def _event(number: int) -> Record:
    return Record(0, number - 1, 100 * number, "t1", f"t1/{number}")


def _output(number: int, offset: int, at: int | None = None) -> Record:
    return Record(0, offset, 100 * number + 10 if at is None else at, "t1", f"t1/{number}")


def _row(number: int, offset: int, name: str) -> Record:
    return Record(0, offset, 0, f"t1|{name}", str(number))


EVENTS = [_event(number) for number in (1, 2, 3)]
OUTPUTS = [_output(number, number - 1) for number in (1, 2, 3)]
ROWS = [_row(number, 2 * number + index, name) for number in (1, 2, 3) for index, name in enumerate("ab")]
COMMITS = [Commit(0, 1, 150), Commit(0, 3, 400)]


def test_a_run_in_which_nothing_went_wrong_is_clean() -> None:
    verdict = judge(EVENTS, OUTPUTS, ROWS, COMMITS)
    assert verdict.clean
    assert (verdict.events, verdict.duplicates, verdict.longest_pause_s) == (3, 0, 0.1)


def test_repeated_outputs_are_counted_and_are_clean() -> None:
    verdict = judge(EVENTS, [*OUTPUTS[:2], _output(1, 2), _output(2, 3), _output(3, 4)], ROWS, COMMITS)
    assert (verdict.clean, verdict.duplicates) == (True, 2)


@pytest.mark.parametrize(
    ("expected", "verdict"),
    [
        ("lost", judge(EVENTS, OUTPUTS[:2], ROWS, COMMITS)),
        ("disordered", judge(EVENTS, [OUTPUTS[1], OUTPUTS[0], OUTPUTS[2]], ROWS, COMMITS)),
        ("backwards", judge(EVENTS, OUTPUTS, [*ROWS, _row(2, 9, "a"), _row(3, 10, "a")], COMMITS)),
        ("stale", judge(EVENTS, OUTPUTS, ROWS[:-1], COMMITS)),
        ("broken", judge(EVENTS, [*OUTPUTS[:2], replace(OUTPUTS[2], note="torn")], ROWS, COMMITS)),
        ("early", judge(EVENTS, [*OUTPUTS[:2], _output(3, 2, at=900)], ROWS, COMMITS)),
    ],
)
def test_each_kind_of_harm_is_seen(expected: str, verdict: Verdict) -> None:
    harm = {name: getattr(verdict, name) for name in ("lost", "disordered", "backwards", "stale", "broken", "early")}
    assert {name for name, count in harm.items() if count} == {expected}
    assert not verdict.clean


def test_a_stage_without_a_table_is_judged_by_its_outputs() -> None:
    assert judge(EVENTS, OUTPUTS, None, COMMITS).clean


def test_the_longest_pause_is_within_a_partition() -> None:
    other = [replace(output, partition=1, at=output.at + 5_000) for output in OUTPUTS]
    assert judge(EVENTS, [*OUTPUTS, *other], None, []).longest_pause_s == 0.1
