"""The same promises, kept against stand-ins of the products: their paths, errors, lost answers and all."""

from __future__ import annotations

import msgspec
import pytest

from schemas.events import Outcome
from streams.creating import LONGEST_REQUEST_MS
from streams.database import Database
from streams.intents import Intents
from streams.sink import SinkStage
from streams.source import SourceStage
from tests.streams.products.conftest import Bench, set_to


async def first_contact(bench: Bench) -> str:
    return next(iter(await bench.account.records("contact")))


async def try_again(bench: Bench, sink: SinkStage, email: str) -> Outcome:
    """Once a lost request is over and the product's search knows what it made."""
    bench.later_ms += 2 * LONGEST_REQUEST_MS
    await sink.handle([bench.create(email)])
    return bench.outcome


async def test_a_hint_becomes_a_snapshot_and_a_deleted_record_a_tombstone(bench: Bench, source: SourceStage) -> None:
    id = await first_contact(bench)
    await source.handle([bench.change(id)])
    assert bench.snapshot.reading is not None
    assert bench.snapshot.reading.fields["email"] == "c0@x.example"
    assert bench.snapshot.reading.updated_at > 0
    await bench.account.edit("delete", "contact", id)
    await source.handle([bench.change(id)])
    assert bench.snapshot.reading is None


async def test_an_update_arrives_and_an_unseen_edit_is_not_written_over(bench: Bench, sink: SinkStage) -> None:
    id, first_name = await first_contact(bench), bench.account.first_name
    await sink.handle([bench.command(id, {first_name: set_to("Zoë", expected="C0")})])
    assert bench.outcome.status == "applied"
    assert bench.outcome.after is not None
    assert bench.outcome.after.fields[first_name] == "Zoë"
    await bench.account.edit("update", "contact", id, city="Pune")
    await sink.handle([bench.command(id, {"city": set_to("Delhi", expected=None), first_name: set_to("Ann", "Zoë")})])
    outcome = bench.outcome
    assert outcome.status == "partial"
    assert outcome.answers["city"].state == "stale"
    assert outcome.before is not None
    assert outcome.before.fields["city"] == "Pune"


async def test_a_record_edited_since_the_decision_is_decided_again(bench: Bench, sink: SinkStage) -> None:
    id = await first_contact(bench)
    reading = await bench.account.client.get("contact", id)
    assert reading is not None
    await bench.account.sandbox.admin.advance_clock(5_000)
    await bench.account.edit("update", "contact", id, city="Pune")
    name = {bench.account.first_name: set_to("Ann", expected="C0")}
    await sink.handle([bench.command(id, name, updated_at=reading.updated_at)])
    assert bench.outcome.status == "stale"


@pytest.mark.parametrize("kind", ["commit_then_reset", "reset"])
async def test_a_create_whose_answer_was_lost_leaves_one_record(bench: Bench, sink: SinkStage, kind: str) -> None:
    await bench.account.fault(kind=kind, method="POST", path="/contacts$")
    await sink.handle([bench.create("zoe@x.example")])
    assert bench.outcome.status == "ambiguous"
    outcome = await try_again(bench, sink, "zoe@x.example")
    assert outcome.status == "applied"
    assert outcome.found == (kind == "commit_then_reset")
    made = [record for record in (await bench.account.records("contact")).values() if "zoe@x.example" in str(record)]
    assert len(made) == 1
    assert outcome.created == str(made[0]["id"])


async def test_a_create_delivered_again_after_a_crash_makes_nothing_new(
    bench: Bench, sink: SinkStage, pool: Database
) -> None:
    command = bench.create("zoe@x.example")
    await sink.handle([command])
    created = bench.outcome.created
    fresh = SinkStage(bench, Intents(pool), bench.publish, bench.now)
    await fresh.handle([command])
    assert (bench.outcome.status, bench.outcome.created, bench.outcome.found) == ("applied", created, True)
    assert len(await bench.account.records("contact")) == 3


async def test_a_contact_that_is_there_already_is_named(bench: Bench, sink: SinkStage) -> None:
    id = await first_contact(bench)
    await sink.handle([bench.create("C0@x.example")])
    assert (bench.outcome.status, bench.outcome.created) == ("duplicate", id)
    assert bench.outcome.before is not None
    assert bench.outcome.before.fields[bench.account.first_name] == "C0"


async def test_an_update_whose_answer_was_lost_is_found_done(bench: Bench, sink: SinkStage) -> None:
    id, name = await first_contact(bench), {bench.account.first_name: set_to("Zoë", expected="C0")}
    method = {"hubspot": "PATCH", "freshsales": "PUT"}[bench.account.product]
    await bench.account.fault(kind="commit_then_answer", status=500, method=method, path=f"/contacts/{id}")
    await sink.handle([bench.command(id, name)])
    assert bench.outcome.status == "ambiguous"
    bench.later_ms += LONGEST_REQUEST_MS
    await sink.handle([bench.command(id, name)])
    again = bench.outcome
    assert again.status == "applied"
    assert [used for used, _, _ in await bench.account.calls()].count(method) == 1


async def test_a_revoked_key_breaks_the_connection(bench: Bench, source: SourceStage, sink: SinkStage) -> None:
    id = await first_contact(bench)
    wrong = dict.fromkeys(bench.connection_now.credentials, "revoked")
    bench.connection_now = msgspec.structs.replace(bench.connection_now, credentials=wrong)
    bench.account.clients.forget(bench.connection_now.id)
    await source.handle([bench.change(id)])
    assert bench.connection_now.state == "broken"
    calls = len(await bench.account.calls())
    await sink.handle([bench.command(id, {"city": set_to("Pune")})])
    assert bench.outcome.status == "throttled"
    assert len(await bench.account.calls()) == calls


async def test_a_delete_removes_the_record(bench: Bench, sink: SinkStage) -> None:
    id = await first_contact(bench)
    await sink.handle([bench.command(id, {}, action="delete")])
    assert bench.outcome.status == "gone"
    assert id not in await bench.account.records("contact")
