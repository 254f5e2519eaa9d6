"""The admin API of the sandbox, on a port of its own. JSON in, JSON out; times are ms since the epoch, UTC.

Accounts
    POST /accounts   {"product": "hubspot"|"freshsales", "name", "integration": CREDENTIALS, "person": CREDENTIALS,
                      "settings"?: {…}, "seed"?: {…}}  → 201 ACCOUNT, 409 if the name or a token is taken
                     CREDENTIALS: HubSpot {"access_token": "pat-eu1-…"}, Freshsales {"api_key": "…"}
                     ACCOUNT: {"product", "name", "counts": {"contacts": n, …}, "portal_id"?, "app_id"?}
    GET  /accounts   → [ACCOUNT]
    POST /seed       {"seed"?: 1, "tenants"?: 3, "contacts"?: 200} → 201
                     {"tenants": [{"tenant", "accounts": [{"product", "account", "integration", "person"}]}]}
                     Opens one account per product for each tenant, with data that overlap (see `seed.py`).
    GET  /accounts/{product}/{account}/{entity}[?deleted=true]   → {"records": […]}, each as the API shows it in full
                     entity: HubSpot contacts, companies, deals, tickets; Freshsales contacts, sales_accounts, deals.
                     HubSpot contacts have `companies` (ids) and `primary_company` beside their properties.
    POST /reset      {"product"?, "account"?} → {"closed": n}. Without an account: all. With none left, log, faults and
                     webhooks go as well.

Webhooks
    POST /hooks      HubSpot, one per app: {"product": "hubspot", "app_id"?, "url", "secret",
                      "subscriptions": [{"type": "contact.propertyChange", "property": "email"}, …],
                      "retries"?, "retry_ms"?, "timeout_ms"?, "keep_event_id"?, "mix_portals"?}
                     Freshsales, one per account and id: {"product": "freshsales", "account", "url", "id"?,
                      "kind"?: "workflow"|"fdk", "records"?: ["contact", "sales_account", "deal"],
                      "trigger"?: "created"|"updated"|"created_or_updated", "method"?, "headers"?,
                      "content"?: "simple"|"advanced", "template"?, "payload"?: "old"|"2.0", "retries"?}
    GET  /hooks      → {"hubspot": […], "freshsales": […]}
    DELETE /hooks    forgets all of them
    GET  /deliveries → {"open": n}: webhooks that wait, are under way or will be tried again

Behaviour
    POST /settings   {"product", "account"?, …settings} → {"changed": n}; without an account: all of the product.
                     Names and defaults: `settings.py`; for HubSpot also app_id and portal_id.
    GET  /settings?product=&account=
    POST /faults     FAULT (see `faults.py`) → 201 with its id;  GET /faults → [FAULT];  DELETE /faults
                     e.g. {"product": "hubspot", "path": "/contacts", "method": "POST", "status": 429, "times": 3},
                          {"product": "freshsales", "kind": "commit_then_reset", "path": "/contacts$"}
    POST /clock      {"advance_ms": n} | {"stand_at": ms | null} → {"now"}

Acting as a person
    POST /edit       {"product", "account", "action": "create"|"update"|"delete"|"restore"|"merge"|"erase"|"associate"|
                      "dissociate", "entity", "id"?, "fields"?: {…native…}, "other"?} → {"record": {…}}
                     Refusals are the product's own: 422 {"status", "body"}. Logged with method EDIT.

Watching
    GET  /log?since=<ms>[&product=&account=]   → [{"at", "product", "account", "method", "path", "status",
                      "by": "freshpipe"|"person"|"other", "fields": […], "fault"}], oldest first, of the last 200,000
    POST /snapshot   writes the snapshot now (400 if the sandbox has no file for it)
    GET  /health     → {"status": "ok"}
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import orjson
from aiohttp import web

from connectors.sandbox.accounts import Account, NewAccount, Taken
from connectors.sandbox.calls import JSON, Refused
from connectors.sandbox.faults import Fault
from connectors.sandbox.log import Entry
from connectors.sandbox.product import Edit
from connectors.sandbox.seed import tenants
from connectors.sandbox.world import World


class Admin:
    """Handlers over one world. `save` writes the snapshot, or is None where there is no file for it."""

    def __init__(self, world: World, save: Callable[[], Awaitable[None]] | None) -> None:
        self._world = world
        self._save = save

    def app(self) -> web.Application:
        app = web.Application(client_max_size=256 * 2**20, middlewares=[_telling_errors])
        app.add_routes(
            [
                web.get("/health", self.health),
                web.post("/accounts", self.open_account),
                web.get("/accounts", self.list_accounts),
                web.get("/accounts/{product}/{account}/{entity}", self.dump),
                web.post("/seed", self.seed),
                web.post("/reset", self.reset),
                web.post("/hooks", self.hook),
                web.get("/hooks", self.list_hooks),
                web.delete("/hooks", self.unhook),
                web.get("/deliveries", self.deliveries),
                web.post("/settings", self.configure),
                web.get("/settings", self.settings),
                web.post("/faults", self.fault),
                web.get("/faults", self.list_faults),
                web.delete("/faults", self.clear_faults),
                web.post("/clock", self.clock),
                web.post("/edit", self.edit),
                web.get("/log", self.log),
                web.post("/snapshot", self.snapshot),
            ]
        )
        return app

    async def health(self, request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def open_account(self, request: web.Request) -> web.Response:
        new = msgspec.convert(await _body(request), NewAccount)
        return _json(_account(self._world.open(new)), 201)

    async def list_accounts(self, request: web.Request) -> web.Response:
        return _json([_account(each) for each in self._world.accounts.all()])

    async def seed(self, request: web.Request) -> web.Response:
        body = await _body(request)
        opened = []
        for tenant in tenants(**body):
            for each in tenant.accounts:
                self._world.open(each)
            accounts = [
                {"product": each.product, "account": each.name, "integration": each.integration, "person": each.person}
                for each in tenant.accounts
            ]
            opened.append({"tenant": tenant.name, "accounts": accounts})
        return _json({"tenants": opened}, 201)

    async def dump(self, request: web.Request) -> web.Response:
        account = self._account(request.match_info["product"], request.match_info["account"])
        deleted = request.query.get("deleted") == "true"
        return _json({"records": account.crm.dump(request.match_info["entity"], deleted=deleted)})

    async def reset(self, request: web.Request) -> web.Response:
        body = await _body(request)
        closing = self._chosen(body)
        self._world.reset(closing)
        return _json({"closed": len(closing)})

    async def hook(self, request: web.Request) -> web.Response:
        body = await _body(request)
        return _json(self._world.products[body.pop("product")].hook(body), 201)

    async def list_hooks(self, request: web.Request) -> web.Response:
        return _json(self._world.hooks())

    async def unhook(self, request: web.Request) -> web.Response:
        for product in self._world.products.values():
            product.unhook()
        return _json({})

    async def deliveries(self, request: web.Request) -> web.Response:
        return _json({"open": self._world.courier.busy})

    async def configure(self, request: web.Request) -> web.Response:
        body = await _body(request)
        chosen = self._chosen(body)
        patch = {name: value for name, value in body.items() if name not in ("product", "account")}
        for account in chosen:
            account.crm.configure(patch)
        return _json({"changed": len(chosen)})

    async def settings(self, request: web.Request) -> web.Response:
        account = self._account(request.query["product"], request.query["account"])
        return _json(msgspec.to_builtins(account.crm.settings))

    async def fault(self, request: web.Request) -> web.Response:
        fault = msgspec.convert(await _body(request), Fault)
        return _json(msgspec.to_builtins(self._world.faults[fault.product].plan(fault)), 201)

    async def list_faults(self, request: web.Request) -> web.Response:
        return _json([msgspec.to_builtins(each) for faults in self._world.faults.values() for each in faults.planned()])

    async def clear_faults(self, request: web.Request) -> web.Response:
        for faults in self._world.faults.values():
            faults.clear()
        return _json({})

    async def clock(self, request: web.Request) -> web.Response:
        body = await _body(request)
        if "stand_at" in body:
            self._world.clock.stand(body["stand_at"])
        self._world.clock.advance(int(body.get("advance_ms", 0)))
        return _json({"now": self._world.clock.now()})

    async def edit(self, request: web.Request) -> web.Response:
        body = await _body(request)
        account = self._account(body.pop("product"), body.pop("account"))
        edit = msgspec.convert(body, Edit)
        now = self._world.clock.now()
        status, answer = 200, {}
        try:
            answer = {"record": account.crm.edit(edit, now + account.crm.settings.clock_skew_ms)}
        except Refused as refusal:
            status = refusal.answer.status
            answer = {"status": status, "body": refusal.answer.body}
        path = "/".join(("", edit.entity, edit.id or edit.action))
        entry = Entry(
            at=now,
            product=account.product,
            account=account.name,
            method="EDIT",
            path=path,
            status=status,
            by="person",
            fields=list(edit.fields),
        )
        self._world.log.append(entry)
        return _json(answer, 200 if status == 200 else 422)

    async def log(self, request: web.Request) -> web.Response:
        wanted = {name: request.query[name] for name in ("product", "account") if name in request.query}
        entries = self._world.log.since(int(request.query.get("since", "0")))
        found = [each for each in entries if all(getattr(each, name) == value for name, value in wanted.items())]
        return web.Response(body=msgspec.json.encode(found), content_type="application/json")

    async def snapshot(self, request: web.Request) -> web.Response:
        if self._save is None:
            return _json({"error": "the sandbox was started without --snapshot"}, 400)
        await self._save()
        return _json({})

    def _account(self, product: str, name: str) -> Account:
        return self._world.accounts.named(product, name)

    def _chosen(self, body: dict[str, JSON]) -> list[Account]:
        """The account that a body names, or all of its product, or all."""
        if body.get("account"):
            return [self._account(body["product"], body["account"])]
        return [each for each in self._world.accounts.all() if body.get("product") in (None, each.product)]


@web.middleware
async def _telling_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Say what was wrong with a request instead of failing."""
    try:
        return await handler(request)
    except Taken as error:
        return _json({"error": str(error)}, 409)
    except KeyError as error:
        return _json({"error": f"unknown or missing: {error}"}, 404)
    except Refused as refusal:
        return _json({"status": refusal.answer.status, "body": refusal.answer.body}, 422)
    except (msgspec.ValidationError, TypeError, ValueError, re.error) as error:
        return _json({"error": str(error)}, 400)


async def _body(request: web.Request) -> dict[str, Any]:
    """The body as an object; nothing is an empty one. Raises TypeError."""
    raw = await request.read()
    body = orjson.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise TypeError("the body must be an object")
    return body


def _account(account: Account) -> dict[str, JSON]:
    counts = {entity: len(account.crm.dump(entity, deleted=False)) for entity in account.crm.entities()}
    return {"product": account.product, "name": account.name, "counts": counts, **account.crm.described()}


def _json(body: JSON, status: int = 200) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), content_type="application/json"
    )
