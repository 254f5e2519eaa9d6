"""Three products in a triangle: what they call their fields, how they spell values, and what links them.

Inside the simulation fields and values have common names and spellings; a product's own appear only where the engine
meets it. So a value that the engine forgets to convert cannot be read back.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from schemas.values import Fields, Value, is_empty
from streams.engine.plan import (
    ConversionFailed,
    Convert,
    FieldPlan,
    InstallationPlan,
    Line,
    MatchKey,
    PairPlan,
    Plan,
    Policy,
    Reference,
)
from tests.streams.engine.simulation.profiles import Profile

TENANT = "t"
FIELDS = {
    "contact": ("email", "name", "phone", "note", "tags", "rank", "company", "language", "stage", "label"),
    "company": ("domain", "title"),
}
KEYS = {"contact": "email", "company": "domain"}
STAGES = {
    "A": {"lead": "Lead", "customer": "Customer", "partner": "Partner"},
    "B": {"lead": "lead", "customer": "customer", "partner": "partner"},
    "C": {"lead": "1", "customer": "2", "partner": "3"},
}
UNMAPPED = "partner"
"""A stage that the tables between the products do not know."""
DEFAULT_LANGUAGE = "default"
"""What C fills in by itself on a new record."""


def canonical(field: str, value: Value) -> Value:
    """Equal results: the same value."""
    if is_empty(value):
        return None
    if field in ("email", "domain") and isinstance(value, str):
        return value.strip().lower()
    if field == "phone" and isinstance(value, str):
        return "".join(letter for letter in value if letter.isdigit())
    if field == "tags" and isinstance(value, tuple):
        return tuple(sorted(value))
    return value


def in_effect(field: str, value: Value) -> Value:
    """As `canonical`, and blind to what B does to a note without anybody having declared it."""
    found = canonical(field, value)
    return found.upper() if field == "note" and isinstance(found, str) else found


def normalise(product: str, field: str, value: Value) -> Value:
    """What a product makes of a value that it is given."""
    if is_empty(value):
        return None
    if field == "phone":
        digits = str(canonical(field, value))
        return {"A": value, "B": f"+{digits}", "C": "-".join(digits)}[product]
    if field in ("email", "domain") and product == "B":
        return str(value).lower()
    if field == "note" and product == "B":
        return str(value).upper()
    return canonical(field, value) if field == "tags" else value


def name_of(product: str, field: str) -> str:
    """What a product calls a field."""
    return {"A": field, "B": f"b_{field}", "C": f"{field}__c"}[product]


def field_of(product: str, name: str) -> str:
    return {"A": name, "B": name.removeprefix("b_"), "C": name.removesuffix("__c")}[product]


def spell(product: str, field: str, value: Value) -> Value:
    """A common value as the product writes it."""
    return STAGES[product][str(value)] if field == "stage" and not is_empty(value) else value


def read(product: str, field: str, value: Value) -> Value:
    """A product's value in the common spelling. Raises KeyError on one that the product does not have."""
    if field == "stage" and not is_empty(value):
        return {own: common for common, own in STAGES[product].items()}[str(value)]
    return value


def rejects(product: str, field: str, value: Value) -> bool:
    return product == "C" and field == "name" and isinstance(value, str) and value.startswith("bad")


def label_of(name: Value, rank: Value) -> Value:
    """What the one-way line from A to B computes."""
    return f"{name or ''}#{rank or ''}" if name or rank else None


def make_plan(profile: Profile, random: Random) -> Plan:
    """An installation between every two products."""
    pairs = [(a, b) for a, b in ("AB", "BC", "AC") if a in profile.products and b in profile.products]
    installations = {a + b: _installation(profile, random, a, b) for a, b in pairs}
    fields = {
        (product, entity): {
            name_of(product, field): FieldPlan(
                name=name_of(product, field), canonical=_canonical(field), is_list=field == "tags"
            )
            for field in names
        }
        for product in profile.products
        for entity, names in FIELDS.items()
    }
    return Plan(tenant=TENANT, revision=1, installations=installations, fields=fields, write_limit=1_000)


def _installation(profile: Profile, random: Random, left: str, right: str) -> InstallationPlan:
    lines = [
        _line(left, right, field, policy=_policy(profile, random))
        for field in ("email", "name", "phone", *(["note"] if profile.undeclared else []))
    ]
    lines.append(_line(left, right, "tags", policy="union"))
    lines.append(_line(left, right, "language"))
    lines.append(_line(left, right, "stage", to_right=_table(left, right), to_left=_table(right, left)))
    lines.append(_line(left, right, "company", reference=Reference(pair="company", wait_ms=60_000)))
    if left == "A":
        lines.append(_line(left, right, "rank", direction="to_right"))
    if left == "A" and right == "B":
        lines.append(_label_line())
    pairs = {
        "contact": _pair(profile, "contact", left, right, tuple(lines)),
        "company": _pair(profile, "company", left, right, (_line(left, right, "domain"), _line(left, right, "title"))),
    }
    return InstallationPlan(id=left + right, left=left, right=right, state="active", pairs=pairs)


def _policy(profile: Profile, random: Random) -> Policy:
    return random.choice(profile.policies)


def _line(left: str, right: str, field: str, **options: object) -> Line:
    return Line(name=field, left=name_of(left, field), right=name_of(right, field), **options)  # type: ignore[arg-type]  # Line's own keywords


def _label_line() -> Line:
    names = name_of("A", "name"), name_of("A", "rank")

    def compute(_: Value, fields: Fields) -> Value:
        return label_of(fields.get(names[0]), fields.get(names[1]))

    return Line(name="label", left="", right=name_of("B", "label"), direction="to_right", to_right=compute, reads=names)


def _table(source: str, target: str) -> Convert:
    known = {own: STAGES[target][common] for common, own in STAGES[source].items() if common != UNMAPPED}

    def convert(value: Value, _: Fields) -> Value:
        if value not in known:
            raise ConversionFailed("no such stage on the other side")
        return known[str(value)]

    return convert


def _pair(profile: Profile, entity: str, left: str, right: str, lines: tuple[Line, ...]) -> PairPlan:
    field = KEYS[entity]
    key = MatchKey(
        name=field, left=name_of(left, field), right=name_of(right, field), left_key=_key(field), right_key=_key(field)
    )
    return PairPlan(
        name=entity,
        left=entity,
        right=entity,
        lines=lines,
        match=(key,),
        delete_from_left=profile.delete,
        delete_from_right=profile.delete,
    )


def _canonical(field: str) -> Callable[[Value], Value]:
    return lambda value: canonical(field, value)


def _key(field: str) -> Callable[[Value], str | None]:
    def key(value: Value) -> str | None:
        found = canonical(field, value)
        return found if isinstance(found, str) else None

    return key
