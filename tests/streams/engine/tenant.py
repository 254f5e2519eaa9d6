"""A tenant to play scenarios with: two products whose fields have different names, and the rows of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schemas.events import Command, FieldAnswer, Outcome, OutcomeStatus, Reading, Snapshot, SyncEvent, Trail
from schemas.records import RecordId
from schemas.values import Fields, Value
from streams.engine.decide import decide
from streams.engine.decision import Decision
from streams.engine.plan import (
    ConversionFailed,
    FieldPlan,
    InstallationPlan,
    Line,
    MatchKey,
    PairPlan,
    Plan,
    Reference,
)
from streams.engine.state import LinkRow, RecordRow, decode_link, decode_record, link_key, record_key

NOW = 1_700_000_000_000
STAGES = {"Lead": "lead", "Customer": "customer"}


def lower(value: Value) -> Value:
    return value.strip().lower() if isinstance(value, str) and value else None


def as_text(value: Value) -> Value:
    return value or None


def as_set(value: Value) -> Value:
    return tuple(sorted(value)) if isinstance(value, tuple) and value else None


def email_key(value: Value) -> str | None:
    found = lower(value)
    return found if isinstance(found, str) else None


def stage_right(value: Value, _: Fields) -> Value:
    if value not in STAGES:
        raise ConversionFailed(f"no such stage: {value}")
    return STAGES[str(value)]


def stage_left(value: Value, _: Fields) -> Value:
    for left, right in STAGES.items():
        if right == value:
            return left
    raise ConversionFailed(f"no such stage: {value}")


def full_name(_: Value, fields: Fields) -> Value:
    return " ".join(str(fields[name]) for name in ("first_name", "last_name") if fields.get(name)) or None


EMAIL = Line(name="email", left="email", right="mail")
FIRST_NAME = Line(name="first_name", left="first_name", right="firstname")
LAST_NAME = Line(name="last_name", left="last_name", right="lastname")
STAGE = Line(name="stage", left="stage", right="lifecycle", to_right=stage_right, to_left=stage_left)
TAGS = Line(name="tags", left="tags", right="labels", policy="union")
FULL_NAME = Line(
    name="full_name", left="", right="full_name", direction="to_right", to_right=full_name,
    reads=("first_name", "last_name"),
)  # fmt: skip
COMPANY = Line(name="company", left="account_id", right="company_id", reference=Reference(pair="company"))
LINES = (EMAIL, FIRST_NAME, LAST_NAME, STAGE, TAGS, FULL_NAME, COMPANY)
BY_EMAIL = MatchKey(name="email", left="email", right="mail", left_key=email_key, right_key=email_key)
CONTACT = PairPlan(name="contact", left="contact", right="contact", lines=LINES, match=(BY_EMAIL,))
COMPANIES = PairPlan(
    name="company",
    left="account",
    right="company",
    lines=(Line(name="name", left="name", right="name"),),
    match=(MatchKey(name="name", left="name", right="name", left_key=email_key, right_key=email_key),),
)
LEFT = RecordId("crm", "contact", "a1")
RIGHT = RecordId("hub", "contact", "b1")


def fields_of(*names: str, lists: tuple[str, ...] = (), folded: tuple[str, ...] = ()) -> dict[str, FieldPlan]:
    plans = {name: FieldPlan(name=name, canonical=lower if name in folded else as_text) for name in names}
    return plans | {name: FieldPlan(name=name, canonical=as_set, is_list=True) for name in lists}


FIELDS: Mapping[tuple[str, str], Mapping[str, FieldPlan]] = {
    ("crm", "contact"): fields_of(
        "email", "first_name", "last_name", "stage", "account_id", lists=("tags",), folded=("email",)
    ),
    ("hub", "contact"): fields_of(
        "mail", "firstname", "lastname", "lifecycle", "full_name", "company_id", lists=("labels",), folded=("mail",)
    ),
    ("crm", "account"): fields_of("name"),
    ("hub", "company"): fields_of("name"),
}


def a_plan(contact: PairPlan = CONTACT, **installation: Any) -> Plan:
    """One installation, `i`, between `crm` (left) and `hub` (right)."""
    known = {"id": "i", "left": "crm", "right": "hub", "state": "active"} | installation
    pairs = {"contact": contact, "company": COMPANIES}
    return Plan(tenant="t", revision=1, installations={"i": InstallationPlan(pairs=pairs, **known)}, fields=FIELDS)


@dataclass
class Tenant:
    """The engine's rows, and all that it has put out so far."""

    plan: Plan = field(default_factory=a_plan)
    rows: dict[str, bytes] = field(default_factory=dict)
    now: int = NOW
    position: int = 0
    trail: list[Trail] = field(default_factory=list)
    last: Decision = field(default_factory=lambda: Decision(rows={}, read=frozenset()))

    def deliver(self, event: SyncEvent, position: int | None = None) -> Decision:
        """Let the engine decide, and keep what it wrote. A given position is a replay."""
        if position is None:
            self.position += 1
            position = self.position
        self.last = decide(self.rows, event, self.plan, position, self.now)
        self.rows.update(self.last.rows)
        known = {entry.id for entry in self.trail}
        self.trail.extend(entry for entry in self.last.trail if entry.id not in known)
        return self.last

    def read(self, record: RecordId, *, at: int | None = None, **facts: Any) -> Decision:
        """A read of the record returned these fields, edited at `at` (now)."""
        return self.deliver(self.snapshot(record, at=at, **facts))

    def snapshot(self, record: RecordId, *, at: int | None = None, **facts: Any) -> Snapshot:
        self.now += 100
        options = {
            name: facts.pop(name) for name in ("source", "changes", "linking", "into", "erased") if name in facts
        }
        read_from: int = facts.pop("read_from", self.now - 20)
        extra: dict[str, Any] = {name: facts.pop(name) for name in ("stamp", "field_times") if name in facts}
        reading = Reading(
            fields=facts.get("fields", facts), updated_at=at if at is not None else self.now - 50,
            read_from=read_from, read_to=read_from + 10, **extra,
        )  # fmt: skip
        name = f"s{self.position + 1}"
        return Snapshot(
            id=name, tenant="t", record=record, reading=reading, received_at=self.now - 40,
            **{"changes": (f"c{self.position + 1}",), **options},
        )  # fmt: skip

    def gone(self, record: RecordId, **facts: Any) -> Decision:
        self.now += 100
        name = f"{self.position + 1}"
        facts = {"gone_at": self.now, "received_at": self.now, "changes": (f"c{name}",), **facts}
        return self.deliver(Snapshot(id=f"s{name}", tenant="t", record=record, **facts))

    def answer(self, command: Command, status: OutcomeStatus = "applied", **facts: Any) -> Decision:
        """The sink's answer. `fields`: the record as the vendor returned it; without, exactly as commanded."""
        self.now += 300
        fields: dict[str, Value] = facts.pop("fields", {name: write.value for name, write in command.fields.items()})
        states = facts.pop("answers", {})
        if status in ("applied", "partial") and command.action in ("create", "update"):
            reading = Reading(fields=fields, updated_at=self.now - 30, read_from=self.now - 20, read_to=self.now - 10)
            facts.setdefault("after", reading)
        if command.action == "create" and status == "applied":
            facts.setdefault("created", "b1" if command.record.connection == "hub" else "a1")
        answers = {
            name: state if isinstance(state, FieldAnswer) else FieldAnswer(state=state)
            for name, state in states.items()
        }
        facts = {"started_at": self.now - 100, "ended_at": self.now - 10, **facts}
        return self.deliver(
            Outcome(
                id=f"o{self.position + 1}", tenant="t", record=command.record, sequence=command.sequence,
                action=command.action, status=status, fields=command.fields, answers=answers,
                received_at=command.received_at, **facts,
            )
        )  # fmt: skip

    def linked(self, **fields: Value) -> Tenant:
        """Let `LEFT` be created on the right as `RIGHT`, and nothing be under way."""
        self.read(LEFT, fields=fields or {"email": "ada@x.io", "first_name": "Ada", "last_name": "L", "stage": None})
        [command] = self.last.commands
        names = ("mail", "firstname", "lastname", "lifecycle", "labels", "full_name", "company_id")
        self.answer(command, fields={**dict.fromkeys(names), **{n: w.value for n, w in command.fields.items()}})
        assert self.last.commands == ()
        self.now += 60_000
        return self

    def row(self, record: RecordId) -> RecordRow:
        return decode_record(self.rows[record_key("t", record)])

    def link(self, link: str) -> LinkRow:
        return decode_link(self.rows[link_key("t", link)])

    def links(self) -> list[LinkRow]:
        return [decode_link(data) for key, data in self.rows.items() if key.startswith("t|l|")]

    def plan_with(self, **contact: Any) -> None:
        """Another version of the app is installed."""
        pair = self.plan.installations["i"].pairs["contact"]
        pairs = {**self.plan.installations["i"].pairs, "contact": replace(pair, **contact)}
        self.plan_as(pairs=pairs)

    def plan_as(self, **installation: Any) -> None:
        changed = replace(self.plan.installations["i"], **installation)
        self.plan = replace(self.plan, installations={"i": changed})

    def sent(self) -> list[Command]:
        return list(self.last.commands)

    def kinds(self) -> list[str]:
        return [entry.kind for entry in self.last.trail]

    def reasons(self) -> list[str]:
        return [entry.reason for entry in self.trail if entry.kind == "attention"]

    def ends(self) -> dict[str, str]:
        """Change -> the end it has reached. Fails on a change that ended twice."""
        found: dict[str, str] = {}
        for entry in self.trail:
            for change in entry.changes if entry.end is not None else ():
                assert change not in found, f"{change} ended twice"
                found[change] = str(entry.end)
        return found
