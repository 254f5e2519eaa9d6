"""What must hold when everything has come to rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cached_property

from schemas.events import Outcome, Snapshot, Trail
from schemas.records import RecordId
from schemas.values import Value, is_empty
from streams.engine.decide import decide
from streams.engine.plan import Line
from streams.engine.state import LinkRow, decode_link, decode_record
from tests.streams.engine.simulation.edits import check_edits, repeated_late
from tests.streams.engine.simulation.products import Record
from tests.streams.engine.simulation.schema import (
    DEFAULT_LANGUAGE,
    TENANT,
    canonical,
    field_of,
    in_effect,
    label_of,
)
from tests.streams.engine.simulation.simulation import Run

MATCHING = {"several_candidates", "candidate_taken", "same_key_twice", "created_twice", "already_linked"}
"""Attention for records of which only a person can say who they are: what belongs together is then open."""


class Checks:
    """The rows and the products of a finished run, side by side."""

    def __init__(self, run: Run) -> None:
        self.run = run
        rows = run.sync.rows
        self.links = [decode_link(data) for key, data in rows.items() if key.startswith(f"{TENANT}|l|")]
        self.records = {
            RecordId.parse(key.removeprefix(f"{TENANT}|r|")): decode_record(data)
            for key, data in rows.items()
            if key.startswith(f"{TENANT}|r|")
        }
        self.trail = list(run.sync.trail.values())
        self.open = [link for link in self.links if link.state == "open"]
        self.groups = groups(self.open)

    @cached_property
    def puzzled(self) -> bool:
        """A person was asked who is who."""
        return any(entry.reason in MATCHING for entry in self.trail if entry.kind == "attention")

    def record(self, name: RecordId) -> Record:
        return self.run.world.products[name.connection].records[name.id]

    def held(self) -> Iterator[tuple[RecordId, str]]:
        for name, row in self.records.items():
            for field in row.held:
                yield self.groups.get(name, name), field_of(name.connection, field)


def check(run: Run) -> Run:
    """Look at a finished run, and note every finding in it."""
    checks = Checks(run)
    check_quiet(checks)
    check_ends(checks)
    if any(finding.kind == "noquiet" for finding in run.findings):
        return run
    check_duplicates(checks)
    check_created(checks)
    check_convergence(checks)
    check_one_way(checks)
    check_writes(checks)
    check_edits(checks)
    check_tags(checks)
    check_replay(checks)
    return run


def groups(links: list[LinkRow]) -> dict[RecordId, RecordId]:
    """Record -> the one that stands for all that are linked with it."""
    parents: dict[RecordId, RecordId] = {}

    def root(record: RecordId) -> RecordId:
        while parents.setdefault(record, record) != record:
            record = parents[record]
        return record

    for link in links:
        parents[root(link.left)] = root(link.right)
    return {record: root(record) for record in list(parents)}


def check_quiet(checks: Checks) -> None:
    """It comes to rest, and nothing is written after that."""
    run = checks.run
    if not run.world.idle:
        run.found("noquiet", f"still busy at {run.world.now}, {run.sync.events} events")
    times = [write.at for write in run.sink.written] + [at for at, _, _ in run.sink.created]
    if max(times, default=0) > run.profile.quiet_after:
        run.found("noquiet", f"last write at {max(times)}")
    for entry in checks.trail:
        if entry.kind == "breaker":
            run.found("breaker", entry.reason)
    for name, row in checks.records.items():
        if row.alive and (row.sent is not None or row.wanted) and not row.blocked:
            run.found("unfinished", f"{name}: {row.wanted or row.sent}")


def check_ends(checks: Checks) -> None:
    """Every change that came in has an end, and no more of them than it came in times (after a crash)."""
    run = checks.run
    ends = Counter(change for entry in checks.trail if entry.end is not None for change in entry.changes)
    snapshots = [logged.event for logged in run.sync.log if isinstance(logged.event, Snapshot)]
    came = Counter(change for snapshot in snapshots for change in snapshot.changes)
    for change, times in came.items():
        if not 1 <= ends[change] <= times:
            run.found("end", f"{change} came {times} times, has {ends[change]} ends: {_told(checks.trail, change)}")
    for change in ends.keys() - came.keys():
        run.found("end", f"{change} has an end but never came in")


def _told(trail: list[Trail], change: str) -> list[tuple[str, str, str | None]]:
    return [(entry.kind, entry.reason, entry.end) for entry in trail if change in entry.changes]


def check_duplicates(checks: Checks) -> None:
    """No two records of a product for one person or company, unless people made them, or the look-up could not see."""
    run = checks.run
    for product, persons in living(checks).items():
        for person, names in persons.items():
            made = [name for name in names if run.world.products[product].records[name].made_by == "sync"]
            if len(names) < 2 or not made or run.sink.created_in_window or checks.puzzled:
                continue
            if _key_changed_before_it_was_read(checks, person):
                run.excuse("W8 key changed before it was read")
                continue
            run.found("duplicate", f"{product}: {names} for {person}")


def _key_changed_before_it_was_read(checks: Checks, person: object) -> bool:
    """People made the person on several products and changed the key: two things, as far as anybody can tell."""
    run = checks.run
    by_hand = [
        name
        for product, known in run.world.products.items()
        for name, record in known.records.items()
        if record.entity == "contact" and record.made_by == "human" and run.people.person_of(product, name) == person
    ]
    return len(by_hand) > 1 and any(edit.field == "email" for edit in run.people.edits if _is_change(edit.value))


def _is_change(email: Value) -> bool:
    return isinstance(email, str) and email.lower().startswith("q")


def living(checks: Checks) -> dict[str, dict[object, list[str]]]:
    """Product -> person or company -> its live records there."""
    found: dict[str, dict[object, list[str]]] = {}
    for name, product in checks.run.world.products.items():
        found[name] = defaultdict(list)
        for number, record in product.records.items():
            if not record.deleted:
                who = (
                    checks.run.people.person_of(name, number) if record.entity == "contact" else record.values["domain"]
                )
                found[name][who].append(number)
    return found


def check_created(checks: Checks) -> None:
    """A person is on every product, under one link; no create hangs."""
    run = checks.run
    for link in checks.open:
        for side in (link.left, link.right):
            if side.is_placeholder and not checks.puzzled and not checks.records[side].blocked:
                run.found("stuck create", side)
    if run.people.deleted or checks.puzzled:
        return
    persons: dict[object, dict[str, list[str]]] = defaultdict(dict)
    for product, found in living(checks).items():
        for person, names in found.items():
            persons[person][product] = names
    for person, where in persons.items():
        if person is None or any(len(names) > 1 for names in where.values()):
            continue
        if len(where) < len(run.world.products):
            run.found("missing", f"{person} is only on {sorted(where)}")
        entity = "contact" if isinstance(person, int) else "company"
        records = [RecordId(product, entity, names[0]) for product, names in where.items()]
        if len({checks.groups.get(record, record) for record in records}) > 1:
            run.found("unlinked", f"{person}: {records}")


def check_convergence(checks: Checks) -> None:
    """Linked records are equal in every mapped field, but for values that were refused."""
    run, held = checks.run, set(checks.held())
    for link in checks.open:
        if link.left.is_placeholder or link.right.is_placeholder:
            continue
        left, right = checks.record(link.left), checks.record(link.right)
        if left.deleted or right.deleted:
            continue
        for line in run.sync.plan.installations[link.installation].pairs[link.pair].lines:
            field = line.name
            if (checks.groups[link.left], field) in held or _is_equal(checks, link, line, left, right):
                continue
            one, other = left.values[field], right.values[field]
            run.found(
                "diverged", f"{link.left} {field}={one!r}, {link.right} {other!r}, name {left.values.get('name')!r}"
            )


def _is_equal(checks: Checks, link: LinkRow, line: Line, left: Record, right: Record) -> bool:
    field = line.name
    one, other = left.values[field], right.values[field]
    if field == "label":
        return _label_is_right(checks, link, left, right)
    if field == "company":
        one, other = _domain(checks, link.left, one), _domain(checks, link.right, other)
    if field == "language" and DEFAULT_LANGUAGE in (one, other):
        return True
    if line.direction != "both":
        last = right.history[field][-1] if right.history[field] else None
        return (
            is_empty(one)
            or in_effect(field, one) == in_effect(field, other)
            or (last is not None and last.who == "human")
        )
    return in_effect(field, one) == in_effect(field, other)


def _label_is_right(checks: Checks, link: LinkRow, left: Record, right: Record) -> bool:
    wanted = label_of(left.values["name"], left.values["rank"])
    return wanted is None or right.values["label"] == wanted


def _domain(checks: Checks, record: RecordId, company: Value) -> Value:
    """Which company a reference names, whatever its id there."""
    if is_empty(company):
        return None
    known = checks.run.world.products[record.connection].records.get(str(company))
    return canonical("domain", known.values["domain"]) if known is not None else f"stranger {company}"


def check_one_way(checks: Checks) -> None:
    """Nothing flows back along a one-way line; a vendor's default flows nowhere."""
    run = checks.run
    for write in run.sink.written:
        if write.field == "rank" and write.product == "A":
            run.found("backflow", write)
        if write.field == "label" and write.product != "B":
            run.found("backflow", write)
        if write.field == "language" and write.value == DEFAULT_LANGUAGE:
            if run.sink.lost_creates or any(run.world.retries.values()) or _creates_were_repeated(checks):
                run.excuse("W7 default after a lost create")
            else:
                run.found("default", write)


def _creates_were_repeated(checks: Checks) -> bool:
    """Was the answer that tells a default from an edit not the first one, or none at all?"""
    outcomes = (logged.event for logged in checks.run.sync.log if isinstance(logged.event, Outcome))
    return any(
        outcome.action == "create" and (outcome.found or outcome.status in ("throttled", "transient", "ambiguous"))
        for outcome in outcomes
    )


def check_writes(checks: Checks) -> None:
    """A value goes to a record once, and a field is not written more often than people give cause."""
    run = checks.run
    humans: Counter[str] = Counter(edit.field for edit in run.people.edits)
    humans["label"] = humans["name"] + humans["rank"]
    lost = len(run.sink.buried)
    values = Counter((write.product, write.record, write.field, write.value) for write in run.sink.written)
    for (product, record, field, value), count in values.items():
        allowed = 1 + run.world.retries[product, record] + humans[field] // 2 + lost
        if field != "tags" and count > allowed:
            run.found("pingpong", f"{product}/{record} {field}={value!r} written {count} times")
    fields = Counter((write.product, write.record, write.field) for write in run.sink.written)
    for (product, record, field), count in fields.items():
        if count > 2 * humans[field] + 2 + 2 * run.world.retries[product, record]:
            run.found("pingpong", f"{product}/{record} {field}: {count} writes for {humans[field]} edits")


def check_tags(checks: Checks) -> None:
    """A tag that a person added and nobody removed is everywhere; one that was removed is nowhere."""
    run = checks.run
    if run.people.deleted or checks.puzzled or run.sink.buried:
        return
    for product, persons in living(checks).items():
        for person, names in persons.items():
            if not isinstance(person, int) or len(names) != 1:
                continue
            added, removed = _tags_of(checks, person)
            value = run.world.products[product].records[names[0]].values["tags"]
            now = set(value if isinstance(value, tuple) else ())
            lost, back = added - removed - now, removed & now
            where = [(name, other[person][0]) for name, other in living(checks).items() if other.get(person)]
            if (lost or back) and any(repeated_late(checks, name, record, "tags") for name, record in where):
                run.excuse("W11 a command repeated after its answer")
                continue
            if lost:
                run.found("tag lost", f"{product}/{names[0]}: {lost}")
            if back:
                run.found("tag back", f"{product}/{names[0]}: {back}")


def _tags_of(checks: Checks, person: int) -> tuple[set[str], set[str]]:
    run = checks.run
    added: set[str] = set()
    removed: set[str] = set()
    for edit in run.people.edits:
        if edit.field != "tags" or run.people.person_of(edit.product, edit.record) != person:
            continue
        history = run.world.products[edit.product].records[edit.record].history["tags"]
        place = next(number for number, was in enumerate(history) if was.edit == edit.number)
        earlier = history[place - 1].value if place else ()
        before = set(earlier if isinstance(earlier, tuple) else ())
        after = set(edit.value if isinstance(edit.value, tuple) else ())
        added |= after - before
        removed |= before - after
        for tag in before - after:
            ours = any(was.who == "sync" and tag in (was.value or ()) for was in history[:place])  # type: ignore[operator]  # tags
            if ours and run.world.retries[edit.product, edit.record]:
                run.excuse("W3 undone while its answer was lost")
                removed.discard(tag)
                added.discard(tag)
    return added, removed


def check_replay(checks: Checks) -> None:
    """Every record's last events, decided again on the final rows, change nothing and send nothing new."""
    run = checks.run
    start = max(0, len(run.sync.log) - 12)
    for position, logged in list(enumerate(run.sync.log))[start:]:
        decision = decide(run.sync.rows, logged.event, run.sync.plan, position, logged.at)
        changed = [key for key in decision.rows if not key.endswith("recent")]
        if decision.commands or (changed and not isinstance(logged.event, Outcome)):
            run.found("replay", f"event {position} again: {changed} {decision.commands}")
