"""People who make, edit and delete records, on every product, also at the same time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from schemas.values import Value
from tests.streams.engine.simulation.products import Record
from tests.streams.engine.simulation.profiles import Profile
from tests.streams.engine.simulation.schema import STAGES, canonical, normalise
from tests.streams.engine.simulation.world import World

KINDS = {"set": 48, "clear": 6, "back": 8, "tags": 12, "email": 5, "company": 7, "stage": 4, "delete": 3}


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person does. Drawn before the run, so that a shrinker can leave it out."""

    number: int
    at: int
    kind: str
    product: str
    person: int
    field: str = ""
    dice: float = 0.0


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person really changed: one field of one record."""

    number: int
    at: int
    product: str
    record: str
    field: str
    value: Value


def draw(profile: Profile, random: Random) -> list[Action]:
    """A schedule: companies, people who appear on one product or on several, then edits."""
    drawn: list[tuple[int, str, str, int, str, float]] = [
        (random.randint(0, 3000), "new company", random.choice(profile.products), number, "", 0.0) for number in (0, 1)
    ]
    for person in range(profile.people):
        drawn.extend(_appearances(profile, random, person))
    at = 3000
    for number in range(profile.edits):
        if number == 0 or random.random() > profile.same_second:
            at = random.randint(2500, profile.span)
        else:
            at += random.choice([random.randint(0, 1000), random.randint(0, 4000)])
        [kind] = random.choices(list(KINDS), list(KINDS.values()))
        fields = ["name", "name", "phone", "rank", *(["note"] * 2 if profile.undeclared else [])]
        drawn.append(
            (at, kind, random.choice(profile.products), random.randrange(profile.people), random.choice(fields),
             random.random())
        )  # fmt: skip
    drawn.sort(key=lambda action: action[0])
    return [Action(number, *action) for number, action in enumerate(drawn)]


def _appearances(profile: Profile, random: Random, person: int) -> list[tuple[int, str, str, int, str, float]]:
    at, dice = random.randint(0, 2000), random.random()
    where = [random.choice(profile.products)]
    if dice < 0.4:
        where.append(random.choice([product for product in profile.products if product not in where]))
    if dice < 0.15:
        where = list(profile.products)
    kind = "new"
    if random.random() < profile.without_key:
        where, kind = where[:1], "new without key"
    return [
        (at + (random.randint(0, 1500) if random.random() < 0.6 else random.randint(0, 9000)), kind, product, person,
         "", 0.0)
        for product in where
    ]  # fmt: skip


class People:
    """Plays a schedule, and remembers which of it came to pass."""

    def __init__(self, world: World, actions: list[Action]) -> None:
        self.edits: list[Edit] = []
        self.deleted: set[int] = set()
        """The persons of whom a record was deleted."""
        self._world = world
        for action in actions:
            world.at(action.at, self._act, action)

    def person_of(self, product: str, record: str) -> int | None:
        """Whose record it is: told by whoever made it, or by the record from which we made it."""
        known = self._world.products[product].records[record]
        if known.person is None and known.stamp is not None:
            _, _, _, source, origin = known.stamp.split(":", 4)
            if origin in self._world.products[source].records:
                known.person = self.person_of(source, origin)
        return known.person

    def _find(self, product: str, person: int) -> str | None:
        for name, known in self._world.products[product].records.items():
            if not known.deleted and known.entity == "contact" and self.person_of(product, name) == person:
                return name
        return None

    def _act(self, action: Action) -> None:
        if action.kind == "new company":
            values: dict[str, Value] = {"domain": f"d{action.person}.io", "title": f"co{action.person}"}
            self._world.create(action.product, "company", values, "human", edit=action.number)
            self._world.say(f"PERSON {action.product}: new company {action.person}")
            return
        if action.kind.startswith("new"):
            self._new(action)
            return
        name = self._find(action.product, action.person)
        if name is None:
            return
        known = self._world.products[action.product].records[name]
        if action.kind == "delete":
            self._world.say(f"PERSON {action.product}: deletes {name}")
            self._world.delete(action.product, name, "human", action.number)
            self.deleted.add(action.person)
            return
        values = self._values(action, known)
        self._edit(
            action, name, {field: value for field, value in values.items() if self._is_new(action, known, field, value)}
        )

    def _is_new(self, action: Action, known: Record, field: str, value: Value) -> bool:
        return normalise(action.product, field, value) != known.values.get(field)

    def _new(self, action: Action) -> None:
        product = self._world.products[action.product]
        email = None if action.kind == "new without key" else f"P{action.person}@x.io"
        if email is not None:
            if product.unique and product.with_key("contact", "email", canonical("email", email)):
                return
            if self._find(action.product, action.person):
                return
        values: dict[str, Value] = {"name": f"n{action.number}{action.product}", "phone": f"{100 + action.number}"}
        if email is not None:
            values["email"] = email
        name = self._world.create(action.product, "contact", values, "human", edit=action.number)
        product.records[name].person = action.person
        self._world.say(f"PERSON {action.product}: new {name} {values}")
        self._remember(action, name, values)

    def _edit(self, action: Action, name: str, values: dict[str, Value]) -> None:
        if not values:
            return
        self._world.say(f"PERSON {action.product}: edit {action.number} of {name}: {values}")
        self._world.change(action.product, name, values, "human", action.number)
        self._remember(action, name, values)

    def _remember(self, action: Action, name: str, values: dict[str, Value]) -> None:
        for field, value in values.items():
            normal = normalise(action.product, field, value)
            self.edits.append(Edit(action.number, self._world.now, action.product, name, field, normal))

    def _values(self, action: Action, known: Record) -> dict[str, Value]:
        match action.kind:
            case "set":
                return self._set(action)
            case "clear":
                return {action.field: None}
            case "back":
                former = [was for was in known.history[action.field] if was.value != known.values.get(action.field)]
                return {action.field: former[-1].value} if former else {}
            case "tags":
                return {"tags": _other_tags(action, known.values.get("tags"))}
            case "email":
                return {"email": f"Q{action.number}@x.io"}
            case "stage":
                return {"stage": list(STAGES["A"])[int(action.dice * 97) % len(STAGES["A"])]}
        return self._company(action)

    def _set(self, action: Action) -> dict[str, Value]:
        number = action.number
        new: dict[str, Value] = {
            "name": f"n{number}",
            "phone": f"{100 + number}",
            "rank": f"r{number}",
            "note": f"zz{number}",
        }
        values = {action.field: new[action.field]}
        if action.field == "name" and action.dice < self._world.profile.reject:
            values["name"] = f"bad{number}"
        if action.dice > 0.8:
            second = "phone" if action.field == "name" else "name"
            values[second] = new[second]
        return values

    def _company(self, action: Action) -> dict[str, Value]:
        records = self._world.products[action.product].records
        companies = [name for name, known in records.items() if known.entity == "company" and not known.deleted]
        return {"company": companies[int(action.dice * 97) % len(companies)]} if companies else {}


def _other_tags(action: Action, now: Value) -> Value:
    tags = set(now if isinstance(now, tuple) else ())
    if tags and action.dice < 0.3:
        tags.discard(sorted(tags)[int(action.dice * 100) % len(tags)])
    else:
        tags.add(f"t{action.number}")
    return tuple(sorted(tags))
