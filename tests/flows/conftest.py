"""One running Freshpipe for all flows that leave it whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.flows.running import CALM_S, Office, Running, office, run_up, until


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """With three small tenants, their backfills done."""
    with run_up(tmp_path_factory.mktemp("up")) as started:
        until(lambda: backfilled(started), CALM_S, "the backfills are done")
        yield started


def backfilled(running: Running) -> bool:
    """Whether every installation is active, and all that its backfill met was handed on."""
    for tenant in running.command("status"):
        states = {one["state"] for one in tenant["installations"]}
        done = [one["met"] and one["handed_on"] == one["met"] for one in tenant["backfills"]]
        if states != {"active"} or not done or not all(done):
            return False
    return True


@pytest.fixture
async def ours(running: Running) -> AsyncIterator[Office]:
    """The first tenant's office, calm at the beginning."""
    async with office(running) as found:
        await found.calm()
        yield found
