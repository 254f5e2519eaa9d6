"""Who may send to us: a read-only copy of the endpoints, good while MySQL is away.

The process logs in to MySQL as a user of its own that sees three views and nothing else: the endpoints with their
sealed webhook secrets, the published connector documents, and the configuration's revision. The documents come from
there and not from files, because this process must not import the connectors, and a stranger's connector is in no
package of ours anyway; `freshpipe migrate` publishes the built-in ones.

An unknown token costs one look at the revision, shared by all who wait for it: what is not in the copy of the newest
revision does not exist. So nobody can make us ask MySQL more often than every 50 ms, and no negative cache is needed.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from schemas.documents.connector import load_connector
from schemas.documents.expressions import ExpressionFailed
from schemas.documents.source import InvalidDocument
from schemas.sealing import Keyring, Place, SealBroken, token_digest, webhook_secret_place
from webhooks.errors import CannotReceive, EndpointsAway
from webhooks.intake import Intake
from webhooks.requests import Endpoint, Secrets
from webhooks.rows import EndpointRow, ProductRow, Source

log = structlog.get_logger()

MAX_SECRET_SETS = 16


@dataclass(frozen=True, slots=True)
class Product:
    """A product that sends webhooks, and the secrets of ours that all its webhooks may be signed with."""

    intake: Intake
    secrets: Sequence[Secrets] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Copy:
    """The endpoints, at a revision."""

    revision: int = -1
    products: Mapping[str, Product] = field(default_factory=dict)
    by_token: Mapping[str, Endpoint] = field(default_factory=dict, repr=False)
    by_account: Mapping[tuple[str, str], Sequence[Endpoint]] = field(default_factory=dict)


class Endpoints:
    """The copy, followed by revision every `poll_s` seconds."""

    def __init__(self, source: Source, ring: Keyring, *, poll_s: float = 1.0, gap_s: float = 0.05) -> None:
        self._source = source
        self._ring = ring
        self._poll_s = poll_s
        self._gap_s = gap_s
        self._copy = Copy()
        self._intakes: dict[str, Intake] = {}
        self._look: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load and follow; if MySQL is away, keep trying: `ready` says when there is something to go by."""
        self._task = asyncio.create_task(self._follow(), name="endpoints")

    async def stop(self) -> None:
        for task in (self._task, self._look):
            if task:
                task.cancel()
                with suppress(asyncio.CancelledError, EndpointsAway):
                    await task
        await self._source.close()

    @property
    def ready(self) -> bool:
        """True once there is a copy."""
        return self._copy.revision >= 0

    def product(self, name: str) -> Product | None:
        return self._copy.products.get(name)

    def of_account(self, product: str, account: str) -> Sequence[Endpoint]:
        """The connections to this account: several tenants may have connected it."""
        return self._copy.by_account.get((product, account), ())

    async def of_token(self, token: str) -> Endpoint | None:
        """The connection that this address was given to; None if there is none.

        Raises EndpointsAway if it is not in the copy and MySQL cannot be asked for a newer one.
        """
        digest = token_digest(token)
        found = self._copy.by_token.get(digest)
        if found is None and await self.refreshed():
            found = self._copy.by_token.get(digest)
        return found

    async def refreshed(self) -> bool:
        """Make sure that the copy is as new as now; True if it has changed by that. Raises EndpointsAway."""
        before = self._copy
        started = self._look
        if started is not None and not started.done():
            await asyncio.wait([started])  # it may have looked before what we are asked for was there
        if self._look is started:
            self._look = asyncio.create_task(self._take_newest(), name="endpoints-look")
        look = self._look
        if look is not None:
            await asyncio.shield(look)
        return self._copy is not before

    async def _follow(self) -> None:
        away = False
        while True:
            try:
                await self.refreshed()
                away = False
            except EndpointsAway as error:
                if not away:
                    log.warning("endpoints_not_followed", reason=str(error), revision=self._copy.revision)
                away = True
            except Exception:
                log.exception("endpoints_not_loaded", revision=self._copy.revision)
            await asyncio.sleep(self._poll_s)

    async def _take_newest(self) -> None:
        await asyncio.sleep(self._gap_s if self.ready else 0)
        if await self._source.revision() == self._copy.revision:
            return
        revision, endpoints, products = await self._source.rows()
        self._copy = self._copied(revision, endpoints, products)
        log.info("endpoints_loaded", revision=revision, endpoints=len(self._copy.by_token))

    def _copied(self, revision: int, endpoints: Sequence[EndpointRow], products: Sequence[ProductRow]) -> Copy:
        by_token = self._endpoints(endpoints)
        by_account: defaultdict[tuple[str, str], list[Endpoint]] = defaultdict(list)
        for endpoint in by_token.values():
            if endpoint.account:
                by_account[endpoint.product, endpoint.account].append(endpoint)
        return Copy(revision, self._products(products), by_token, dict(by_account))

    def _endpoints(self, rows: Sequence[EndpointRow]) -> dict[str, Endpoint]:
        grouped = {row.token_hash: row for row in rows}
        secrets: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in rows:
            place = webhook_secret_place(row.tenant, row.connection, row.secret_name)
            secrets[row.token_hash] += self._opened(row.secret_name, row.sealed_secret, place)
        return {
            digest: Endpoint(row.tenant, row.connection, row.product, row.account, secret_sets(secrets[digest]))
            for digest, row in grouped.items()
        }

    def _products(self, rows: Sequence[ProductRow]) -> dict[str, Product]:
        documents = {row.product: row.document for row in rows}
        secrets: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for row in rows:
            place = webhook_secret_place("", row.product, row.secret_name)
            secrets[row.product] += self._opened(row.secret_name, row.sealed_secret, place)
        self._intakes = {text: intake for text in set(documents.values()) if (intake := self._intake(text))}
        return {
            name: Product(self._intakes[text], secret_sets(secrets[name]))
            for name, text in documents.items()
            if text in self._intakes
        }

    def _intake(self, document: str) -> Intake | None:
        """Compiled once per text; None for what cannot be received, which stops nobody else."""
        if document in self._intakes:
            return self._intakes[document]
        try:
            return Intake(load_connector(document, "connector"))
        except (InvalidDocument, ExpressionFailed) as error:
            log.warning("connector_not_compiled", reason=str(error))
        except CannotReceive:
            pass
        return None

    def _opened(self, name: str, sealed: str, place: Place) -> list[tuple[str, str]]:
        if not name:
            return []
        try:
            return [(name, self._ring.open(sealed, place))]
        except SealBroken as error:
            log.warning("webhook_secret_does_not_open", reason=str(error))
            return []


def secret_sets(secrets: Sequence[tuple[str, str]]) -> Sequence[Secrets]:
    """Every combination that takes one secret of each name."""
    by_name: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, secret in secrets:
        by_name[name].append((name, secret))
    combinations = itertools.product(*by_name.values()) if by_name else ()
    return [dict(chosen) for chosen in itertools.islice(combinations, MAX_SECRET_SETS)]
