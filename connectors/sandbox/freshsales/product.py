"""Freshsales' HTTP: its base paths, its key, its errors, its hooks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random

import msgspec

from connectors.sandbox.calls import JSON, Answer, Call, Happening, Refused
from connectors.sandbox.clock import Clock
from connectors.sandbox.courier import Courier
from connectors.sandbox.freshsales import bulk, errors, finding, metadata, records, views
from connectors.sandbox.freshsales.bundle import Bundle, BundleState
from connectors.sandbox.freshsales.crm import FreshsalesCrm
from connectors.sandbox.freshsales.events import Hook, HookSender
from connectors.sandbox.product import Handler, Route

_ROOTS = ("/crm/sales/api", "/api")
_ANY = "/{entity:contacts|sales_accounts|deals}"
_ID = r"/{id:\d+}"


def _both(method: str, rest: str, handler: Handler) -> Iterable[Route]:
    """The same endpoint under the present and the legacy base path, after the jobs that are due."""

    def handle(bundle: Bundle, call: Call) -> Answer:
        bulk.run_due(bundle, call.now)
        try:
            return handler(bundle, call)
        except Refused as refusal:
            return _as_set(bundle, refusal.answer)

    return (Route(method, root + rest, handle) for root in _ROOTS)


def _as_set(bundle: Bundle, answer: Answer) -> Answer:
    """The answer, with the body that the account has for its status, if any."""
    body = bundle.settings.error_bodies.get(str(answer.status), answer.body)
    return Answer(answer.status, body, answer.headers)


class Freshsales:
    """All bundles of the port."""

    name = "freshsales"
    routes: Sequence[Route] = [
        *_both("GET", _ANY + "/filters", views.list_views),
        *_both("GET", _ANY + r"/view/{view:\d+}", views.view),
        *_both("POST", _ANY + "/upsert", records.upsert),
        *_both("POST", "/contacts/bulk_upsert", bulk.bulk_upsert),
        *_both("POST", "/contacts/bulk_destroy", bulk.bulk_destroy),
        *_both("POST", _ANY, records.create),
        *_both("GET", _ANY + _ID, records.get),
        *_both("PUT", _ANY + _ID, records.update),
        *_both("DELETE", _ANY + _ID, records.delete),
        *_both("DELETE", _ANY + _ID + "/forget", records.forget),
        *_both("POST", _ANY + _ID + "/clone", records.clone),
        *_both("GET", r"/job_statuses/{job:\d+}", bulk.job_status),
        *_both("GET", "/lookup", finding.lookup),
        *_both("GET", "/search", finding.search),
        *_both("POST", "/filtered_search/{singular}", finding.filtered_search),
        *_both("GET", "/settings/{entity}/fields", metadata.list_fields),
        *_both("GET", "/selector/{selector}", metadata.selector),
    ]

    def __init__(self, courier: Courier, clock: Clock, random: Random) -> None:
        self._courier = courier
        self._random = random
        self._senders: dict[tuple[str, str], HookSender] = {}

    def open(self, name: str, number: int, state: BundleState | None) -> FreshsalesCrm:
        return FreshsalesCrm(name, state or BundleState(), self._deliver, self._random)

    def token_of(self, headers: Mapping[str, str]) -> str:
        scheme, _, rest = headers.get("Authorization", "").partition(" ")
        name, _, key = rest.strip().partition("=")
        return key.strip() if scheme == "Token" and name.strip() == "token" else ""

    def fields_of(self, body: JSON) -> list[str]:
        if not isinstance(body, dict):
            return []
        written = [body[name] for name in ("contact", "sales_account", "deal") if isinstance(body.get(name), dict)]
        items = body.get("contacts")
        if isinstance(items, list):
            written += [each["data"] for each in items if isinstance(each, dict) and isinstance(each.get("data"), dict)]
        names = [name for each in written for name in each if name != "custom_field"]
        custom = [each.get("custom_field") for each in written]
        names += [f"custom_field.{name}" for each in custom if isinstance(each, dict) for name in each]
        return list(dict.fromkeys(names))

    def unauthorised(self, crm: Bundle | None) -> Answer:
        return errors.injected(401) if crm is None else _as_set(crm, errors.injected(401))

    def unknown(self) -> Answer:
        return errors.not_found().answer

    def unparsable(self) -> Answer:
        return errors.answer(400, ["The request body is not valid JSON."])

    def injected(self, kind: str, status: int) -> Answer:
        return errors.upstream() if kind == "upstream_429" else errors.injected(status)

    def hook(self, hook: dict[str, JSON]) -> JSON:
        """Set up a workflow's webhook or a relaying app; one with the same id is replaced."""
        settings = msgspec.convert(hook, Hook)
        self._senders[settings.account, settings.id] = HookSender(settings, self._courier)
        return {"account": settings.account, "id": settings.id, "url": settings.url}

    def hooks(self) -> list[JSON]:
        return [msgspec.to_builtins(sender.hook) for sender in self._senders.values()]

    def unhook(self) -> None:
        self._senders.clear()

    def _deliver(self, bundle: Bundle, happening: Happening) -> None:
        for (account, _), sender in self._senders.items():
            if account == bundle.name:
                sender.announce(bundle, happening)
