"""A connection as the runtime sees it: where it is, how it is authorised, what is known of its fields and choices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from yarl import URL

from connectors import templates
from connectors.auth import Keep, credentials_of
from connectors.caller import PATIENCE_MS, Caller, Meter, json_body
from connectors.calls import CompiledCall, address_of, compile_call
from connectors.connector import Connector
from connectors.discovery import Discovered, compile_discovery
from connectors.egress import checked_origin, host_matches
from connectors.entities import CompiledEntity, CompiledOperation, WrongShape, records_at
from connectors.errors import CallFailed, EgressRefused
from connectors.fields import Choice, Field, Table
from connectors.http import Answer, Request, Transport, now_ms
from connectors.memory import Memory
from connectors.paging import Mark, advance, page_scope
from connectors.quota import Bucket, Quota
from connectors.rules import message_of
from connectors.templates import MISSING
from schemas.configuration import Connection
from schemas.documents import scopes
from schemas.documents.calls import Options, Page
from schemas.documents.connector import Limit
from schemas.documents.expressions import ExpressionFailed
from schemas.documents.words import rate

DISCOVERY_S = 600
STALE_S = 60
"""What is younger than this is not loaded again because something was not found in it."""
MAX_PAGES = 1000


@dataclass(frozen=True, slots=True)
class Account:
    """One connection, shared by all who speak to it in this process."""

    connection: Connection
    connector: Connector
    caller: Caller
    scope: Mapping[str, Any]
    """What every expression may read: `config`, `paths`, `account`, `base_url`."""
    memory: Memory = field(default_factory=Memory)

    async def prepared(self, operation: CompiledOperation, caller: Caller) -> Mapping[str, Any]:
        """The results of the calls that an operation needs first. Raises CallFailed."""
        results: dict[str, Any] = {}
        for step in operation.preparations:

            async def load(step: Any = step) -> Any:
                answer = await caller.call(step.call, self.scope)
                try:
                    found = step.pick({**self.scope, "body": json_body(answer)})
                except ExpressionFailed as error:
                    raise CallFailed("unsupported", f"cannot tell {step.declared.name}: {error.reason}") from error
                if found is None:
                    raise CallFailed("unsupported", f"the account has no {step.declared.name} as configured")
                return found

            key = ("prepared", step.declared.call, step.declared.pick)
            results[step.declared.name] = await self.memory.get(key, step.declared.ttl_s, load)
        return results

    async def pages(
        self,
        call: CompiledCall,
        page: Page | None,
        records: Callable[[Any], list[Any]],
        caller: Caller,
        scope: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[Any]:
        """Every record of every page. Raises CallFailed, also where a page is not what it should be."""
        following = advance(page)
        mark: Mark | None = Mark()
        while mark is not None:
            if mark.page >= MAX_PAGES:
                raise CallFailed("unknown", "the pages do not end")
            answer = await caller.call(
                self.linked(call, mark.link), {**(scope or self.scope), "page": page_scope(page, mark)}
            )
            found = self.checked(records, answer)
            for record in found:
                yield record
            mark = following(mark, answer, len(found))

    def checked(self, read: Callable[[Any], Any], answer: Answer) -> Any:
        """What `read` finds in an answer; an answer of another shape is a failure, never an empty one."""
        try:
            return read(json_body(answer))
        except (WrongShape, ExpressionFailed) as error:
            raise CallFailed("unknown", str(error), status=answer.status, sent=True) from error

    def linked(self, call: CompiledCall, link: str) -> CompiledCall:
        """The call to the next page's address. Raises CallFailed if that is not the connection's own."""
        if not link:
            return call
        address = str(URL(self.caller.base + "/").join(URL(link)))
        if not address.startswith(self.caller.base + "/"):
            raise CallFailed("unknown", "the next page is on another host")
        return address_of(call, address[len(self.caller.base) :])

    async def choices(self, found: Field, caller: Caller) -> tuple[Choice, ...]:
        """What a field can be set to; empty where anything goes. Raises CallFailed."""
        if found.options is None:
            return found.table.choices if found.table else ()
        return (await self._loaded(found.options, caller, STALE_S)).choices

    async def tables(
        self, fields: Collection[Field], caller: Caller, *, older_than_s: float = float("inf")
    ) -> dict[str, Table]:
        """The tables of the fields whose values are looked up, none `older_than_s`. Raises CallFailed."""
        tables: dict[str, Table] = {}
        for found in fields:
            if found.table is not None:
                tables[found.name] = found.table
            elif found.options is not None and found.options.text is not None:
                tables[found.name] = await self._loaded(found.options, caller, older_than_s)
        return tables

    async def discovered(self, entity: CompiledEntity, caller: Caller, *, fresh: bool = False) -> Discovered:
        """The entity's fields beyond the declared ones, as they are now or were a moment ago. Raises CallFailed."""
        if entity.declared.discover is None:
            return Discovered({}, (), {})
        key = ("discovered", entity.name)
        if fresh and self.memory.age_s(key) > STALE_S:
            self.memory.forget(key)
        discovery = compile_discovery(entity)

        async def load() -> Discovered:
            pages = self.pages(discovery.call, discovery.page, discovery.records, caller)
            return discovery.fields([item async for item in pages], self.scope)

        return await self.memory.get(key, DISCOVERY_S, load)

    async def _loaded(self, options: Options, caller: Caller, older_than_s: float) -> Table:
        key = ("options", options.call, options.value, options.text)
        if self.memory.age_s(key) > older_than_s:
            self.memory.forget(key)

        async def load() -> Table:
            call = compile_call(options, "options", scopes.CALL | {"page"})
            value, label = (templates.reader(at, "item", scopes.ITEM) for at in (options.value, options.label))
            text = templates.reader(options.text or options.value, "item", scopes.ITEM)
            choices = []
            async for item in self.pages(call, options.page, records_at(options.items), caller):
                chosen, told = value(item, self.scope), text(item, self.scope)
                if chosen in (MISSING, None) or told in (MISSING, None):
                    continue
                shown = label(item, self.scope)
                choices.append(Choice(chosen, str(told), str(told if shown in (MISSING, None) else shown)))
            return Table.of(tuple(choices))

        return await self.memory.get(key, options.ttl_s, load)


def open_account(
    connection: Connection,
    connector: Connector,
    transport: Transport,
    quota: Quota,
    *,
    allow_loopback: bool,
    secrets: Mapping[str, str],
    keep: Keep,
) -> Account:
    """Everything that is needed to speak for a connection. No I/O.

    Raises CallFailed: `forbidden` for an address outside the connector's hosts, `auth_revoked` without credentials.
    """
    document = connector.document
    base = _base(connection, connector, allow_loopback)
    config = connector.config(connection.config)
    scope: dict[str, Any] = {"config": config, "account": connection.account, "base_url": connection.base_url}
    try:
        scope["paths"] = {name: fill(scope) for name, fill in connector.paths.items()}
    except ExpressionFailed as error:
        raise CallFailed("unsupported", f"the configuration is not complete: {error.reason}") from error
    meters = tuple(_meter(limit, connection, config) for limit in document.limits)

    async def exchange(form: Mapping[str, str]) -> Mapping[str, object]:
        oauth2 = document.auth.oauth2
        assert oauth2 is not None  # noqa: S101 - only a document with oauth2 gets credentials that exchange
        url = _token_address(oauth2.token, base, connector)
        return await _exchange(url, form, connector, transport, quota, meters)

    caller = Caller(
        base=base,
        timeout_s=document.http.timeout_s,
        headers=document.http.headers,
        credentials=credentials_of(document.auth, secrets, exchange, keep),
        rules=connector.rules,
        meters=meters,
        transport=transport,
        quota=quota,
    )
    return Account(connection, connector, caller, scope)


def _base(connection: Connection, connector: Connector, allow_loopback: bool) -> str:
    declared = connector.document.http
    try:
        origin = checked_origin(connection.base_url or declared.base, declared.hosts, allow_loopback)
    except EgressRefused as error:
        raise CallFailed("forbidden", str(error)) from error
    path = declared.base.removeprefix("{base_url}") if declared.base.startswith("{") else URL(declared.base).path
    return f"{origin}{path}".rstrip("/")


def _meter(limit: Limit, connection: Connection, config: Mapping[str, Any]) -> Meter:
    """A connection's config `limit_<bucket>` says what its plan allows, where that is not the document's figure."""
    given = config.get(f"limit_{limit.bucket}")
    count, period_ms = rate(str(given)) if given else (limit.count, limit.period_ms)
    owner = f"t:{connection.tenant}:quota:{{{connection.id}}}"
    if limit.per == "app":
        owner = f"quota:{{{connection.product}}}"
    return Meter(limit, Bucket(f"{owner}:{limit.bucket}", max(1, int(count * (limit.share or 1))), period_ms))


def _token_address(declared: str, base: str, connector: Connector) -> URL:
    """Tokens are asked for where the connection is; another host only if the document names it."""
    url = URL(declared)
    if url.host == URL(connector.document.http.base.replace("{base_url}", "")).host:
        return URL(base).origin().join(url.relative())
    if url.scheme != "https" or not host_matches(url.host or "", connector.document.http.hosts):
        raise CallFailed("forbidden", "the token endpoint is outside the connector's hosts")
    return url


async def _exchange(
    url: URL,
    form: Mapping[str, str],
    connector: Connector,
    transport: Transport,
    quota: Quota,
    meters: tuple[Meter, ...],
) -> Mapping[str, object]:
    wait = await quota.take([meter.bucket for meter in meters if not meter.limit.ops], patience_ms=PATIENCE_MS)
    if wait:
        raise CallFailed("rate_limited", "our share of the product's quota is spent", retry_after_ms=wait)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await transport.send(Request("POST", url, headers, urlencode(form).encode()))
    if answer.status == 200 and isinstance(body := json_body(answer), Mapping):
        return body
    verdict = next(connector.rules.verdicts(answer, "token", now_ms()))
    category = verdict.category
    if category not in ("rate_limited", "quota_exhausted", "transient", "timeout"):
        category = "auth_revoked"
    message = message_of(answer, tuple(form.values()))
    raise CallFailed(category, message, status=answer.status, retry_after_ms=verdict.retry_after_ms)
