"""HubSpot's HTTP: its two path families, its token, its errors, its apps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

import msgspec

from connectors.sandbox.calls import JSON, Answer, Happening
from connectors.sandbox.clock import Clock
from connectors.sandbox.courier import Courier
from connectors.sandbox.hubspot import association_calls as associations
from connectors.sandbox.hubspot import batches, errors, metadata, objects, search
from connectors.sandbox.hubspot.crm import HubSpotCrm
from connectors.sandbox.hubspot.events import AppHook, AppSender
from connectors.sandbox.hubspot.portal import Portal, PortalState
from connectors.sandbox.product import Handler, Route

_DATED = r"{version:20\d\d-\d\d}"
_OBJECTS = ("/crm/v3/objects", f"/crm/objects/{_DATED}")
_SINGLE = ("/crm/v4/objects", f"/crm/objects/{_DATED}")
_PAIRS = ("/crm/v4/associations", f"/crm/associations/{_DATED}")
_PROPERTIES = ("/crm/v3/properties", f"/crm/properties/{_DATED}")
_OWNERS = ("/crm/v3/owners", f"/crm/owners/{_DATED}")
_PIPELINES = ("/crm/v3/pipelines", f"/crm/pipelines/{_DATED}")
_ACCOUNT = ("/account-info/v3", f"/account-info/{_DATED}")
FIRST_PORTAL = 147_893_286


def _both(roots: Sequence[str], method: str, rest: str, handler: Handler) -> Iterable[Route]:
    return (Route(method, root + rest, handler) for root in roots)


class HubSpot:
    """All portals of the port; an app's webhooks come from every portal that installed it."""

    name = "hubspot"
    routes: Sequence[Route] = [
        *_both(_OBJECTS, "POST", "/{type}/search", search.search),
        *_both(_OBJECTS, "POST", "/{type}/batch/read", batches.read),
        *_both(_OBJECTS, "POST", "/{type}/batch/create", batches.create),
        *_both(_OBJECTS, "POST", "/{type}/batch/update", batches.update),
        *_both(_OBJECTS, "POST", "/{type}/batch/upsert", batches.upsert),
        *_both(_OBJECTS, "POST", "/{type}/batch/archive", batches.archive),
        *_both(_OBJECTS, "POST", "/{type}/merge", objects.merge_records),
        *_both(_OBJECTS, "POST", "/{type}/gdpr-delete", objects.erase_record),
        *_both(_OBJECTS, "GET", "/{type}", objects.list_records),
        *_both(_OBJECTS, "POST", "/{type}", objects.create_record),
        *_both(_OBJECTS, "GET", "/{type}/{id}", objects.get_record),
        *_both(_OBJECTS, "PATCH", "/{type}/{id}", objects.update_record),
        *_both(_OBJECTS, "DELETE", "/{type}/{id}", objects.archive_record),
        *_both(_SINGLE, "PUT", "/{type}/{id}/associations/default/{to}/{to_id}", associations.put_default),
        *_both(_SINGLE, "PUT", "/{type}/{id}/associations/{to}/{to_id}", associations.put_labels),
        *_both(_SINGLE, "DELETE", "/{type}/{id}/associations/{to}/{to_id}", associations.delete),
        *_both(_SINGLE, "GET", "/{type}/{id}/associations/{to}", associations.list_of),
        *_both(_PAIRS, "POST", "/{type}/{to}/batch/read", associations.batch_read),
        *_both(_PAIRS, "POST", "/{type}/{to}/batch/create", associations.batch_create),
        *_both(_PAIRS, "POST", "/{type}/{to}/batch/associate/default", associations.batch_default),
        *_both(_PAIRS, "POST", "/{type}/{to}/batch/archive", associations.batch_archive),
        *_both(_PAIRS, "POST", "/{type}/{to}/batch/labels/archive", associations.batch_unlabel),
        *_both(_PAIRS, "GET", "/{type}/{to}/labels", associations.list_labels),
        *_both(_PAIRS, "POST", "/{type}/{to}/labels", associations.create_label),
        *_both(_PROPERTIES, "GET", "/{type}", metadata.list_properties),
        *_both(_PROPERTIES, "POST", "/{type}", metadata.create_property),
        *_both(_PROPERTIES, "GET", "/{type}/{name}", metadata.get_property),
        *_both(_PROPERTIES, "PATCH", "/{type}/{name}", metadata.update_property),
        *_both(_PROPERTIES, "DELETE", "/{type}/{name}", metadata.archive_property),
        *_both(_OWNERS, "GET", "", metadata.list_owners),
        *_both(_OWNERS, "GET", "/", metadata.list_owners),
        *_both(_OWNERS, "GET", "/{owner}", metadata.get_owner),
        *_both(_PIPELINES, "GET", "/{type}", metadata.list_pipelines),
        *_both(_PIPELINES, "GET", "/{type}/{pipeline}", metadata.get_pipeline),
        *_both(_ACCOUNT, "GET", "/details", metadata.account_details),
    ]

    def __init__(self, courier: Courier, clock: Clock, random: Random) -> None:
        self._courier = courier
        self._clock = clock
        self._random = random
        self._senders: dict[int, AppSender] = {}

    def open(self, name: str, number: int, state: PortalState | None) -> HubSpotCrm:
        state = state or PortalState(portal_id=FIRST_PORTAL + number * 7_919, app_id=DEFAULT_APP)
        return HubSpotCrm(name, state, self._deliver)

    def token_of(self, headers: Mapping[str, str]) -> str:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    def fields_of(self, body: JSON) -> list[str]:
        if not isinstance(body, dict):
            return []
        inputs = body.get("inputs")
        bodies = inputs if isinstance(inputs, list) else [body]
        written = (each.get("properties") for each in bodies if isinstance(each, dict))
        return list(dict.fromkeys(name for each in written if isinstance(each, dict) for name in each))

    def unauthorised(self, crm: Portal | None) -> Answer:
        return errors.unauthorised()

    def unknown(self) -> Answer:
        return errors.no_route()

    def unparsable(self) -> Answer:
        return errors.error(400, "Invalid input JSON", "VALIDATION_ERROR")

    def injected(self, kind: str, status: int) -> Answer:
        return errors.injected(status)

    def hook(self, hook: dict[str, JSON]) -> JSON:
        """Set an app's target URL and subscriptions. Without an app id it is the app of every new portal."""
        settings = msgspec.convert({"app_id": DEFAULT_APP, **hook}, AppHook)
        self._senders[settings.app_id] = AppSender(settings, self._courier, self._clock, self._random)
        return {"app_id": settings.app_id, "url": settings.url}

    def hooks(self) -> list[JSON]:
        return [msgspec.to_builtins(sender.hook) for sender in self._senders.values()]

    def unhook(self) -> None:
        self._senders.clear()

    def _deliver(self, portal: Portal, happening: Happening) -> None:
        sender = self._senders.get(portal.state.app_id)
        if sender is not None:
            sender.announce(portal, happening)


DEFAULT_APP = 39_522_895
