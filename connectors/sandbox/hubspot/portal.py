"""A portal: everything that one HubSpot account holds."""

from __future__ import annotations

import random

import msgspec

from connectors.sandbox.calls import Announce, By
from connectors.sandbox.hubspot.index import Index
from connectors.sandbox.hubspot.kinds import CONTACTS, KINDS, Kind
from connectors.sandbox.hubspot.links import Link, Links
from connectors.sandbox.hubspot.properties import Option, Property, standard
from connectors.sandbox.hubspot.shelf import Record, Shelf
from connectors.sandbox.settings import HubSpotSettings

FIRST_ID = 508_369_434_347
"""Ids are unique per object type only, so every type and every portal starts here."""
FIRST_OWNER = 71_204_481
FIRST_USER = 47_812_075


class Owner(msgspec.Struct):
    """A user to whom records can belong."""

    id: int
    user_id: int
    email: str
    first_name: str
    last_name: str


class Label(msgspec.Struct):
    """A kind of association that the account defined; `inverse` is its type id in the other direction."""

    from_kind: str
    to_kind: str
    type_id: int
    label: str
    inverse: int


class PortalState(msgspec.Struct, kw_only=True):
    """What a snapshot keeps of a portal."""

    portal_id: int
    app_id: int
    settings: HubSpotSettings = msgspec.field(default_factory=HubSpotSettings)
    records: dict[str, list[Record]] = {}
    properties: dict[str, list[Property]] = {}
    owners: list[Owner] = []
    labels: list[Label] = []
    links: list[Link] = []
    issued: dict[str, int] = {}
    """How many ids were given away, per object type."""


class Portal:
    """The records of one account with their definitions; the rules of writing are in `writes`."""

    def __init__(self, name: str, state: PortalState, announce: Announce) -> None:
        self.name = name
        self.state = state
        self.announce = announce
        self.links = Links(state.links)
        self.properties = {plural: self._definitions(plural) for plural in KINDS}
        self.shelves = {plural: Shelf(kind, self._unique(plural)) for plural, kind in KINDS.items()}
        self.indexes = {plural: Index() for plural in KINDS}
        for plural, records in state.records.items():
            for record in sorted(records, key=lambda record: record.modified):
                self.shelves[plural].add(record)
                if not record.archived_at:
                    self.indexes[plural].note(record, 0, 0)

    @property
    def settings(self) -> HubSpotSettings:
        return self.state.settings

    @property
    def owner_ids(self) -> set[str]:
        return {str(owner.id) for owner in self.state.owners}

    def saved(self) -> PortalState:
        """The state as it is now, for a snapshot."""
        self.state.records = {plural: list(shelf.records.values()) for plural, shelf in self.shelves.items()}
        self.state.links = self.links.listed()
        return self.state

    def new_id(self, kind: Kind) -> int:
        """The next id of this type: rising, with gaps."""
        count = self.state.issued.get(kind.plural, 0) + 1
        self.state.issued[kind.plural] = count
        return FIRST_ID + count * 1_013 + random.Random(count).randrange(1_000)  # noqa: S311 - gaps, not secrets

    def source_of(self, by: By) -> tuple[str, str]:
        """The words for who wrote: (`changeSource`, `sourceId`)."""
        if by == "person":
            return "CRM_UI", f"userId:{FIRST_USER}"
        return "INTEGRATION", str(self.state.app_id)

    def note(self, kind: Kind, record: Record, now: int, *, gone: bool = False) -> None:
        """Let search learn of a change, after its lag."""
        self.indexes[kind.plural].note(record, now + self.settings.search_lag_ms, now, gone=gone)

    def define(self, kind: Kind, property: Property) -> None:
        """Add or replace a property."""
        self.properties[kind.plural][property.name] = property
        own = self.state.properties.setdefault(kind.plural, [])
        own[:] = [*(each for each in own if each.name != property.name), property]
        if property.has_unique_value and not self.shelves[kind.plural].is_unique(property.name):
            self.shelves[kind.plural].make_unique(property.name)

    def stages(self, kind: Kind) -> set[str]:
        """Ids of pipelines and stages that this type's records may be in."""
        return {"0", "1", "2", "3", "4"} if kind.plural == "tickets" else {"default", *DEAL_STAGES}

    def _definitions(self, plural: str) -> dict[str, Property]:
        found = {each.name: each for each in [*standard(plural), *self.state.properties.get(plural, [])]}
        if plural == CONTACTS.plural and self.settings.associatedcompanyid == "associates":
            found["associatedcompanyid"].modification_metadata.read_only_value = False
        return found

    def _unique(self, plural: str) -> set[str]:
        own = {each.name for each in self.properties[plural].values() if each.has_unique_value}
        return own | {"email"} if plural == CONTACTS.plural else own


DEAL_STAGES = (
    "appointmentscheduled",
    "qualifiedtobuy",
    "presentationscheduled",
    "decisionmakerboughtin",
    "contractsent",
    "closedwon",
    "closedlost",
)


def choices(*labels: str) -> list[Option]:
    """Options whose values are their labels."""
    return [Option(label=label, value=label, display_order=at) for at, label in enumerate(labels)]
