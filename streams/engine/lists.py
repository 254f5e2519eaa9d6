"""List fields: every element is a register of its own, present or not, since a version.

A last-writer-wins element set (Shapiro et al., 2011): removals are remembered, so that a list merged with an older
copy of itself does not get its removed elements back, and no common base is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.events import Element, FieldWrite
from schemas.values import Value
from schemas.versions import ZERO, Version
from streams.engine.plan import FieldPlan
from streams.engine.state import Cell, RecordRow

Elements = Mapping[str, Element]


def items(value: Value) -> tuple[str, ...]:
    """The elements as they are spelled; none of what is not a list."""
    return value if isinstance(value, tuple) else ()


def element_key(field: FieldPlan, item: str) -> str:
    """An element by its canonical text."""
    canonical = field.canonical((item,))
    return str(canonical[0]) if isinstance(canonical, tuple) and len(canonical) == 1 else item


def spelled(field: FieldPlan, *values: Value) -> dict[str, str]:
    """Canonical text -> the first spelling met."""
    found: dict[str, str] = {}
    for value in values:
        for item in items(value):
            found.setdefault(element_key(field, item), item)
    return found


def edited(
    field: FieldPlan, cell: Cell | None, value: Value, version: Version, ours: Elements | None = None
) -> dict[str, Element]:
    """The registers of a list after it was seen to hold `value` since `version`.

    `ours`: what a write of ours, whose answer was lost, may have put there: that part of the change is no edit.
    """
    elements = dict(cell.elements or {}) if cell is not None else {}
    before = spelled(field, cell.value) if cell is not None else {}
    after = spelled(field, value)
    for key in before.keys() ^ after.keys():
        written = (ours or {}).get(key)
        if written is not None and written.present == (key in after):
            elements[key] = later(elements, {key: written})[key]
        else:
            elements[key] = Element(present=key in after, version=version)
    return elements


def later(*many: Elements) -> dict[str, Element]:
    """Per element the later register."""
    merged: dict[str, Element] = {}
    for elements in many:
        for key, element in elements.items():
            known = merged.get(key)
            if known is None or element.version > known.version:
                merged[key] = element
    return merged


def effective(row: RecordRow, name: str) -> dict[str, Element]:
    """The registers that the record holds or is about to hold."""
    cell, wanted = row.cells.get(name), row.wanted.get(name)
    return later((cell.elements if cell else None) or {}, (wanted.elements if wanted else None) or {})


def newest(elements: Elements) -> Version:
    return max((element.version for element in elements.values()), default=ZERO)


def present(elements: Elements) -> list[str]:
    return sorted(key for key, element in elements.items() if element.present)


def spell(keys: Iterable[str], spellings: Mapping[str, str]) -> Value:
    """The list of those elements, or None for an empty one."""
    return tuple(spellings.get(key, key) for key in keys) or None


def land(row: RecordRow, name: str, write: FieldWrite, value: Value, *, is_answer: bool = True) -> None:
    """A written list is in the product, which returned it as `value`.

    Not `is_answer`: the command was forgotten meanwhile, so what it wrote says nothing of the list of today.
    """
    cell = row.cells.get(name)
    elements = later((cell.elements if cell else None) or {}, write.elements or {})
    if cell is not None and not is_answer:
        row.cells[name] = Cell(cell.value, cell.version, elements)
        return
    version = max(write.version, cell.version) if cell is not None else write.version
    row.cells[name] = Cell(value, version, elements)
