"""Views: the only way to list records. A view is found by its name, which is in the account's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from connectors.sandbox.calls import JSON, Answer, Call
from connectors.sandbox.freshsales import errors
from connectors.sandbox.freshsales.bundle import FIRST_USER, Bundle
from connectors.sandbox.freshsales.fields import Entity
from connectors.sandbox.freshsales.records import entity_of
from connectors.sandbox.freshsales.rendering import shown, side_collections
from connectors.sandbox.freshsales.shelf import Record, display_name

_PLURALS = {
    "en": ("Contacts", "Accounts", "Deals"),
    "es": ("contactos", "cuentas", "negocios"),
    "de": ("Kontakte", "Firmen", "Deals"),
    "fr": ("contacts", "comptes", "affaires"),
    "pt": ("contatos", "contas", "negócios"),
}
_NAMES = {
    "en": ("My {}", "All {}", "Unassigned {}"),
    "es": ("Mis {}", "Todos: {}", "Sin asignar: {}"),
    "de": ("Meine {}", "Alle {}", "Nicht zugewiesene {}"),
    "fr": ("Mes {}", "Toutes: {}", "Non attribués: {}"),
    "pt": ("Meus {}", "Todos: {}", "Não atribuídos: {}"),
}
FIRST_ID = 70_013_233_221
_SORTABLE = {"id", "created_at", "updated_at", "display_name", "first_name", "last_name", "name"}


@dataclass(frozen=True, slots=True)
class View:
    """A stored filter."""

    id: int
    name: str
    fits: Callable[[Record], bool]


def list_views(bundle: Bundle, call: Call) -> Answer:
    entity = entity_of(call)
    return Answer(
        200,
        {
            "filters": [
                {
                    "id": view.id,
                    "name": view.name,
                    "model_class_name": entity.model,
                    "user_id": FIRST_USER,
                    "is_default": True,
                    "updated_at": bundle.time(1_650_000_000_000),
                }
                for view in _views(bundle, entity)
            ]
        },
    )


def view(bundle: Bundle, call: Call) -> Answer:
    """A page of the live records that a view shows."""
    entity = entity_of(call)
    chosen = next((each for each in _views(bundle, entity) if str(each.id) == call.params["view"]), None)
    if chosen is None:
        raise errors.not_found()
    page, per_page = paged(bundle, call)
    ordered, total = _ordered(bundle, entity, chosen, call)
    records = list(islice(ordered, (page - 1) * per_page, page * per_page))
    include = call.listed("include") if bundle.settings.view_includes else []
    body: dict[str, JSON] = {entity.plural: [shown(bundle, entity, each, include) for each in records]}
    body |= side_collections(bundle, records, include)
    return Answer(200, {**body, "meta": {"total_pages": -(-total // per_page), "total": total}})


def paged(bundle: Bundle, call: Call) -> tuple[int, int]:
    """Page number and size; more than the most is cut down to it. Raises Refused (400)."""
    page, size = call.first("page", "1"), call.first("per_page", str(bundle.settings.per_page))
    if not page.isdecimal() or not size.isdecimal() or int(page) < 1 or int(size) < 1:
        raise errors.refused([errors.text(bundle.settings.language, "invalid", "page")])
    return int(page), min(int(size), bundle.settings.max_per_page)


def _views(bundle: Bundle, entity: Entity) -> list[View]:
    kinds = list(bundle.shelves)
    at = kinds.index(entity.plural)
    plural = _PLURALS[bundle.settings.language][at]
    tests: list[Callable[[Record], bool]] = [
        lambda record: record.fields.get("owner_id") == FIRST_USER,
        lambda record: True,
        lambda record: record.fields.get("owner_id") is None,
    ]
    names = (name.format(plural) for name in _NAMES[bundle.settings.language])
    return [View(FIRST_ID + at * 10 + n, name, fits) for n, (name, fits) in enumerate(zip(names, tests, strict=True))]


def _ordered(bundle: Bundle, entity: Entity, view: View, call: Call) -> tuple[Iterable[Record], int]:
    """The records of a view in the order asked for, with their number."""
    sort, descending = call.first("sort", "id"), call.first("sort_type", "asc") == "desc"
    if sort not in _SORTABLE:
        raise errors.refused([errors.text(bundle.settings.language, "invalid", sort)])
    shelf = bundle.shelves[entity.plural]
    if view.id % 10 == (FIRST_ID + 1) % 10 and sort == "updated_at" and descending:
        return shelf.newest_first(), len(shelf)
    records = [record for record in shelf.newest_first() if view.fits(record)]
    records.sort(key=lambda record: _sort_key(record, sort), reverse=descending)
    return records, len(records)


def _sort_key(record: Record, sort: str) -> tuple[JSON, int]:
    moments = {"id": record.id, "created_at": record.created, "updated_at": record.updated}
    if sort in moments:
        return moments[sort], record.id
    return display_name(record).lower() if sort == "display_name" else str(record.fields.get(sort) or ""), record.id
