"""Views: the only list there is."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api


async def fill(freshsales: Api, sandbox: Running, count: int) -> list[int]:
    ids = []
    for at in range(count):
        await sandbox.admin.advance_clock(1_000)
        reply = await freshsales.post("/contacts", {"contact": {"emails": f"c{at}@acme.example"}})
        ids.append(reply.body["contact"]["id"])
    return ids


async def view_of(freshsales: Api, name: str, entity: str = "contacts") -> str:
    filters = (await freshsales.get(f"/{entity}/filters")).body["filters"]
    (id,) = (each["id"] for each in filters if each["name"] == name)
    return f"/{entity}/view/{id}"


def ids_of(body: JSON) -> list[int]:
    return [each["id"] for each in body["contacts"]]


async def test_the_newest_change_comes_first_where_asked_for(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    one, two, three = await fill(freshsales, sandbox, 3)
    await sandbox.admin.advance_clock(1_000)
    await freshsales.put(f"/contacts/{one}", {"contact": {"city": "Pune"}})
    view = await view_of(freshsales, "All Contacts")
    reply = await freshsales.get(view, sort="updated_at", sort_type="desc")
    assert ids_of(reply.body) == [one, three, two]
    assert reply.body["meta"] == {"total_pages": 1, "total": 3}
    assert ids_of((await freshsales.get(view, sort="updated_at", sort_type="asc")).body) == [two, three, one]
    assert ids_of((await freshsales.get(view)).body) == [one, two, three]


async def test_pages_follow_each_other(freshsales: Api, sandbox: Running) -> None:
    ids = await fill(freshsales, sandbox, 5)
    view = await view_of(freshsales, "All Contacts")
    pages = [await freshsales.get(view, page=str(at), per_page="2", sort="id") for at in (1, 2, 3, 4)]
    assert [ids_of(each.body) for each in pages] == [ids[:2], ids[2:4], ids[4:], []]
    assert pages[0].body["meta"] == {"total_pages": 3, "total": 5}


async def test_a_page_is_cut_down_to_the_most(freshsales: Api, sandbox: Running) -> None:
    await fill(freshsales, sandbox, 3)
    await sandbox.admin.configure("freshsales", max_per_page=2)
    reply = await freshsales.get(await view_of(freshsales, "All Contacts"), per_page="50")
    assert len(reply.body["contacts"]) == 2


async def test_deleted_records_are_in_no_view(freshsales: Api, sandbox: Running) -> None:
    one, two = await fill(freshsales, sandbox, 2)
    await freshsales.delete(f"/contacts/{one}")
    reply = await freshsales.get(await view_of(freshsales, "All Contacts"), sort="updated_at", sort_type="desc")
    assert ids_of(reply.body) == [two]
    assert reply.body["meta"]["total"] == 1


async def test_names_of_views_are_in_the_accounts_language(freshsales: Api, sandbox: Running) -> None:
    await sandbox.admin.configure("freshsales", language="de")
    names = [each["name"] for each in (await freshsales.get("/sales_accounts/filters")).body["filters"]]
    assert "Alle Firmen" in names
    assert "All Accounts" not in names


async def test_a_view_can_include_accounts_unless_set_otherwise(freshsales: Api, sandbox: Running) -> None:
    await fill(freshsales, sandbox, 1)
    view = await view_of(freshsales, "All Contacts")
    assert "sales_accounts" in (await freshsales.get(view, include="sales_accounts")).body["contacts"][0]
    await sandbox.admin.configure("freshsales", view_includes=False)
    assert "sales_accounts" not in (await freshsales.get(view, include="sales_accounts")).body["contacts"][0]


async def test_other_views_show_a_part(freshsales: Api, sandbox: Running) -> None:
    (one,) = await fill(freshsales, sandbox, 1)
    owner = (await freshsales.get("/selector/owners")).body["users"][-1]["id"]
    unassigned = await view_of(freshsales, "Unassigned Contacts")
    assert ids_of((await freshsales.get(unassigned)).body) == [one]
    await freshsales.put(f"/contacts/{one}", {"contact": {"owner_id": owner}})
    assert ids_of((await freshsales.get(unassigned)).body) == []


@pytest.mark.parametrize("query", [{"page": "0"}, {"per_page": "x"}, {"sort": "colour"}])
async def test_a_page_that_makes_no_sense_is_refused(freshsales: Api, query: dict[str, str]) -> None:
    assert (await freshsales.get(await view_of(freshsales, "All Contacts"), **query)).status == 400


async def test_an_unknown_view_is_not_found(freshsales: Api) -> None:
    assert (await freshsales.get("/contacts/view/1")).status == 404
