"""The sink stage: a command becomes true in the product, and an outcome says how that went.

No Kafka and no Faust inside. It knows nothing about apps or conflicts: what may be written was decided before, what
has become of it is judged after. Whatever `handle` was given has been answered on `sync` when it returns.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence

from connectors.errors import CallFailed
from schemas.configuration import Connection
from schemas.events import Category, Command, FieldAnswer, Outcome, OutcomeStatus
from schemas.records import RecordId
from streams.boundary import described
from streams.breaker import Breaker
from streams.creating import LONGEST_REQUEST_MS, Creating, Ledger
from streams.emit import Emit
from streams.errors import DatabaseAway
from streams.failures import DEFAULT_WAIT_MS, INACTIVE_WAIT_MS, break_connection, remedy_of, wait_ms
from streams.ports import Accounts, Publish, now_ms
from streams.writing import Writing, answer, remove, update

BUDGET_S = 13.0
"""For one command, all its calls: below the executor's limit, so that a lost answer is ours to judge."""
REMEMBERED = 20_000
"""Records whose last answer is kept in memory, for commands that are delivered again."""
SHED_MS = 3_000
FINAL: frozenset[OutcomeStatus] = frozenset({"applied", "partial", "stale", "rejected", "duplicate", "gone"})
"""The others are tried again by the same command."""


class SinkStage:
    """Writes records. Safe for concurrent use, one `handle` per record at a time."""

    def __init__(self, accounts: Accounts, ledger: Ledger, publish: Publish, now: Callable[[], int] = now_ms) -> None:
        self._accounts = accounts
        self._ledger = ledger
        self._emit = Emit(publish, "sink")
        self._now = now
        self._breaker = Breaker(now)
        self._answered: OrderedDict[RecordId, Outcome] = OrderedDict()
        self._held: dict[RecordId, int] = {}
        """Records with a write whose answer was lost, and until when it may still take effect."""

    async def handle(self, commands: Sequence[Command]) -> None:
        """Execute the newest of these commands (all of one record, in their order); the others are superseded."""
        newest = max(reversed(commands), key=lambda command: command.sequence)
        known = self._answered.get(newest.record)
        latest = max(newest.sequence, known.sequence if known else 0)
        for command in commands:
            if command.sequence < latest:
                await self._say(self._without_writing(command, "superseded"))
        if newest.sequence == latest:
            await self._say(await self._answer_to(newest, known))

    async def put_off(self, commands: Sequence[Command]) -> None:
        """Their connection has too much waiting: they are to be decided again in a moment."""
        for command in commands:
            await self._say(self._without_writing(command, "throttled", self._now() + SHED_MS, "busy"))

    async def failed(self, commands: Sequence[Command], error: Exception) -> None:
        """Handling them failed in a way that nobody foresaw: a write in doubt if time ran out, else for a person."""
        now = self._now()
        for command in commands:
            if isinstance(error, TimeoutError):
                self._held[command.record] = now + LONGEST_REQUEST_MS
                await self._say(self._without_writing(command, "ambiguous", now + LONGEST_REQUEST_MS, "out of time"))
                continue
            await self._say(self._refused(command, "unknown", f"failed inside: {described(error)}"))

    async def _answer_to(self, command: Command, known: Outcome | None) -> Outcome:
        if known is not None and known.sequence == command.sequence:
            return known
        connection = self._accounts.connection(command.record.connection)
        if connection is None or connection.tenant != command.tenant:
            return self._refused(command, "unsupported", "there is no such connection")
        if (wait := self._wait(connection, command.record)) is not None:
            until, reason = wait
            return self._without_writing(command, "throttled", until, reason)
        return await self._execute(connection, command)

    def _wait(self, connection: Connection, record: RecordId) -> tuple[int, str] | None:
        """Until when, and why, nothing may be written to this record now; None: go on."""
        now = self._now()
        if connection.state != "active":
            return now + INACTIVE_WAIT_MS, f"connection {connection.state}"
        if now < (held := self._held.get(record, 0)):
            return held, "an answer was lost"
        self._held.pop(record, None)
        if pause := self._breaker.wait_ms(connection.id):
            return now + pause, "the product does not answer"
        return None

    async def _execute(self, connection: Connection, command: Command) -> Outcome:
        job = None
        try:
            job = Writing(
                command=command,
                connection=connection,
                client=self._accounts.client(connection),
                fields=self._accounts.fields(connection, command.record.entity),
                deadline=asyncio.get_running_loop().time() + BUDGET_S,
                now=self._now,
                started_at=self._now(),
            )
            outcome = await self._perform(job)
        except CallFailed as error:
            return await self._after_failure(job, connection, command, error)
        except DatabaseAway:
            return self._without_writing(command, "transient", self._now() + DEFAULT_WAIT_MS, "no ledger of creates")
        if outcome.status not in ("ambiguous", "transient"):
            self._breaker.succeeded(connection.id)
        if outcome.status in FINAL:
            self._remember(outcome)
        return outcome

    async def _perform(self, job: Writing) -> Outcome:
        if job.command.action in ("delete", "archive"):
            return await remove(job)
        if job.command.action == "update":
            return await update(job)
        side = self._accounts.side(job.connection, job.command.installation)
        if side is None:
            return self._refused(job.command, "unsupported", "there is no such installation")
        return await Creating.of(job, self._ledger, side).run()

    async def _after_failure(
        self, job: Writing | None, connection: Connection, command: Command, error: CallFailed
    ) -> Outcome:
        """The command as a whole did not go through: the category says what happens next."""
        now = self._now()
        remedy = remedy_of(error.category)
        if remedy == "reconnect":
            await break_connection(self._accounts, self._emit, connection, error, now)
            return self._failure(job, command, "throttled", error, now + INACTIVE_WAIT_MS)
        if remedy == "wait":
            return self._failure(job, command, "throttled", error, now + wait_ms(error, 0, now))
        if remedy == "gone":
            return self._failure(job, command, "gone", error)
        if remedy == "person":
            return self._failure(job, command, "rejected", error)
        self._breaker.failed(connection.id)
        if error.sent:
            self._held[command.record] = now + LONGEST_REQUEST_MS
            return self._failure(job, command, "ambiguous", error, now + LONGEST_REQUEST_MS)
        return self._failure(job, command, "transient", error, now + wait_ms(error, command.received_at, now))

    def _failure(
        self, job: Writing | None, command: Command, status: OutcomeStatus, error: CallFailed, retry_at: int = 0
    ) -> Outcome:
        if job is None:
            now = self._now()
            return answer(
                command,
                status,
                started_at=now,
                ended_at=now,
                category=error.category,
                message=error.message,
                retry_at=retry_at,
            )
        if status == "rejected":
            job.reject_all(error)
        return job.outcome(status, error=error, retry_at=retry_at)

    def _without_writing(
        self, command: Command, status: OutcomeStatus, retry_at: int = 0, message: str = ""
    ) -> Outcome:
        now = self._now()
        return answer(command, status, started_at=now, ended_at=now, retry_at=retry_at, message=message)

    def _refused(self, command: Command, category: Category, message: str) -> Outcome:
        """Every field is held until a person has looked."""
        now = self._now()
        answers = {name: FieldAnswer(state="rejected", category=category, message=message) for name in command.fields}
        return answer(
            command,
            "rejected",
            started_at=now,
            ended_at=now,
            answers=answers,
            category=category,
            message=message,
        )

    def _remember(self, outcome: Outcome) -> None:
        self._answered[outcome.record] = outcome
        self._answered.move_to_end(outcome.record)
        if len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)

    async def _say(self, outcome: Outcome) -> None:
        await self._emit.sync(outcome, "outcome")
