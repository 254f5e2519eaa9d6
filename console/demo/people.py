"""A person at work in a product: the vendor's own API, called with that person's credentials.

It shares nothing with our connectors, so that what it sees is what a user of the product sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp

JSON = Any


class Person(Protocol):
    """Somebody with an account on a product. Fields are named as the vendor names them."""

    async def create(self, entity: str, fields: dict[str, JSON]) -> str: ...

    async def edit(self, entity: str, id: str, fields: dict[str, JSON]) -> None: ...

    async def delete(self, entity: str, id: str) -> None: ...

    async def look(self, entity: str, id: str) -> dict[str, JSON]: ...


@dataclass(frozen=True, slots=True)
class HubSpotPerson:
    """https://developers.hubspot.com/docs/api-reference/crm-contacts-v3: records are `{id, properties}`."""

    session: aiohttp.ClientSession
    base_url: str
    token: str

    async def create(self, entity: str, fields: dict[str, JSON]) -> str:
        return str((await self._call("POST", entity, "", {"properties": fields}))["id"])

    async def edit(self, entity: str, id: str, fields: dict[str, JSON]) -> None:
        await self._call("PATCH", entity, id, {"properties": fields})

    async def delete(self, entity: str, id: str) -> None:
        await self._call("DELETE", entity, id)

    async def look(self, entity: str, id: str) -> dict[str, JSON]:
        names = ",".join(("email", "firstname", "lastname", "jobtitle", "phone", "name", "domain", "lifecyclestage"))
        found: dict[str, JSON] = (await self._call("GET", entity, f"{id}?properties={names}"))["properties"]
        return found

    async def _call(self, method: str, entity: str, tail: str, body: JSON = None) -> JSON:
        plural = {"contact": "contacts", "company": "companies"}[entity]
        url = f"{self.base_url}/crm/v3/objects/{plural}" + (f"/{tail}" if tail else "")
        return await _json(self.session, method, url, {"Authorization": f"Bearer {self.token}"}, body)


@dataclass(frozen=True, slots=True)
class FreshsalesPerson:
    """https://developers.freshworks.com/crm/api/: records come in an envelope that names the entity."""

    session: aiohttp.ClientSession
    base_url: str
    key: str

    async def create(self, entity: str, fields: dict[str, JSON]) -> str:
        return str((await self._call("POST", entity, "", {entity: fields}))[entity]["id"])

    async def edit(self, entity: str, id: str, fields: dict[str, JSON]) -> None:
        await self._call("PUT", entity, id, {entity: fields})

    async def delete(self, entity: str, id: str) -> None:
        await self._call("DELETE", entity, id)

    async def look(self, entity: str, id: str) -> dict[str, JSON]:
        found: dict[str, JSON] = (await self._call("GET", entity, quote(id)))[entity]
        return found

    async def _call(self, method: str, entity: str, tail: str, body: JSON = None) -> JSON:
        url = f"{self.base_url}/crm/sales/api/{entity}s" + (f"/{tail}" if tail else "")
        return await _json(self.session, method, url, {"Authorization": f"Token token={self.key}"}, body)


async def _json(session: aiohttp.ClientSession, method: str, url: str, headers: dict[str, str], body: JSON) -> JSON:
    async with session.request(method, url, headers=headers, json=body) as answer:
        if answer.status >= 400:
            raise RuntimeError(f"{method} {url} answered {answer.status}: {(await answer.text())[:300]}")
        if answer.status == 204:
            return None
        return await answer.json(content_type=None)


def person(session: aiohttp.ClientSession, product: str, base_url: str, credentials: dict[str, str]) -> Person:
    """Somebody with these credentials in this account."""
    if product == "hubspot":
        return HubSpotPerson(session, base_url, credentials["access_token"])
    return FreshsalesPerson(session, base_url, credentials["api_key"])
