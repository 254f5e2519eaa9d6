"""The source stage: every hint reaches `sync`, comes back later, or ends where a person sees it."""

from __future__ import annotations

import msgspec
import pytest

from connectors.errors import CallFailed
from schemas.events import Category
from schemas.records import RecordId
from streams.failures import GIVE_UP_MS
from streams.source import IN_MEMORY_MS, SourceStage
from tests.streams.product import World, change, contact


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stage(world: World) -> SourceStage:
    return SourceStage(world, world.publish, world.clock)


async def test_several_hints_share_one_read_and_their_ids_ride_in_the_snapshot(
    world: World, stage: SourceStage
) -> None:
    world.product.put("1", email="ann@acme.io")
    await stage.handle([change("c1"), change("c2", received_at=world.clock.at - 5)])
    (snapshot,) = world.snapshots
    assert snapshot.changes == ("c1", "c2")
    assert snapshot.reading is not None
    assert snapshot.reading.fields == {"email": "ann@acme.io"}
    assert snapshot.received_at == world.clock.at - 5
    assert world.product.calls == [("get", "1")]
    assert [(entry.kind, entry.reason, entry.changes) for entry in world.trail] == [("read", "webhook", ("c1", "c2"))]
    assert {key for topic, key, _ in world.said if topic == "sync"} == {b"acme"}


async def test_a_record_that_is_gone_becomes_a_tombstone(world: World, stage: SourceStage) -> None:
    await stage.handle([change(kind="delete", at=world.clock.at - 100)])
    (snapshot,) = world.snapshots
    assert snapshot.reading is None
    assert snapshot.gone_at == world.clock.at - 100
    assert not snapshot.erased


async def test_an_erasure_says_so(world: World, stage: SourceStage) -> None:
    await stage.handle([change(kind="erase")])
    assert world.snapshots[0].erased


async def test_a_deleted_record_that_is_still_shown_is_read_again_before_the_delete_is_doubted(
    world: World, stage: SourceStage
) -> None:
    world.product.put("1", email="ann@acme.io")
    await stage.handle([change(kind="delete")])
    assert [due.change.id for due in world.due if due.change] == ["c1"]
    assert world.snapshots[0].changes == ()
    world.clock.at += 40_000
    await stage.handle([change(kind="delete")])
    assert world.snapshots[1].changes == ("c1",)
    assert world.snapshots[1].reading is not None


async def test_a_merge_is_told_with_the_record_that_lives_on_once_that_was_seen(
    world: World, stage: SourceStage
) -> None:
    world.product.put("2", email="ann@acme.io")
    await stage.handle([change(kind="merge", into=contact("2"))])
    gone, survivor = world.snapshots
    assert (gone.record, gone.into, gone.reading, gone.changes) == (contact("1"), contact("2"), None, ("c1",))
    assert survivor.record == contact("2")
    assert survivor.reading is not None


async def test_a_merge_into_another_account_is_not_believed(world: World, stage: SourceStage) -> None:
    world.product.put("1", email="ann@acme.io")
    await stage.handle([change(kind="merge", into=RecordId("other", "contact", "2"))])
    (snapshot,) = world.snapshots
    assert snapshot.into is None
    assert snapshot.reading is not None


async def test_a_hint_that_has_to_wait_long_waits_in_the_database(world: World, stage: SourceStage) -> None:
    soon = change(not_before=world.clock.at + IN_MEMORY_MS)
    late = change(not_before=world.clock.at + IN_MEMORY_MS + 1)
    assert stage.delay_s(soon) == IN_MEMORY_MS / 1000
    assert stage.delay_s(late) == 0
    await stage.handle([late])
    assert [due.at for due in world.due] == [late.not_before]
    assert world.product.calls == []


@pytest.mark.parametrize("category", ["rate_limited", "quota_exhausted"])
async def test_a_spent_quota_parks_the_change_until_it_is_restored(
    world: World, stage: SourceStage, category: Category
) -> None:
    world.product.failures["get"] = [CallFailed(category, retry_after_ms=7_000)]
    await stage.handle([change()])
    assert 7_000 <= world.due[0].at - world.clock.at < 8_000
    assert world.due[0].change == change()
    assert world.snapshots == []


@pytest.mark.parametrize("category", ["transient", "timeout"])
async def test_waits_grow_with_the_age_of_the_change_until_a_person_is_asked(
    world: World, stage: SourceStage, category: Category
) -> None:
    world.product.failures["get"] = [CallFailed(category)]
    await stage.handle([change()])
    assert 2_000 <= world.due[0].at - world.clock.at <= 2_500
    world.product.failures["get"] = [CallFailed(category)]
    world.clock.at += 60_000
    await stage.handle([change()])
    assert 30_000 <= world.due[1].at - world.clock.at <= 37_500
    world.product.failures["get"] = [CallFailed(category)]
    world.clock.at += GIVE_UP_MS
    await stage.handle([change()])
    assert [entry.end for entry in world.trail if entry.end] == ["attention"]


async def test_an_account_that_only_fails_is_left_alone_for_a_while(world: World, stage: SourceStage) -> None:
    world.product.failures["get"] = [CallFailed("transient") for _ in range(5)]
    world.product.put("1", email="ann@acme.io")
    for _ in range(8):
        await stage.handle([change()])
    assert len(world.product.calls) == 5
    world.clock.at += 2_000
    await stage.handle([change()])
    await stage.handle([change()])
    assert len(world.product.calls) == 7


@pytest.mark.parametrize("category", ["auth_revoked", "auth_expired", "forbidden"])
async def test_a_revoked_key_breaks_the_connection_once_and_its_changes_wait(
    world: World, stage: SourceStage, category: Category
) -> None:
    world.product.failures["get"] = [CallFailed(category), CallFailed(category)]
    for number in range(50):
        await stage.handle([change(f"c{number}")])
    assert [entry.reason for entry in world.trail if entry.kind == "attention"] == ["connection_broken"]
    assert len(world.due) == 50
    assert world.product.calls == [("get", "1")]


async def test_a_paused_connection_is_not_called(world: World, stage: SourceStage) -> None:
    world.connection_state = msgspec.structs.replace(world.connection_state, state="paused")
    await stage.handle([change()])
    assert world.product.calls == []
    assert len(world.due) == 1


@pytest.mark.parametrize("category", ["unknown", "rejected", "unsupported", "too_large", "transform_error"])
async def test_what_cannot_be_read_ends_where_a_person_sees_it(
    world: World, stage: SourceStage, category: Category
) -> None:
    world.product.failures["get"] = [CallFailed(category, "no such view")]
    await stage.handle([change("c1"), change("c2")])
    ends = [(entry.changes, entry.end, entry.category, entry.message) for entry in world.trail if entry.end]
    assert ends == [(("c1",), "attention", category, "no such view"), (("c2",), "attention", category, "no such view")]


async def test_another_tenants_change_is_not_read(world: World, stage: SourceStage) -> None:
    world.product.put("1", email="ann@acme.io")
    await stage.handle([change(tenant="rival")])
    assert world.product.calls == []
    assert [(entry.tenant, entry.reason) for entry in world.trail if entry.end] == [("rival", "wrong_tenant")]


async def test_a_connection_that_nobody_knows_may_be_new_and_later_is_taken_as_removed(
    world: World, stage: SourceStage
) -> None:
    world.known = False
    await stage.handle([change()])
    assert len(world.due) == 1
    world.clock.at += 100_000
    await stage.handle([change()])
    assert [(entry.end, entry.reason) for entry in world.trail if entry.end] == [("filtered", "connection_removed")]


async def test_what_nobody_foresaw_is_parked_without_its_words(world: World, stage: SourceStage) -> None:
    await stage.failed([change()], ValueError("ann@acme.io"))
    (entry,) = world.trail
    assert (entry.end, entry.reason, entry.message) == ("attention", "poison", "ValueError")


async def test_what_was_shed_or_ran_out_of_time_comes_back(world: World, stage: SourceStage) -> None:
    await stage.put_off([change("c1")])
    await stage.failed([change("c2")], TimeoutError())
    assert [due.change.id for due in world.due if due.change] == ["c1", "c2"]
