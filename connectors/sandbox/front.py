"""The door of a product's port: finds the account, applies faults, limits and latency, keeps the log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
import structlog
from aiohttp import web

from connectors.sandbox.accounts import Account, Accounts
from connectors.sandbox.calls import JSON, Answer, By, Call, Refused
from connectors.sandbox.clock import Clock
from connectors.sandbox.faults import Fault, Faults
from connectors.sandbox.log import Entry, Log
from connectors.sandbox.product import Handler, Product

log = structlog.get_logger()
_CHUNKS = 8
_NOTHING: Mapping[str, str] = {}


class Front:
    """Serves one product for all of its accounts."""

    def __init__(self, product: Product, accounts: Accounts, faults: Faults, log: Log, clock: Clock) -> None:
        self._product = product
        self._accounts = accounts
        self._faults = faults
        self._log = log
        self._clock = clock

    def app(self) -> web.Application:
        """The product's routes; whatever is none of them gets the product's own 404."""
        app = web.Application(client_max_size=8 * 2**20)
        for route in self._product.routes:
            app.router.add_route(route.method, route.pattern, self._serving(route.handler))
        app.router.add_route("*", "/{tail:.*}", self._serving(lambda crm, call: self._product.unknown()))
        return app

    def _serving(self, handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def serve(request: web.Request) -> web.StreamResponse:
            return await self._serve(request, handler)

        return serve

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        body, parsed = _parsed(await request.read())
        at = self._clock.now()
        account, by = self._accounts.known(self._product.name, self._product.token_of(request.headers))
        name = account.name if account else ""
        fault = self._faults.take(name, request.method, request.path, by)
        answer, headers = self._answer(request, handler, account, by, body, parsed, fault)
        entry = Entry(
            at=at,
            product=self._product.name,
            account=name,
            method=request.method,
            path=request.path,
            status=answer.status,
            by=by,
            fields=self._product.fields_of(body),
            fault=fault.kind if fault else "",
        )
        self._log.append(entry)
        if account and account.crm.settings.latency_ms:
            await asyncio.sleep(account.crm.settings.latency_ms / 1000)
        return await _sent(request, answer, headers, fault)

    def _answer(
        self,
        request: web.Request,
        handler: Handler,
        account: Account | None,
        by: By,
        body: JSON,
        parsed: bool,
        fault: Fault | None,
    ) -> tuple[Answer, Mapping[str, str]]:
        """The answer with the product's own headers; work is done unless something forbids it."""
        if fault is not None and fault.kind in ("answer", "hang", "reset", "upstream_429"):
            return self._injected(fault), _NOTHING
        if account is None or (by == "freshpipe" and account.crm.settings.revoked):
            return self._product.unauthorised(account.crm if account else None), _NOTHING
        now = self._clock.now() + account.crm.settings.clock_skew_ms
        headers: Mapping[str, str] = _NOTHING
        if by == "freshpipe":
            refusal, headers = account.crm.take(request.path, self._clock.now())
            if refusal is not None:
                return refusal, headers
        if not parsed:
            return self._product.unparsable(), headers
        call = Call(
            method=request.method,
            path=request.path,
            params=request.match_info,
            query={name: request.query.getall(name) for name in request.query},
            body=body,
            by=by,
            now=now,
        )
        answer = self._worked(handler, account, call)
        if fault is not None and fault.kind == "commit_then_answer":
            return self._injected(fault), headers
        return answer, headers

    def _worked(self, handler: Handler, account: Account, call: Call) -> Answer:
        try:
            return handler(account.crm, call)
        except Refused as refusal:
            return refusal.answer
        except Exception:
            log.exception("handler failed", product=self._product.name, method=call.method, path=call.path)
            return self._product.injected("answer", 500)

    def _injected(self, fault: Fault) -> Answer:
        own = self._product.injected(fault.kind, fault.status)
        return Answer(own.status, own.body if fault.body is None else fault.body, {**own.headers, **fault.headers})


def _parsed(raw: bytes) -> tuple[JSON, bool]:
    """The body and whether it is JSON (or none at all)."""
    if not raw:
        return None, True
    try:
        return orjson.loads(raw), True
    except orjson.JSONDecodeError:
        return None, False


async def _sent(
    request: web.Request, answer: Answer, headers: Mapping[str, str], fault: Fault | None
) -> web.StreamResponse:
    """Move the bytes, in the way that a fault wants it."""
    body = b"" if answer.body is None else orjson.dumps(answer.body, option=orjson.OPT_NON_STR_KEYS)
    kind = fault.kind if fault else ""
    if fault and kind in ("hang", "commit_then_hang"):
        await asyncio.sleep(fault.delay_ms / 1000)
    if kind in ("hang", "commit_then_hang", "reset", "commit_then_reset"):
        _reset(request)
    if kind == "malformed":
        body = body[: max(1, len(body) // 2)]
    all_headers = {**headers, **answer.headers}
    if body:
        all_headers["Content-Type"] = "application/json;charset=utf-8"
    if fault and kind == "drip":
        return await _dripped(request, answer.status, all_headers, body, fault.delay_ms)
    return web.Response(status=answer.status, body=body or None, headers=all_headers)


async def _dripped(
    request: web.Request, status: int, headers: Mapping[str, str], body: bytes, delay_ms: int
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    size = max(1, len(body) // _CHUNKS)
    for at in range(0, len(body), size):
        await response.write(body[at : at + size])
        await asyncio.sleep(delay_ms / 1000)
    return response


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
