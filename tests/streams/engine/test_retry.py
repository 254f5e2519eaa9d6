"""What waits comes back, ever less often; only what does not heal by itself is put to a person."""

from __future__ import annotations

from schemas.events import Command, Nudge, OutcomeStatus
from streams.engine.outcome import RETRY_AT_MOST_MS, RETRY_MS, TRIES_BEFORE_ATTENTION
from tests.streams.engine.tenant import LEFT, RIGHT, Tenant


def tried(tenant: Tenant, command: Command, status: OutcomeStatus, *, retry_in: int = 0) -> Command:
    """The sink could not; when it is due, the engine is nudged and issues the command anew."""
    tenant.answer(command, status, retry_at=tenant.now + 300 + retry_in if retry_in else 0)
    (due,) = tenant.last.due
    assert isinstance(due.event, Nudge)
    tenant.now = due.at
    tenant.deliver(due.event)
    (again,) = tenant.last.commands
    return again


def edited() -> tuple[Tenant, Command]:
    tenant = Tenant().linked()
    tenant.read(LEFT, email="ada@x.io", first_name="Augusta", last_name="L")
    return tenant, next(one for one in tenant.last.commands if one.record == RIGHT)


def test_a_quota_is_never_put_to_a_person() -> None:
    tenant, command = edited()
    for _ in range(TRIES_BEFORE_ATTENTION + 3):
        command = tried(tenant, command, "throttled", retry_in=200)
    assert tenant.reasons() == []


def test_what_fails_again_and_again_is_put_to_a_person_once() -> None:
    tenant, command = edited()
    for _ in range(TRIES_BEFORE_ATTENTION + 3):
        command = tried(tenant, command, "transient")
    assert tenant.reasons() == ["transient"]


def test_the_first_wait_for_a_quota_is_the_products_own_and_the_later_ones_grow() -> None:
    tenant, command = edited()
    waits = []
    for _ in range(12):
        began = tenant.now + 300
        command = tried(tenant, command, "throttled", retry_in=200)
        waits.append(tenant.now - began)
    assert waits[0] == 200
    assert waits[1:3] == [2 * RETRY_MS, 4 * RETRY_MS]
    assert waits[-1] == RETRY_AT_MOST_MS
