"""Webhooks of an app: one target URL, arrays of events from all portals that installed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from random import Random

import msgspec
import orjson

from connectors.sandbox.calls import JSON, Happening
from connectors.sandbox.clock import Clock
from connectors.sandbox.courier import Courier, Policy, Post
from connectors.sandbox.hubspot import signatures
from connectors.sandbox.hubspot.portal import Portal

_ACTIONS = {
    "created": ("creation", "CREATED"),
    "deleted": ("deletion", "DELETED"),
    "erased": ("deletion", "DELETED"),
    "restored": ("restore", ""),
    "merged": ("merge", ""),
    "associated": ("associationChange", ""),
}


class Subscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One subscription: `contact.propertyChange` needs a property, the others have none."""

    type: str
    property: str = ""


class AppHook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The webhook settings of an app. Retries are documented as ten within 24 h: the times here are scaled down."""

    app_id: int
    url: str
    secret: str
    subscriptions: list[Subscription]
    retries: int = 10
    retry_ms: int = 200
    timeout_ms: int = 5_000
    keep_event_id: bool = True
    """Whether a retry has the event ids of the first attempt."""
    mix_portals: bool = True


class AppSender:
    """Collects events for a moment, then sends them in arrays of up to a hundred, shuffled and doubled as set."""

    def __init__(self, hook: AppHook, courier: Courier, clock: Clock, random: Random) -> None:
        self.hook = hook
        self._courier = courier
        self._clock = clock
        self._random = random
        self._numbers = {each: 1_876_000 + at for at, each in enumerate(hook.subscriptions)}
        self._waiting: list[tuple[Portal, dict[str, JSON]]] = []
        self._flushing = False

    def announce(self, portal: Portal, happening: Happening) -> None:
        """Take in what happened in a portal, as far as the app subscribed to it."""
        settings = portal.settings
        for event in self._events(portal, happening):
            if self._random.random() < settings.webhook_drop:
                continue
            copies = 2 if self._random.random() < settings.webhook_duplicate else 1
            self._waiting += [(portal, event)] * copies
        if self._waiting and not self._flushing:
            self._flushing = True
            delay = settings.webhook_delay_ms + self._random.random() * settings.webhook_jitter_ms
            self._courier.run(self._flush(delay))

    def _events(self, portal: Portal, happening: Happening) -> Iterator[dict[str, JSON]]:
        source, source_id = portal.source_of(happening.by)
        for type, more in _told(portal, happening):
            subscription = Subscription(type, more.get("propertyName", ""))
            if subscription not in self._numbers:
                continue
            yield {
                "eventId": self._random.randrange(1, 2**32),
                "subscriptionId": self._numbers[subscription],
                "portalId": portal.state.portal_id,
                "appId": self.hook.app_id,
                "occurredAt": happening.at,
                "subscriptionType": type,
                "attemptNumber": 0,
                "objectId": happening.id,
                **more,
                "changeSource": source,
                "sourceId": source_id,
            }

    async def _flush(self, delay_ms: float) -> None:
        await asyncio.sleep(delay_ms / 1000)
        waiting, self._waiting, self._flushing = self._waiting, [], False
        if any(portal.settings.webhook_shuffle for portal, _ in waiting):
            self._random.shuffle(waiting)
        for batch in self._batches(waiting):
            policy = Policy(self.hook.timeout_ms / 1000, self.hook.retries, self.hook.retry_ms)
            self._courier.deliver(self._writer(batch), policy)

    def _batches(self, waiting: list[tuple[Portal, dict[str, JSON]]]) -> Iterator[list[dict[str, JSON]]]:
        groups: dict[int, list[tuple[Portal, dict[str, JSON]]]] = {}
        for portal, event in waiting:
            groups.setdefault(0 if self.hook.mix_portals else portal.state.portal_id, []).append((portal, event))
        for group in groups.values():
            size = min(portal.settings.webhook_batch for portal, _ in group)
            for at in range(0, len(group), size):
                yield [event for _, event in group[at : at + size]]

    def _writer(self, batch: list[dict[str, JSON]]) -> Callable[[int], Post]:
        def write(attempt: int) -> Post:
            fresh = {} if self.hook.keep_event_id or not attempt else {"eventId": self._random.randrange(1, 2**32)}
            body = orjson.dumps([{**event, "attemptNumber": attempt, **fresh} for event in batch])
            signed = signatures.headers(self.hook.secret, self.hook.url, body, self._clock.now())
            return Post(self.hook.url, "POST", {"Content-Type": "application/json", **signed}, body)

        return write


def _told(portal: Portal, happening: Happening) -> Iterator[tuple[str, dict[str, JSON]]]:
    """The subscription types that a happening concerns, each with the members that only it has."""
    if happening.action in _ACTIONS:
        name, flag = _ACTIONS[happening.action]
        if happening.action == "created" and portal.settings.change_flag == "NEW":
            flag = "NEW"
        flagged = {"changeFlag": flag} if flag else {}
        yield f"{happening.entity}.{name}", {**happening.detail, **flagged}
    if happening.action == "erased":
        yield f"{happening.entity}.privacyDeletion", {}
    for property, (_, value) in happening.changes.items():
        yield f"{happening.entity}.propertyChange", {"propertyName": property, "propertyValue": value}
