"""One command in the sink's hands: guarded, written field by field where it must be, answered.

What the answers have to contain, and why, is in docs/guarantees: an edit that nobody has read is never written
over (`before`), a value counts as the vendor returned it (`after`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.events import Category, Command, FieldAnswer, FieldWrite, Outcome, OutcomeStatus, Reading
from schemas.values import Value, is_empty
from streams.engine.plan import FieldPlan
from streams.failures import remedy_of
from streams.ports import Client

T = TypeVar("T")

WRITES = 6
"""Calls for one command at most, however many of its fields are refused."""
TIME_FOR_A_WRITE_S = 4.0
"""A write is not begun with less time left: its answer would be lost."""
ONE_FIELD_IS_TO_BLAME: frozenset[Category] = frozenset({"invalid_field", "too_large", "reference_missing", "rejected"})
"""Refusals that the other fields may escape, even when the vendor does not say which field it is."""


@dataclass(slots=True)
class Writing:
    """A command under way, and what is known of it so far. `deadline` is in the event loop's time."""

    command: Command
    connection: Connection
    client: Client
    fields: Mapping[str, FieldPlan]
    deadline: float
    now: Callable[[], int]
    started_at: int = 0
    before: Reading | None = None
    after: Reading | None = None
    answers: dict[str, FieldAnswer] = field(default_factory=dict)

    async def read(self, call: Awaitable[T]) -> T:
        """Make a call that changes nothing: whatever happens to it, it has had no effect."""
        try:
            return await self._in_time(call)
        except CallFailed as error:
            error.sent = False
            raise

    async def write(self, call: Awaitable[T]) -> T:
        """Make a call that changes something. Raises CallFailed with `sent` if it may have done so."""
        if self._left() < TIME_FOR_A_WRITE_S:
            if asyncio.iscoroutine(call):
                call.close()
            raise CallFailed("transient", "no time left for a write")
        return await self._in_time(call)

    def same(self, name: str, one: Value, other: Value) -> bool:
        """Do two values of a field mean the same? All that says nothing is alike."""
        plan = self.fields.get(name)
        if plan is not None:
            one, other = plan.canonical(one), plan.canonical(other)
        return (one == other and type(one) is type(other)) or (is_empty(one) and is_empty(other))

    def reject(self, name: str, category: Category, message: str) -> None:
        self.answers[name] = FieldAnswer(state="rejected", category=category, message=message)

    def reject_all(self, error: CallFailed) -> None:
        """Every field that has no answer yet."""
        for name in self.command.fields:
            if name not in self.answers:
                self.reject(name, error.category, error.message)

    def status(self) -> OutcomeStatus:
        """What the fields' answers amount to."""
        states = {answer.state for answer in self.answers.values()}
        if states <= {"done"}:
            return "applied"
        if "done" in states:
            return "partial"
        return "rejected" if "rejected" in states else "stale"

    def outcome(
        self,
        status: OutcomeStatus,
        *,
        created: str | None = None,
        found: bool = False,
        error: CallFailed | None = None,
        retry_at: int = 0,
    ) -> Outcome:
        """The answer to the command, ended now."""
        return answer(
            self.command,
            status,
            started_at=self.started_at,
            ended_at=self.now(),
            answers=self.answers,
            created=created,
            found=found,
            before=self.before,
            after=self.after,
            category=error.category if error else None,
            message=error.message[:500] if error else "",
            retry_at=retry_at,
        )

    def _left(self) -> float:
        return self.deadline - asyncio.get_running_loop().time()

    async def _in_time(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(self.deadline):
                return await call
        except TimeoutError as error:
            raise CallFailed("timeout", "no time left", sent=True) from error


def answer(
    command: Command,
    status: OutcomeStatus,
    *,
    started_at: int,
    ended_at: int,
    answers: dict[str, FieldAnswer] | None = None,
    created: str | None = None,
    found: bool = False,
    before: Reading | None = None,
    after: Reading | None = None,
    category: Category | None = None,
    message: str = "",
    retry_at: int = 0,
) -> Outcome:
    """An outcome that repeats what the command was about."""
    return Outcome(
        id=f"{command.id}/outcome",
        tenant=command.tenant,
        record=command.record,
        sequence=command.sequence,
        action=command.action,
        status=status,
        fields=command.fields,
        answers=answers or {},
        created=created,
        found=found,
        before=before,
        after=after,
        started_at=started_at,
        ended_at=ended_at,
        category=category,
        message=message,
        retry_at=retry_at,
        installation=command.installation,
        pair=command.pair,
        link=command.link,
        received_at=command.received_at,
    )


async def update(job: Writing) -> Outcome:
    """Make the fields so. Raises CallFailed where the command as a whole has to wait, or its record is gone."""
    todo = dict(job.command.fields)
    if guarded(job):
        job.before = await job.read(job.client.get(job.command.record.entity, job.command.record.id))
        if job.before is None:
            return job.outcome("gone")
        todo = _judge(job, job.before)
    if todo:
        await _write(job, list(todo))
    elif any(found.state == "done" for found in job.answers.values()):
        job.after = job.before
    return job.outcome(job.status())


async def remove(job: Writing) -> Outcome:
    """Delete or archive the record, unless somebody changed it since the decision."""
    record = job.command.record
    job.before = await job.read(job.client.get(record.entity, record.id))
    if job.before is None:
        return job.outcome("gone")
    if _edited_since(job, job.before):
        return job.outcome("stale")
    try:
        await job.write(job.client.delete(record.entity, record.id))
    except CallFailed as error:
        error.sent = False  # it may be done again without harm
        raise
    return job.outcome("gone")


def guarded(job: Writing) -> bool:
    """Whether the record is read before it is written: the connection's policy."""
    return job.connection.guard == "always" or (job.connection.guard == "contested" and job.command.contested)


def _judge(job: Writing, before: Reading) -> dict[str, FieldWrite]:
    """The fields to write; those that hold the value already, or another than expected, are answered."""
    todo = {}
    edited = _edited_since(job, before)
    for name, wanted in job.command.fields.items():
        known = name in before.fields
        if known and job.same(name, before.fields[name], wanted.value):
            job.answers[name] = FieldAnswer(state="done")
        elif edited or (known and not _as_expected(job, name, before.fields[name], wanted)):
            job.answers[name] = FieldAnswer(state="stale", category="stale")
        else:
            todo[name] = wanted
    return todo


def _as_expected(job: Writing, name: str, value: Value, wanted: FieldWrite) -> bool:
    return isinstance(wanted.expected, type(msgspec.UNSET)) or job.same(name, value, wanted.expected)


def _edited_since(job: Writing, before: Reading) -> bool:
    """The fence: the record was changed after the state that the decision knew."""
    return bool(job.command.updated_at) and before.updated_at > job.command.updated_at


async def _write(job: Writing, names: list[str]) -> None:
    """Write the fields together; apart from each other where the vendor refuses some."""
    record = job.command.record
    groups = deque([names])
    for _ in range(WRITES):
        if not groups:
            break
        group = groups.popleft()
        values = {name: job.command.fields[name].value for name in group}
        try:
            job.after = await job.write(job.client.update(record.entity, record.id, values)) or job.after
        except CallFailed as error:
            groups.extendleft(reversed(refused(job, group, error)))
            continue
        for name in group:
            job.answers[name] = FieldAnswer(state="done")
    for name in [name for group in groups for name in group]:
        job.reject(name, "rejected", "too many refusals in one command")
    if job.after is None and any(found.state == "done" for found in job.answers.values()):
        job.after = await _read_back(job)


def refused(job: Writing, names: list[str], error: CallFailed) -> list[list[str]]:
    """Answer the fields to blame, and say in which groups the others are to be tried.

    Raises the error again if it is no refusal of a value.
    """
    if error.category == "stale":
        for name in names:
            job.answers[name] = FieldAnswer(state="stale", category="stale")
        return []
    if remedy_of(error.category) != "person":
        raise error
    blamed = error.field or _only_key(job, names, error)
    if blamed in names:
        job.reject(blamed, error.category, error.message)
        rest = [name for name in names if name != blamed]
        return [rest] if rest else []
    if error.category in ONE_FIELD_IS_TO_BLAME and len(names) > 1:
        return [names[: len(names) // 2], names[len(names) // 2 :]]
    for name in names:
        job.reject(name, error.category, error.message)
    return []


def _only_key(job: Writing, names: list[str], error: CallFailed) -> str:
    """The field that a duplicate is about: the one that is unique in the account; "" where there is no telling."""
    keys = [name for key in job.client.entity(job.command.record.entity).keys for name in key if name in names]
    return keys[0] if error.category == "duplicate" and len(keys) == 1 else ""


async def _read_back(job: Writing) -> Reading | None:
    """The record after a write whose answer did not show it; None if it cannot be had now."""
    try:
        return await job.read(job.client.get(job.command.record.entity, job.command.record.id))
    except CallFailed:
        return None
