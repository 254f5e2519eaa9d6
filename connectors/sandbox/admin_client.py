"""A thin client of the admin API, for the demo, the tests and the console."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import aiohttp

JSON = Any


class AdminFailed(Exception):
    """The sandbox refused; `body` says why."""

    def __init__(self, status: int, body: JSON) -> None:
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class AdminClient:
    """Every method is one call. What goes in and out is described in `admin`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> AdminClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def health(self) -> JSON:
        return await self._call("GET", "/health")

    async def open_account(
        self,
        product: str,
        name: str,
        integration: dict[str, str],
        person: dict[str, str],
        settings: dict[str, JSON] | None = None,
        seed: JSON = None,
    ) -> JSON:
        body = {"product": product, "name": name, "integration": integration, "person": person}
        return await self._call("POST", "/accounts", {**body, "settings": settings or {}, "seed": seed})

    async def accounts(self) -> list[JSON]:
        found: list[JSON] = await self._call("GET", "/accounts")
        return found

    async def seed(self, **options: int) -> list[JSON]:
        """The tenants that were made."""
        answer = await self._call("POST", "/seed", options)
        made: list[JSON] = answer["tenants"]
        return made

    async def records(self, product: str, account: str, entity: str, *, deleted: bool = False) -> list[JSON]:
        query = {"deleted": "true"} if deleted else None
        answer = await self._call("GET", f"/accounts/{product}/{account}/{entity}", query=query)
        found: list[JSON] = answer["records"]
        return found

    async def reset(self, product: str | None = None, account: str | None = None) -> None:
        await self._call("POST", "/reset", {"product": product, "account": account})

    async def hook(self, product: str, **hook: JSON) -> JSON:
        return await self._call("POST", "/hooks", {"product": product, **hook})

    async def unhook(self) -> None:
        await self._call("DELETE", "/hooks")

    async def open_deliveries(self) -> int:
        return int((await self._call("GET", "/deliveries"))["open"])

    async def configure(self, product: str, account: str | None = None, **settings: JSON) -> None:
        await self._call("POST", "/settings", {"product": product, "account": account, **settings})

    async def settings(self, product: str, account: str) -> JSON:
        return await self._call("GET", "/settings", query={"product": product, "account": account})

    async def fault(self, product: str, **fault: JSON) -> JSON:
        return await self._call("POST", "/faults", {"product": product, **fault})

    async def faults(self) -> list[JSON]:
        planned: list[JSON] = await self._call("GET", "/faults")
        return planned

    async def clear_faults(self) -> None:
        await self._call("DELETE", "/faults")

    async def advance_clock(self, milliseconds: int) -> int:
        return int((await self._call("POST", "/clock", {"advance_ms": milliseconds}))["now"])

    async def stand_clock(self, at: int | None) -> int:
        return int((await self._call("POST", "/clock", {"stand_at": at}))["now"])

    async def edit(
        self,
        product: str,
        account: str,
        action: str,
        entity: str,
        id: str = "",
        fields: dict[str, JSON] | None = None,
        other: str = "",
    ) -> JSON:
        """The record as it is after a person's edit. Raises AdminFailed if the product refuses it."""
        body = {"action": action, "entity": entity, "id": id, "fields": fields or {}, "other": other}
        answer = await self._call("POST", "/edit", {"product": product, "account": account, **body})
        return answer["record"]

    async def log(self, since: int = 0, **wanted: str) -> list[JSON]:
        found: list[JSON] = await self._call("GET", "/log", query={"since": str(since), **wanted})
        return found

    async def snapshot(self) -> None:
        await self._call("POST", "/snapshot")

    async def _call(self, method: str, path: str, body: JSON = None, query: dict[str, str] | None = None) -> JSON:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.request(method, self.base_url + path, json=body, params=query) as response:
            answer = await response.json()
            if response.status >= 400:
                raise AdminFailed(response.status, answer)
            return answer
