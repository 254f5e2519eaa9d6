"""Lines whose lists are united: per element the later of both sides, no base needed."""

from __future__ import annotations

import msgspec

from schemas.events import Element, FieldWrite
from schemas.records import RecordId
from schemas.values import Value
from streams.engine import lists
from streams.engine.carry import EffectiveFields
from streams.engine.plan import ConversionFailed, Line, Side, opposite
from streams.engine.state import Cell, LinkLine, LinkRow
from streams.engine.work import Work


def resolve_union(work: Work, link: LinkRow, line: Line, memory: LinkLine) -> bool:
    """Let both sides want the merged list. True if something changed."""
    changed = False
    before = {side: lists.effective(work.record(_record(link, side)), _name(line, side)) for side in _SIDES}
    for side in _SIDES:
        changed |= _resolve_side(work, link, line, memory, side, before[opposite(side)])
    return changed


_SIDES: tuple[Side, Side] = ("left", "right")


def _record(link: LinkRow, side: Side) -> RecordId:
    return link.left if side == "left" else link.right


def _name(line: Line, side: Side) -> str:
    return line.left if side == "left" else line.right


def _resolve_side(
    work: Work, link: LinkRow, line: Line, memory: LinkLine, side: Side, elsewhere: lists.Elements
) -> bool:
    record, name = _record(link, side), _name(line, side)
    row, field = work.record(record), work.field(_record(link, side), _name(line, side))
    own = lists.effective(row, name)
    carried, spellings = _carried(work, link, line, opposite(side), elsewhere)
    merged = lists.later(own, carried)
    version = lists.newest(merged)
    cell, wanted = row.cells.get(name), row.wanted.get(name)
    current = wanted.value if wanted is not None else cell.value if cell is not None else None
    spelling = {**spellings, **lists.spelled(field, wanted.value if wanted else None, cell.value if cell else None)}
    value = lists.spell(lists.present(merged), spelling)
    same = work.same(record, name, current, value)
    if same and own == merged:
        return False
    if same and wanted is None:
        return _learn(work, record, name, cell, value, merged)
    held = row.held.get(name)
    if held is not None and version <= held.version:
        return False
    memory.agree(version)
    row.wanted[name] = FieldWrite(
        value=value,
        version=version,
        expected=cell.value if cell is not None else msgspec.UNSET,
        elements=merged,
        causes=_causes(work, link, line, side),
        link=link.id,
    )
    work.touch(record)
    return True


def _learn(
    work: Work, record: RecordId, name: str, cell: Cell | None, value: Value, merged: dict[str, Element]
) -> bool:
    """The same list already: only what is known about its elements grows."""
    row = work.record(record)
    if cell is None:
        return False
    row.cells[name] = msgspec.structs.replace(cell, elements=merged)
    return True


def _carried(
    work: Work, link: LinkRow, line: Line, side: Side, elements: lists.Elements
) -> tuple[dict[str, Element], dict[str, str]]:
    """The registers of `side` in the other side's terms. Elements that cannot be carried across stay where they are."""
    row, there = work.record(_record(link, side)), _record(link, opposite(side))
    field = work.field(_record(link, side), _name(line, side))
    target = work.field(there, _name(line, opposite(side)))
    cell, wanted = row.cells.get(field.name), row.wanted.get(field.name)
    spelling = lists.spelled(field, cell.value if cell else None, wanted.value if wanted else None)
    known = _known_there(work, link, line, side)
    registers: dict[str, Element] = {}
    spellings: dict[str, str] = {}
    for key, element in elements.items():
        carried = (known[key],) if key in known else _carry(work, link, line, side, spelling.get(key, key))
        for item in carried:
            name = lists.element_key(target, item)
            registers[name] = element
            spellings[name] = item
    return registers, spellings


def _known_there(work: Work, link: LinkRow, line: Line, side: Side) -> dict[str, str]:
    """Elements of `side` -> how the other side spells them: a removed one has no spelling of its own any more."""
    there = opposite(side)
    record, name = _record(link, there), _name(line, there)
    cell = work.record(record).cells.get(name)
    own = work.field(_record(link, side), _name(line, side))
    known = {}
    for item in lists.items(cell.value) if cell is not None else ():
        for back in _carry(work, link, line, there, item):
            known[lists.element_key(own, back)] = item
    return known


def _carry(work: Work, link: LinkRow, line: Line, side: Side, item: str) -> tuple[str, ...]:
    """One element as the other side would hold it; none if it cannot be carried across."""
    carry = line.to_right if side == "left" else line.to_left
    try:
        return lists.items(carry((item,), EffectiveFields(work.record(_record(link, side)))))
    except ConversionFailed:
        return ()


def _causes(work: Work, link: LinkRow, line: Line, side: Side) -> tuple[str, ...]:
    source = work.record(_record(link, opposite(side)))
    name = _name(line, opposite(side))
    causes = dict.fromkeys(change.change for change in source.open if name in change.fields)
    for row, own in ((source, name), (work.record(_record(link, side)), _name(line, side))):
        wanted = row.wanted.get(own)
        causes.update(dict.fromkeys(wanted.causes if wanted is not None else ()))
    return tuple(causes)
