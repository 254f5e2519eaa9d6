"""Associating records: labels, the primary company, and what an association changes about its ends."""

from __future__ import annotations

from connectors.sandbox.calls import Happening
from connectors.sandbox.hubspot import errors, writes
from connectors.sandbox.hubspot.kinds import COMPANIES, CONTACTS, KINDS
from connectors.sandbox.hubspot.links import PLAIN, PRIMARY, End
from connectors.sandbox.hubspot.portal import Label, Portal
from connectors.sandbox.hubspot.writes import Writer


def associate(portal: Portal, start: End, end: End, type_ids: list[int], writer: Writer) -> None:
    """Associate with these types. A label, or being primary, brings the plain association with it.

    Raises Refused (400) for a type that does not exist between the two.
    """
    plain = plain_type(start.kind, end.kind)
    inverses = {type_id: inverse_of(portal, start.kind, end.kind, type_id) for type_id in [plain, *type_ids]}
    primary = PRIMARY.get((start.kind, end.kind))
    if primary is not None and _is_first_company(portal, start, end):
        inverses[primary] = PRIMARY[end.kind, start.kind]
    if primary in inverses:
        _dethrone(portal, start, end)
    for type_id, inverse in inverses.items():
        if portal.links.add(start, end, type_id, inverse):
            _announce(portal, start, end, writer, removed=False, primary=type_id == primary)
    _refresh(portal, start, end, writer)


def dissociate(portal: Portal, start: End, end: End, writer: Writer) -> None:
    """End the association of two records, with all its labels."""
    if portal.links.remove(start, end):
        _announce(portal, start, end, writer, removed=True, primary=False)
        _refresh(portal, start, end, writer)


def unlabel(portal: Portal, start: End, end: End, type_ids: list[int], writer: Writer) -> None:
    """Take labels off; the plain association stays."""
    for type_id in type_ids:
        portal.links.discard(start, end, type_id, inverse_of(portal, start.kind, end.kind, type_id))
    _refresh(portal, start, end, writer)


def dissociate_all(portal: Portal, start: End, writer: Writer) -> None:
    """End every association of a record: it was archived."""
    for end in portal.links.ends_of(start):
        dissociate(portal, start, end, writer)


def plain_type(start: str, end: str) -> int:
    """The type id of the unlabelled association. Raises Refused if there is none between these object types."""
    if (start, end) not in PLAIN:
        raise errors.invalid(f"No association definition exists between {start} and {end}")
    return PLAIN[start, end]


def inverse_of(portal: Portal, start: str, end: str, type_id: int) -> int:
    """The same association's type id in the other direction. Raises Refused for an unknown one."""
    for known in (PLAIN, PRIMARY):
        if known.get((start, end)) == type_id:
            return known[end, start]
    for label in portal.state.labels:
        if (label.from_kind, label.to_kind, label.type_id) == (start, end, type_id):
            return label.inverse
    raise errors.invalid(f"Association type {type_id} is not valid between {start} and {end}")


def described(portal: Portal, start: str, end: str, type_id: int) -> dict[str, object]:
    """An association type as the API writes it."""
    label = next((label for label in portal.state.labels if label.type_id == type_id), None)
    if label is not None:
        return {"category": "USER_DEFINED", "typeId": type_id, "label": label.label}
    name = "Primary" if PRIMARY.get((start, end)) == type_id else None
    return {"category": "HUBSPOT_DEFINED", "typeId": type_id, "label": name}


def define_label(portal: Portal, start: str, end: str, text: str) -> list[Label]:
    """A label of the account's own, in both directions."""
    first = len(portal.state.labels) + 1_001
    pair = [Label(start, end, first, text, first + 1), Label(end, start, first + 1, text, first)]
    portal.state.labels += pair
    return pair


def primary_company(portal: Portal, contact: int) -> str:
    """The id of a contact's primary company; empty if it has none."""
    held = portal.links.of(End("contacts", contact), "companies")
    return next((str(id) for id, types in held.items() if PRIMARY["contacts", "companies"] in types), "")


def _is_first_company(portal: Portal, start: End, end: End) -> bool:
    if not portal.settings.first_company_is_primary:
        return False
    other = start if end.kind == "companies" else end
    return not portal.links.of(other, "companies")


def _dethrone(portal: Portal, start: End, end: End) -> None:
    """There is one primary company: another one that was it no longer is."""
    other, company = (start, end) if end.kind == "companies" else (end, start)
    type_id, inverse = PRIMARY[other.kind, "companies"], PRIMARY["companies", other.kind]
    for id in list(portal.links.of(other, "companies")):
        if id != company.id:
            portal.links.discard(other, End("companies", id), type_id, inverse)


def _refresh(portal: Portal, start: End, end: End, writer: Writer) -> None:
    """Compute what depends on associations: a contact's primary company, a company's number of contacts."""
    for kind, id in (start, end):
        record = portal.shelves[kind].live(id)
        if record is None or {start.kind, end.kind} != {CONTACTS.plural, COMPANIES.plural}:
            continue
        if kind == CONTACTS.plural:
            writes.apply(portal, CONTACTS, record, {"associatedcompanyid": primary_company(portal, id)}, writer)
            continue
        count = str(len(portal.links.of(End(kind, id), CONTACTS.plural)))
        writes.apply(portal, COMPANIES, record, {"num_associated_contacts": count}, writer)


def _announce(portal: Portal, start: End, end: End, writer: Writer, *, removed: bool, primary: bool) -> None:
    for one, other in ((start, end), (end, start)):
        names = KINDS[one.kind].singular, KINDS[other.kind].singular
        detail = {
            "associationType": "_TO_".join(name.upper() for name in names),
            "fromObjectId": one.id,
            "toObjectId": other.id,
            "associationRemoved": removed,
            "isPrimaryAssociation": primary,
        }
        portal.announce(Happening(portal.name, names[0], one.id, "associated", writer.now, writer.by, detail=detail))
