"""The sync app document: how two products are kept in sync. The vocabulary is `kind: syncapp/v1`.

The first of `endpoints` is the left side, the second the right. A line's name is its field on the left, or, where it
has none, its field on the right; policies, overrides and the history use that name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, cast

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from schemas.documents.connector import ConnectorDocument
from schemas.documents.model import Model, parse
from schemas.documents.source import InvalidDocument, read_yaml
from schemas.documents.words import Duration, FieldName, Formula, Name, Rate, SemanticVersion, duration_ms, rate

Alias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,30}$")]
EntityPath = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_-]*$")]
Direction = Annotated[str, StringConstraints(pattern=r"^(both|[a-z][a-z0-9_]*->[a-z][a-z0-9_]*)$")]
"""`both`, or one way: `fs->hs`."""

Scalar = bool | int | str | None
Literals = Scalar | tuple[str, ...]
Step = str | Annotated[Mapping[str, JsonValue], Field(min_length=1, max_length=1)]
"""A transform by name, or with its argument: `{table: stage}`."""

DeletePolicy = Literal["unlink", "archive", "delete"]
PolicyWord = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
"""`newest`, `master` (who wins a tie), `union` (of lists), `review` (by a person), or the alias that always wins."""


class Endpoint(Model):
    """A product. `version`: `^1` any 1.x.y, `~1.2` any 1.2.y, or one version."""

    connector: Name
    version: Annotated[str, StringConstraints(pattern=r"^(\^\d+(\.\d+){0,2}|~\d+\.\d+(\.\d+)?|\d+\.\d+\.\d+)$")]

    def accepts(self, version: str) -> bool:
        """Whether a connector of this version will do."""
        have = tuple(int(part) for part in version.split("."))
        want = tuple(int(part) for part in self.version.lstrip("^~").split("."))
        if self.version[0] not in "^~":
            return have == want
        fixed = 1 if self.version[0] == "^" and want[0] > 0 else 2
        return have[:fixed] == (*want, 0)[:fixed] and have >= want


class Setting(Model):
    """A question of the install form; expressions read the answer as `settings.<name>`."""

    type: Literal["string", "int", "bool", "enum", "enum_set"] = "string"
    default: Literals = None
    options: tuple[str, ...] = ()
    options_from: str | None = None
    """A field whose choices are offered: `hs.contact.lifecyclestage`."""
    label: str = ""


class Scope(Model):
    """Which records take part, per alias; leaving never deletes. A condition that cannot be evaluated is false."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Formula]

    leave: Literal["keep", "unlink"] = "keep"

    @property
    def conditions(self) -> Mapping[str, str]:
        return self.model_extra or {}


class MatchOn(Model):
    """A key by which records that nobody has linked yet are recognised as one thing; normalisers only in `via`."""

    key: FieldName | Mapping[Alias, FieldName]
    via: tuple[Step, ...] = ()
    only_if_unique: bool = False

    def field(self, alias: str) -> str:
        """The key's field on that side; empty if it does not say."""
        return self.key if isinstance(self.key, str) else self.key.get(alias, "")


class FieldLine(Model):
    """A mapped field: per alias the field's name, and how values cross.

    `unmapped`: of a value that a `table` lacks: `hold` the field, `keep` what the target has, `pass` the value on.
    `default`: per alias what is written where the other side has nothing; it never travels back. `skip_empty`: an
    empty value does not cross (implied by `unmapped: keep`). `expr` computes the one field that the line names, from
    the other alias's record and the settings. `withdraws`: per alias the values that withdraw a consent.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, FieldName]

    via: tuple[Step, ...] = ()
    dir: Direction | None = None
    default: Mapping[Alias, Literals] = {}
    required: bool = False
    unmapped: Literal["hold", "keep", "pass"] = "hold"
    skip_empty: bool = False
    expr: Formula | None = None
    withdraws: Mapping[Alias, tuple[Scalar, ...]] = {}

    @property
    def sides(self) -> Mapping[str, str]:
        """Alias → field."""
        return self.model_extra or {}


class Association(Model):
    """A reference to a record of another pair, per alias the ref field; it waits for that record's link."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, FieldName]

    pair: Name
    dir: Direction | None = None
    on_missing: Literal["wait", "skip"] = "wait"
    wait_max: Duration = "15m"

    @property
    def sides(self) -> Mapping[str, str]:
        return self.model_extra or {}

    @property
    def wait_ms(self) -> int:
        return duration_ms(self.wait_max)


class Conflict(Model):
    """Who wins when both sides changed, per field. `tie`: the alias that wins what the clocks cannot decide."""

    default: PolicyWord = "newest"
    tie: Formula | Alias | None = None
    fields: Mapping[FieldName, PolicyWord] = {}
    empty_never_wins: bool = False


class Delete(Model):
    """What a deletion on one side (`from_<alias>`) does on the other; more than `limit` of them trip the breaker."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, DeletePolicy]

    erase: Literal["propagate", "ignore"] = "propagate"
    limit: Rate = "50/1h"

    @property
    def policies(self) -> Mapping[str, DeletePolicy]:
        """`from_<alias>` → policy."""
        return self.model_extra or {}

    @property
    def count(self) -> int:
        return rate(self.limit)[0]

    @property
    def window_ms(self) -> int:
        return rate(self.limit)[1]


class Pair(Model):
    """Entity of one side ↔ entity of the other."""

    between: tuple[EntityPath, EntityPath]
    direction: Direction = "both"
    scope: Scope = Scope()
    match: tuple[MatchOn, ...] = ()
    ambiguous: Literal["review", "newest", "skip"] = "review"
    create: Mapping[Alias, bool] = {}
    """Whether records may be created there; absent: where the pair's direction leads."""
    fields: tuple[FieldLine, ...] = Field(min_length=1)
    conflict: Conflict = Conflict()
    delete: Delete = Delete()
    associations: tuple[Association, ...] = ()

    @property
    def entities(self) -> tuple[str, str]:
        return self.between[0].partition(".")[2], self.between[1].partition(".")[2]


class Backfill(Model):
    """The first run: pairs in order, with a share of the quota."""

    order: tuple[Name, ...] = ()
    rate_share: float = Field(0.5, gt=0, le=1)
    dry_run_first: bool = False


class Example(Model):
    """What the author expects: a record of `from` with these fields gives these on the other side.

    `want` need not name every field. `held`: fields of the target that cannot be given a value.
    """

    pair: Name
    origin: Alias = Field(alias="from")
    given: Mapping[FieldName, Literals]
    want: Mapping[FieldName, Literals] = {}
    held: tuple[FieldName, ...] = ()
    settings: Mapping[Name, Literals] = {}


class AppDocument(Model):
    """A sync app."""

    kind: Literal["syncapp/v1"]
    id: Name
    version: SemanticVersion
    title: str
    endpoints: Mapping[Alias, Endpoint] = Field(min_length=2, max_length=2)
    settings: Mapping[Name, Setting] = {}
    tables: Mapping[Name, tuple[tuple[str, str], ...]] = {}
    pairs: Mapping[Name, Pair] = Field(min_length=1)
    backfill: Backfill = Backfill()
    tests: tuple[Example, ...] = ()

    @property
    def left(self) -> str:
        """The alias of the first endpoint."""
        return next(iter(self.endpoints))

    @property
    def right(self) -> str:
        return list(self.endpoints)[1]

    def settings_with(self, answers: Mapping[str, object]) -> dict[str, JsonValue]:
        """Every setting as expressions read it: the answer where there is one, else the default."""
        given = {name: answers.get(name, setting.default) for name, setting in self.settings.items()}
        return {
            name: list(value) if isinstance(value, tuple) else cast(JsonValue, value) for name, value in given.items()
        }


def line_name(sides: Mapping[str, str], left: str, right: str) -> str:
    """The name of a line or association with these sides."""
    return sides.get(left) or sides.get(right, "")


def way(direction: str | None, left: str, right: str) -> Literal["both", "to_right", "to_left"] | None:
    """`fs->hs` as the engine says it; None if it is neither `both` nor between the two aliases."""
    if direction is None or direction == "both":
        return "both"
    if direction == f"{left}->{right}":
        return "to_right"
    return "to_left" if direction == f"{right}->{left}" else None


def load_app(text: str, name: str, connectors: Mapping[str, ConnectorDocument]) -> AppDocument:
    """Read a sync app between products that `connectors` describe. Raises InvalidDocument with every problem found."""
    from schemas.documents.app_checks import check_app  # here, because the checks build on the models above

    source = read_yaml(text, name)
    app = parse(source, AppDocument)
    problems = check_app(app, source, connectors)
    if problems:
        raise InvalidDocument(name, problems)
    return app
