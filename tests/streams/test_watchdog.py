from __future__ import annotations

import subprocess
import sys

from streams.lease import EXIT_FENCED
from streams.watchdog import Progress, StandStill


def test_work_that_waits_without_anything_finished_is_counted() -> None:
    still = StandStill(0.0)
    still.seconds(0.0, Progress(committed=5, lag=1))
    assert still.seconds(30.0, Progress(committed=5, lag=2)) == 30.0
    assert still.seconds(61.0, Progress(committed=5, lag=900)) == 61.0


def test_progress_starts_the_count_anew() -> None:
    still = StandStill(0.0)
    still.seconds(0.0, Progress(committed=5, lag=1))
    assert still.seconds(50.0, Progress(committed=6, lag=1)) == 0.0
    assert still.seconds(70.0, Progress(committed=6, lag=1)) == 20.0


def test_an_idle_worker_stands_still_for_no_time() -> None:
    still = StandStill(0.0)
    assert [still.seconds(now, Progress(committed=5, lag=0)) for now in (10.0, 100.0, 1_000.0)] == [0.0] * 3


def test_a_rebalance_and_an_absent_broker_excuse() -> None:
    still = StandStill(0.0)
    still.seconds(0.0, Progress(committed=5, lag=1))
    assert still.seconds(80.0, Progress(committed=5, lag=1, excused=True)) == 0.0


def test_a_process_whose_event_loop_hangs_is_ended() -> None:
    script = (
        "import streams.watchdog as w\n"
        "w.LOOK_EVERY_S = 0.01\n"
        "w.start_watchdog(lambda: w.Progress(committed=1, lag=1), limit_s=0.05)\n"
        "while True: pass\n"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=60).returncode == EXIT_FENCED
