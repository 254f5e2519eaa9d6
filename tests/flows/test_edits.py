"""What people do in one product arrives in the other: the right field, once, and then silence."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.flows.running import Office, Running, now_ms

SILENCE_S = 1.5
"""How long a test listens for writes that must not come."""


async def test_an_edit_in_hubspot_writes_that_field_in_freshsales_and_no_other(ours: Office) -> None:
    fs, hs = (await ours.links())[0]
    began = now_ms()
    await ours.marketing.edit("contact", hs, {"jobtitle": "Keeper of the flow"})
    await ours.eventually(
        lambda: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == "Keeper of the flow"
    )
    await ours.calm()
    assert [entry["fields"] for entry in await ours.writes(began)] == [["job_title"]]


async def test_an_edit_in_freshsales_writes_that_field_in_hubspot_and_no_other(ours: Office) -> None:
    fs, hs = (await ours.links())[1]
    began = now_ms()
    await ours.sales.edit("contact", fs, {"last_name": "Ångström-O'Neill 🙂"})
    await ours.eventually(
        lambda: ours.marketing.look("contact", hs), lambda seen: seen["lastname"] == "Ångström-O'Neill 🙂"
    )
    await ours.calm()
    assert [entry["fields"] for entry in await ours.writes(began)] == [["lastname"]]


async def test_a_cleared_field_is_cleared_on_the_other_side(ours: Office) -> None:
    fs, hs = (await ours.links())[2]
    await ours.marketing.edit("contact", hs, {"jobtitle": "for a while"})
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == "for a while")
    await ours.calm()
    await ours.marketing.edit("contact", hs, {"jobtitle": ""})
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: not seen["job_title"])
    await ours.calm()


async def test_leading_zeros_of_a_text_survive(ours: Office) -> None:
    fs, hs = (await ours.links())[2]
    await ours.marketing.edit("contact", hs, {"zip": "00478"})
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["zipcode"] == "00478")


async def test_edits_of_different_fields_at_once_are_both_kept(ours: Office) -> None:
    fs, hs = (await ours.links())[3]
    await asyncio.gather(
        ours.marketing.edit("contact", hs, {"city": "Lisboa"}),
        ours.sales.edit("contact", fs, {"job_title": "Navigator"}),
    )
    await ours.eventually(
        lambda: ours.sales.look("contact", fs),
        lambda seen: (seen["city"], seen["job_title"]) == ("Lisboa", "Navigator"),
    )
    await ours.eventually(lambda: ours.marketing.look("contact", hs), lambda seen: seen["jobtitle"] == "Navigator")
    await ours.calm()


async def test_edits_of_one_field_at_once_end_equal_with_the_loser_in_the_trail(ours: Office) -> None:
    fs, hs = (await ours.links())[4]
    await asyncio.gather(
        ours.marketing.edit("contact", hs, {"jobtitle": "from HubSpot"}),
        ours.sales.edit("contact", fs, {"job_title": "from Freshsales"}),
    )
    await ours.calm()
    seen = await ours.sales.look("contact", fs)
    assert seen["job_title"] in ("from HubSpot", "from Freshsales")
    (loser,) = {"from HubSpot", "from Freshsales"} - {seen["job_title"]}
    told = [
        [one.get("before"), one.get("after")]
        for entry in [*await ours.trail("freshsales", fs), *await ours.trail("hubspot", hs)]
        for one in entry.fields
    ]
    assert any(loser in values for values in told)


async def test_a_new_contact_is_created_once(ours: Office) -> None:
    began = now_ms()
    email = f"created.once.{began}@flow.example"
    id = await ours.marketing.create("contact", {"email": email, "firstname": "Once", "lastname": "Only"})
    links = await ours.eventually(ours.links, lambda links: any(hs == id for _, hs in links))
    fs = next(fs for fs, hs in links if hs == id)
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["email"] == email)
    await ours.calm()
    created = [entry for entry in await ours.writes(began) if entry["method"] == "POST"]
    assert len(created) == 1


async def test_a_contact_waits_for_its_company_and_is_then_associated(ours: Office) -> None:
    began = now_ms()
    account = await ours.sales.create(
        "sales_account", {"name": f"Engines {began}", "website": f"https://e{began}.example"}
    )
    contact = await ours.sales.create(
        "contact",
        {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": f"ada@e{began}.example",
            "sales_accounts": [{"id": int(account), "is_primary": True}],
        },
    )
    companies = await ours.eventually(
        lambda: ours.links("company"), lambda found: any(fs == account for fs, _ in found)
    )
    contacts = await ours.eventually(ours.links, lambda found: any(fs == contact for fs, _ in found))
    company = next(hs for fs, hs in companies if fs == account)
    other = next(hs for fs, hs in contacts if fs == contact)

    async def associated() -> list[str]:
        records = await ours.admin.records("hubspot", ours.tenant, "contacts")
        return [str(one["primary_company"]) for one in records if str(one["id"]) == other]

    await ours.eventually(associated, lambda primary: primary == [company])
    await ours.calm()


async def test_a_field_that_is_refused_leaves_the_other_fields_alone(ours: Office) -> None:
    fs, hs = (await ours.links())[5]
    before = (await ours.sales.look("contact", fs))["job_title"]
    body = {"errors": {"code": 400, "message": ["Job title is invalid"]}}
    await ours.admin.fault("freshsales", path=f"/contacts/{fs}", method="PUT", status=400, body=body, times=1)
    await ours.marketing.edit("contact", hs, {"jobtitle": "refused", "city": "Faro"})
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["city"] == "Faro")
    record = f"{ours.tenant}-freshsales/contact/{fs}"

    async def held() -> list[str]:
        return [entry["field"] for entry in await ours.attention() if entry["record"] == record]

    assert "job_title" in await ours.eventually(held, bool)
    assert (await ours.sales.look("contact", fs))["job_title"] == before
    ours.running.command("replay", record, "--retry-held")
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == "refused")
    await ours.calm()


async def test_a_deleted_contact_is_unlinked_and_its_counterpart_stays(ours: Office) -> None:
    fs, hs = (await ours.links())[-1]
    began = now_ms()
    await ours.marketing.delete("contact", hs)
    await ours.eventually(ours.links, lambda links: all(other != hs for _, other in links))
    assert (await ours.sales.look("contact", fs))["id"]
    await asyncio.sleep(SILENCE_S)
    assert await ours.writes(began) == []


async def test_the_trail_tells_the_way_of_a_change(ours: Office) -> None:
    fs, hs = (await ours.links())[6]
    await ours.marketing.edit("contact", hs, {"jobtitle": "Traced"})
    await ours.eventually(lambda: ours.sales.look("contact", fs), lambda seen: seen["job_title"] == "Traced")
    record = f"{ours.tenant}-freshsales/contact/{fs}"

    async def told() -> list[str]:
        entries = ours.running.command("trail", record, "--field", "job_title")
        return [entry["what"] for entry in entries if any(one.get("after") == "Traced" for one in entry["fields"])]

    await ours.eventually(told, lambda kinds: "written" in kinds)


async def test_nothing_secret_is_logged(ours: Office) -> None:
    logs = ours.running.logs()
    for connection in ours.running.tenant()["connections"]:
        for secret in (*connection["credentials"].values(), connection["webhook_url"].rsplit("/", 1)[1]):
            assert secret not in logs
    assert "@flow.example" not in logs


def test_nothing_secret_is_on_a_command_line(running: Running) -> None:
    lines = [Path(f"/proc/{pid}/cmdline").read_bytes() for pids in running.ready["pids"].values() for pid in pids]
    assert len(lines) > 8
    for name, value in running.environment.items():
        if name.endswith(("KEY", "PASSWORD", "TOKEN")):
            assert not [line for line in lines if value.encode() in line], name
