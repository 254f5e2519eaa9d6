"""The dangerous command: making a record, once, whatever gets lost on the way.

The vendor is asked only after a row in the ledger says so. Where that row says that a call was made and nothing
came back, the product is searched first, by our stamp and by the match keys, and no sooner than its index may know.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from connectors.errors import CallFailed
from schemas.documents.calls import Operation
from schemas.documents.connector import Entity
from schemas.events import Command, FieldAnswer, Outcome, Reading
from schemas.values import Value, is_empty
from streams.engine.plan import Side
from streams.errors import DatabaseAway
from streams.failures import remedy_of
from streams.intents import Intent, State
from streams.ports import Found
from streams.writing import WRITES, Writing

LONGEST_REQUEST_MS = 30_000
"""A request whose answer was lost may still take effect for so long."""
DUPLICATE_PAUSE_MS = 5_000
DUPLICATE_PATIENCE_MS = 600_000
"""So long a record that must be there may be missing from the product's index."""


@dataclass(frozen=True, slots=True)
class _Existing:
    """A record that a refusal named."""

    id: str
    reading: Reading


class Ledger(Protocol):
    """The intents, see `streams.intents`. Every method may raise DatabaseAway."""

    async def find(self, command: Command, side: Side) -> Intent | None: ...

    async def sending(self, command: Command, side: Side, known: Intent | None) -> bool: ...

    async def ended(self, command: Command, side: Side, state: State, created_id: str | None = None) -> None: ...


@dataclass(slots=True)
class Creating:
    """A create under way."""

    job: Writing
    ledger: Ledger
    side: Side
    index_lag_ms: int = 0
    """How long the product's search may not know a new record."""

    @classmethod
    def of(cls, job: Writing, ledger: Ledger, side: Side) -> Creating:
        entity = job.client.entity(job.command.record.entity)
        looked_up = {entity.stamp, *(name for name, _ in job.command.keys)}
        lags = [found.lag_s for name in looked_up if name and (found := finder(entity, name))]
        return cls(job, ledger, side, max(lags, default=0) * 1000)

    @property
    def entity(self) -> Entity:
        return self.job.client.entity(self.job.command.record.entity)

    async def run(self) -> Outcome:
        """Create the record, or find it. Raises CallFailed where nothing was created, and DatabaseAway."""
        known = await self.ledger.find(self.job.command, self.side)
        if known is None or known.state == "intent":
            return await self._first(known)
        if known.created_id is not None:
            return await self._created_before(known.created_id)
        return await self._after_lost_answer(known)

    async def _first(self, known: Intent | None) -> Outcome:
        if self._must_look_first():
            candidates = await self._by_keys()
            if candidates:
                return await self._exists(candidates)
        return await self._create(known)

    def _must_look_first(self) -> bool:
        """Where the product itself would refuse a second record of these keys, its refusal is enough."""
        unique = {key[0] for key in self.entity.keys if len(key) == 1}
        names = {name for name, value in self.job.command.keys if not is_empty(value)}
        return "create" not in self.entity.ops or not names <= unique

    async def _created_before(self, id: str) -> Outcome:
        """An earlier delivery of this command did it; its outcome may have been lost."""
        self.job.after = await self.job.read(self.job.client.get(self.job.command.record.entity, id))
        if self.job.after is None:
            return self.job.outcome("gone", created=id)
        return self._found(id)

    async def _after_lost_answer(self, known: Intent) -> Outcome:
        ready = known.sent_at + max(LONGEST_REQUEST_MS, self.index_lag_ms)
        if self.job.now() < ready:
            return self.job.outcome("ambiguous", retry_at=ready, error=CallFailed("timeout", "an answer was lost"))
        stamped = await self._by_stamp()
        if len(stamped) == 1:
            await self._note("confirmed", stamped[0].id)
            self.job.after = stamped[0].reading
            return self._found(stamped[0].id)
        candidates = stamped or await self._by_keys()
        if candidates:
            return await self._exists(candidates)
        if self._findable():
            return await self._create(known)
        await self._note("failed")
        error = CallFailed("timeout", "the answer to the create was lost, and there is no way to find the record")
        self.job.reject_all(error)
        return self.job.outcome("rejected", error=error)

    def _findable(self) -> bool:
        """Whether "not found" means "not there": there is a stamp, or a key that is unique in the product."""
        unique = {key[0] for key in self.entity.keys if len(key) == 1}
        keyed = any(name in unique and not is_empty(value) for name, value in self.job.command.keys)
        return keyed or self._stamp_can_be_found()

    def _stamp_can_be_found(self) -> bool:
        return self.entity.stamp is not None and finder(self.entity, self.entity.stamp) is not None

    async def _by_stamp(self) -> list[Found]:
        stamp = self.entity.stamp
        if stamp is None or not self._stamp_can_be_found():
            return []
        record = self.job.command.record
        found = await self.job.read(self.job.client.find(record.entity, stamp, record.id))
        return [one for one in found if one.reading.stamp == record.id]

    async def _by_keys(self) -> list[Found]:
        """The records that the first key with a result finds; a search may be fuzzy, so they are compared."""
        for name, value in self.job.command.keys:
            if is_empty(value) or finder(self.entity, name) is None:
                continue
            found = await self.job.read(self.job.client.find(self.job.command.record.entity, name, value))
            equal = [one for one in found if self.job.same(name, one.reading.fields.get(name), value)]
            if equal:
                return equal
        return []

    async def _exists(self, candidates: list[Found]) -> Outcome:
        """Somebody made it already: us, if it has our stamp. Of several, none is taken."""
        if len({one.id for one in candidates}) > 1:
            return await self._refuse(CallFailed("duplicate", "several records have this key"))
        found = candidates[0]
        if found.reading.stamp == self.job.command.record.id:
            await self._note("confirmed", found.id)
            self.job.after = found.reading
            return self._found(found.id)
        await self._note("failed")
        self.job.before = found.reading
        return self.job.outcome("duplicate", created=found.id)

    def _found(self, id: str) -> Outcome:
        self.job.answers = {name: FieldAnswer(state="done") for name in self.job.command.fields}
        return self.job.outcome("applied", created=id, found=True)

    async def _create(self, known: Intent | None) -> Outcome:
        command = self.job.command
        if not await self.ledger.sending(command, self.side, known):
            raise CallFailed("transient", "another worker is creating this record")
        values = {name: write.value for name, write in command.fields.items()}
        try:
            made = await self._make(values)
        except CallFailed as error:
            return await self._not_created(error)
        await self._note("confirmed", made.id)
        self.job.after = made.reading
        self.job.answers.update({name: FieldAnswer(state="done") for name in values})
        return self.job.outcome(self.job.status(), created=made.id)

    async def _make(self, values: dict[str, Value]) -> Found:
        """Create with all the fields that the product accepts; refused ones leave `values`. Raises CallFailed."""
        record = self.job.command.record
        for _ in range(WRITES):
            try:
                return await self.job.write(self.job.client.create(record.entity, values, record.id))
            except CallFailed as error:
                if not self._can_do_without(error, values):
                    raise
                self.job.reject(error.field, error.category, error.message)
                del values[error.field]
        raise CallFailed("rejected", "too many refusals in one command")

    def _can_do_without(self, error: CallFailed, values: dict[str, Value]) -> bool:
        if error.sent or error.category == "duplicate" or remedy_of(error.category) != "person":
            return False
        declared = self.entity.fields.get(error.field)
        required = declared is not None and declared.required
        return error.field in values and len(values) > 1 and not required

    async def _not_created(self, error: CallFailed) -> Outcome:
        if error.sent:
            await self._note("ambiguous")
            wait = max(LONGEST_REQUEST_MS, self.index_lag_ms)
            return self.job.outcome("ambiguous", error=error, retry_at=self.job.now() + wait)
        await self._note("intent")
        if error.category == "duplicate":
            return await self._duplicate(error)
        if remedy_of(error.category) == "person":
            self.job.reject_all(error)
            return self.job.outcome("rejected", error=error)
        raise error

    async def _duplicate(self, error: CallFailed) -> Outcome:
        """The product says that it is there already: which one is it?"""
        if error.existing_id is not None:
            reading = await self.job.read(self.job.client.get(self.job.command.record.entity, error.existing_id))
            if reading is not None:
                return await self._exists([_Existing(id=error.existing_id, reading=reading)])
        candidates = await self._by_keys()
        if candidates:
            return await self._exists(candidates)
        now = self.job.now()
        if now - (self.job.command.received_at or self.job.command.issued_at) < DUPLICATE_PATIENCE_MS:
            wait = max(DUPLICATE_PAUSE_MS, self.index_lag_ms)
            return self.job.outcome("transient", error=error, retry_at=now + wait)
        return await self._refuse(error)

    async def _note(self, state: State, created_id: str | None = None) -> None:
        """Tell the ledger. Without it the row goes on saying `sent`, which makes the next try look first."""
        with suppress(DatabaseAway):
            await self.ledger.ended(self.job.command, self.side, state, created_id)

    async def _refuse(self, error: CallFailed) -> Outcome:
        await self._note("failed")
        self.job.reject_all(error)
        return self.job.outcome("rejected", error=error)


def finder(entity: Entity, field: str) -> Operation | None:
    """The operation that looks records up by this field; None: there is no way."""
    operations = (entity.ops.get("find"), entity.ops.get("search"))
    return next((found for found in operations if found and field in found.by), None)
