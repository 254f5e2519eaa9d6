"""Webhooks of Freshsales: workflows and product events."""

from __future__ import annotations

import pytest

from connectors.sandbox.server import Running
from tests.connectors.sandbox.api import JSON, Api, Receiver, until


async def hook(sandbox: Running, receiver: Receiver, **more: JSON) -> None:
    await sandbox.admin.hook("freshsales", account="acme", url=receiver.url, **more)


async def create(freshsales: Api, **contact: JSON) -> str:
    reply = await freshsales.post("/contacts", {"contact": {"emails": "ann@acme.example", **contact}})
    return f"/contacts/{reply.body['contact']['id']}"


async def quiet(sandbox: Running) -> None:
    await until(lambda: sandbox.world.courier.busy == 0)


async def test_a_workflow_posts_the_ticked_fields_unsigned(
    freshsales: Api, sandbox: Running, receiver: Receiver
) -> None:
    await hook(sandbox, receiver, headers={"X-Token": "t1"})
    await create(freshsales, first_name="Ann", custom_field={"cf_tier": "Gold"})
    await until(lambda: len(receiver.deliveries) == 1)
    (delivery,) = receiver.deliveries
    assert delivery.body["contact_first_name"] == "Ann"
    assert delivery.body["contact_cf_tier"] == "Gold"
    assert delivery.headers["X-Token"] == "t1"
    assert not any("signature" in name.lower() for name in delivery.headers)


async def test_an_advanced_template_is_filled(freshsales: Api, sandbox: Running, receiver: Receiver) -> None:
    template = '{"id": "{{contact.id}}", "mail": "{{ contact.email }}", "tier": "{{contact.cf_tier}}"}'
    await hook(sandbox, receiver, content="advanced", template=template)
    path = await create(freshsales)
    await until(lambda: len(receiver.deliveries) == 1)
    body = receiver.deliveries[0].body
    assert body == {"id": path.removeprefix("/contacts/"), "mail": "ann@acme.example", "tier": ""}


@pytest.mark.parametrize(("trigger", "count"), [("created", 1), ("updated", 1), ("created_or_updated", 2)])
async def test_a_workflow_fires_as_its_trigger_says_and_never_on_deletion(
    freshsales: Api, sandbox: Running, receiver: Receiver, trigger: str, count: int
) -> None:
    await hook(sandbox, receiver, trigger=trigger)
    path = await create(freshsales)
    await freshsales.put(path, {"contact": {"city": "Pune"}})
    await freshsales.delete(path)
    await quiet(sandbox)
    assert len(receiver.deliveries) == count


async def test_a_write_that_changes_nothing_fires_nothing(
    freshsales: Api, sandbox: Running, receiver: Receiver
) -> None:
    path = await create(freshsales, city="Pune")
    await hook(sandbox, receiver)
    await freshsales.put(path, {"contact": {"city": "Pune"}})
    await quiet(sandbox)
    assert receiver.deliveries == []


async def test_a_hook_hears_of_its_record_types_only(freshsales: Api, sandbox: Running, receiver: Receiver) -> None:
    await hook(sandbox, receiver, records=["sales_account"])
    await create(freshsales)
    await freshsales.post("/sales_accounts", {"sales_account": {"name": "Acme"}})
    await quiet(sandbox)
    assert [each.body["sales_account_name"] for each in receiver.deliveries] == ["Acme"]


async def test_the_newer_product_event_wraps_every_attribute(
    freshsales: Api, sandbox: Running, receiver: Receiver
) -> None:
    path = await create(freshsales, first_name="Ann", job_title="CTO", custom_field={"cf_tier": "Gold"})
    await hook(sandbox, receiver, kind="fdk")
    await freshsales.put(path, {"contact": {"job_title": "CIO"}})
    await until(lambda: len(receiver.deliveries) == 1)
    body = receiver.deliveries[0].body
    assert (body["event"], body["version"]) == ("onContactUpdate", "2.0")
    contact = body["data"]["contact"]
    assert contact["id"] == int(path.removeprefix("/contacts/"))
    assert contact["first_name"] == {"label": "First name", "type": "text", "value": "Ann"}
    assert contact["emails"]["value"] == [{"email": "ann@acme.example", "is_primary": True}]
    assert {"name": "cf_tier", "value": "Gold", "type": "dropdown"} in contact["custom_fields"]
    assert body["data"]["changes"]["model_changes"] == {"job_title": ["CTO", "CIO"]}


async def test_the_older_product_event_is_flat(freshsales: Api, sandbox: Running, receiver: Receiver) -> None:
    await hook(sandbox, receiver, kind="fdk", payload="old")
    path = await create(freshsales, first_name="Ann")
    await freshsales.delete(path)
    await until(lambda: len(receiver.deliveries) == 2)
    bodies = {each.body["event"]: each.body for each in receiver.deliveries}
    assert bodies["onContactCreate"]["data"]["contact"]["first_name"] == "Ann"
    assert bodies["onContactCreate"]["data"]["changes"]["first_name"] == [None, "Ann"]
    assert bodies["onContactCreate"]["productContext"]["name"] == "freshworks_crm"
    assert bodies["onContactDelete"]["data"]["contact"]["is_deleted"] is True


async def test_a_forgotten_contact_is_told_by_its_id_alone(
    freshsales: Api, sandbox: Running, receiver: Receiver
) -> None:
    path = await create(freshsales)
    await hook(sandbox, receiver, kind="fdk")
    await freshsales.delete(f"{path}/forget")
    await until(lambda: len(receiver.deliveries) == 1)
    assert receiver.deliveries[0].body["data"]["contact"] == {"id": int(path.removeprefix("/contacts/"))}


async def test_an_app_over_its_calls_a_minute_loses_events(
    freshsales: Api, sandbox: Running, receiver: Receiver
) -> None:
    await sandbox.admin.stand_clock(1_790_000_000_000)
    await sandbox.admin.configure("freshsales", relay_limit=2)
    path = await create(freshsales)
    await hook(sandbox, receiver, kind="fdk")
    for city in ("A", "B", "C"):
        await freshsales.put(path, {"contact": {"city": city}})
    await quiet(sandbox)
    assert len(receiver.deliveries) == 2
    await sandbox.admin.advance_clock(60_000)
    await freshsales.put(path, {"contact": {"city": "D"}})
    await until(lambda: len(receiver.deliveries) == 3)


async def test_nothing_is_sent_again_unless_set(freshsales: Api, sandbox: Running, receiver: Receiver) -> None:
    receiver.statuses = [500, 500]
    await hook(sandbox, receiver)
    path = await create(freshsales)
    await quiet(sandbox)
    assert len(receiver.deliveries) == 1
    await hook(sandbox, receiver, retries=3, retry_ms=1)
    await freshsales.put(path, {"contact": {"city": "Pune"}})
    await until(lambda: len(receiver.deliveries) == 3)


async def test_events_can_be_doubled_lost_and_overtake_each_other(
    freshsales: Api, sandbox: Running, receiver: Receiver
) -> None:
    await hook(sandbox, receiver, content="advanced", template='{"city": "{{contact.city}}"}')
    await sandbox.admin.configure("freshsales", webhook_duplicate=1.0)
    path = await create(freshsales, city="0")
    await quiet(sandbox)
    assert [each.body for each in receiver.deliveries] == [{"city": "0"}] * 2
    await sandbox.admin.configure("freshsales", webhook_duplicate=0, webhook_shuffle=True, webhook_delay_ms=20)
    receiver.deliveries.clear()
    for at in range(1, 12):
        await freshsales.put(path, {"contact": {"city": str(at)}})
    await quiet(sandbox)
    order = [int(each.body["city"]) for each in receiver.deliveries]
    assert sorted(order) == list(range(1, 12))
    assert order != sorted(order)
    await sandbox.admin.configure("freshsales", webhook_drop=1.0)
    receiver.deliveries.clear()
    await freshsales.put(path, {"contact": {"city": "lost"}})
    await quiet(sandbox)
    assert receiver.deliveries == []


async def test_a_bare_value_may_break_a_template(freshsales: Api, sandbox: Running, receiver: Receiver) -> None:
    """Placeholders are replaced by bare text: why only ids belong into a template."""
    await hook(sandbox, receiver, content="advanced", template='{"name": "{{contact.first_name}}"}')
    await create(freshsales, first_name='Ann "the" Lee')
    await until(lambda: bool(receiver.deliveries))
    assert receiver.deliveries[0].raw == b'{"name": "Ann "the" Lee"}'
