from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import NoReturn

import pytest

from streams.lease import EXIT_FENCED, Lease

SESSION_S = 10.0


class Left(Exception):
    """Instead of the end of the process."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def _leave(status: int, reason: str) -> NoReturn:
    raise Left(status)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(clock: Clock) -> Lease:
    lease = Lease(SESSION_S, clock, _leave)
    lease.armed = True
    lease.renew(lease.now())
    return lease


def test_a_worker_without_partitions_needs_no_proof(clock: Clock) -> None:
    assert Lease(SESSION_S, clock, _leave).valid


def test_an_armed_lease_is_invalid_before_its_first_heartbeat(clock: Clock) -> None:
    lease = Lease(SESSION_S, clock, _leave)
    lease.armed = True
    assert not lease.valid


def test_the_proof_runs_out_before_the_session_does(lease: Lease, clock: Clock) -> None:
    clock.now += 8.0
    assert lease.valid
    clock.now += 0.1
    assert not lease.valid


def test_the_proof_counts_from_when_the_heartbeat_was_sent(lease: Lease, clock: Clock) -> None:
    sent_at = lease.now()
    clock.now += 7.0  # the answer took so long
    lease.renew(sent_at)
    clock.now += 1.5
    assert not lease.valid


def test_a_late_answer_to_an_early_heartbeat_takes_nothing_back(lease: Lease, clock: Clock) -> None:
    early = lease.now()
    clock.now += 5.0
    lease.renew(lease.now())
    lease.renew(early)
    clock.now += 5.0
    assert lease.valid


async def test_records_are_held_until_membership_is_proven_again(lease: Lease, clock: Clock) -> None:
    clock.now += 9.0
    held = asyncio.create_task(lease.hold())
    done, _ = await asyncio.wait([held], timeout=0.2)
    assert not done
    lease.renew(lease.now())
    await asyncio.wait_for(held, 2.0)


def test_lost_membership_ends_the_process(lease: Lease) -> None:
    with pytest.raises(Left) as left:
        lease.lost()
    assert left.value.args == (EXIT_FENCED,)


def test_membership_given_up_on_purpose_is_not_lost(lease: Lease) -> None:
    lease.armed = False
    lease.lost()


def test_a_worker_that_has_finished_is_not_armed_again(lease: Lease) -> None:
    lease.close()
    lease.armed = True
    lease.lost()
    assert lease.valid


def test_leaving_runs_nothing_more_and_names_the_status() -> None:
    script = (
        "import atexit, streams.lease as lease\n"
        "atexit.register(lambda: print('committed'))\n"
        "try:\n    lease.leave(lease.EXIT_PRODUCE_FAILED, 'why')\nfinally:\n    print('finally')\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout.count("committed"), ended.stdout.count("finally")) == (os.EX_IOERR, 0, 0)
