"""Sends Freshsales' webhooks: from workflows, and from an installed app that relays product events."""

from __future__ import annotations

from collections import deque
from typing import Literal

import msgspec
import orjson

from connectors.sandbox.calls import Happening
from connectors.sandbox.courier import Courier, Policy, Post
from connectors.sandbox.freshsales import payloads
from connectors.sandbox.freshsales.bundle import Bundle
from connectors.sandbox.freshsales.fields import ENTITIES, Entity
from connectors.sandbox.freshsales.shelf import Record

_BY_SINGULAR = {entity.singular: entity for entity in ENTITIES.values()}
_TRIGGERS = {"created": {"created"}, "updated": {"updated", "restored"}}
_MINUTE_MS = 60_000


class Hook(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A workflow's "Trigger webhook", or an app that sends on what it is told. Nothing is signed.

    A workflow knows no deletions. Retries are not documented: none, unless set.
    """

    account: str
    url: str
    id: str = "1"
    kind: Literal["workflow", "fdk"] = "workflow"
    records: tuple[Literal["contact", "sales_account", "deal"], ...] = ("contact", "sales_account", "deal")
    trigger: Literal["created", "updated", "created_or_updated"] = "created_or_updated"
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    content: Literal["simple", "advanced"] = "simple"
    template: str = ""
    payload: Literal["old", "2.0"] = "2.0"
    retries: int = 0
    retry_ms: int = 200
    timeout_ms: int = 20_000


class HookSender:
    """One hook at work."""

    def __init__(self, hook: Hook, courier: Courier) -> None:
        self.hook = hook
        self._courier = courier
        self._relayed: deque[int] = deque()

    def announce(self, bundle: Bundle, happening: Happening) -> None:
        """Send what happened: late, twice or not at all, as the account's settings have it."""
        if happening.entity not in self.hook.records or not self._triggers(happening):
            return
        if bundle.random.random() < bundle.settings.webhook_drop or not self._may_relay(bundle, happening.at):
            return
        entity = _BY_SINGULAR[happening.entity]
        record = bundle.shelves[entity.plural].records.get(happening.id)
        body = self._body(bundle, entity, record, happening)
        post = Post(self.hook.url, self.hook.method, {"Content-Type": "application/json", **self.hook.headers}, body)
        copies = 2 if bundle.random.random() < bundle.settings.webhook_duplicate else 1
        for _ in range(copies):
            policy = Policy(self.hook.timeout_ms / 1000, self.hook.retries, self.hook.retry_ms)
            self._courier.deliver(lambda attempt: post, policy, self._delay(bundle))

    def _triggers(self, happening: Happening) -> bool:
        if self.hook.kind == "fdk":
            return True
        return any(
            happening.action in actions for trigger, actions in _TRIGGERS.items() if trigger in self.hook.trigger
        )

    def _may_relay(self, bundle: Bundle, now: int) -> bool:
        """An app may make so many calls a minute; what is over that is lost."""
        limit = bundle.settings.relay_limit
        if self.hook.kind != "fdk" or limit is None:
            return True
        while self._relayed and self._relayed[0] <= now - _MINUTE_MS:
            self._relayed.popleft()
        if len(self._relayed) >= limit:
            return False
        self._relayed.append(now)
        return True

    def _body(self, bundle: Bundle, entity: Entity, record: Record | None, happening: Happening) -> bytes:
        if self.hook.kind == "workflow":
            if record is None:
                return b"{}"
            if self.hook.content == "advanced":
                return payloads.advanced(bundle, entity, record, self.hook.template).encode()
            return orjson.dumps(payloads.simple(bundle, entity, record))
        write = payloads.old_event if self.hook.payload == "old" else payloads.event
        return orjson.dumps(write(bundle, entity, record, happening))

    def _delay(self, bundle: Bundle) -> float:
        """Shuffled deliveries may wait ten times as long as others, and so overtake each other."""
        settings = bundle.settings
        factor = bundle.random.choice((1, 2, 5, 10)) if settings.webhook_shuffle else 1
        return factor * settings.webhook_delay_ms + bundle.random.random() * settings.webhook_jitter_ms
