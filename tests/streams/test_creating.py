"""Creates: one record for one thing, whatever is lost on the way."""

from __future__ import annotations

import msgspec
import pytest

from connectors.errors import CallFailed
from schemas.documents.connector import Entity
from schemas.events import Category, Command, Outcome
from schemas.records import RecordId
from streams.intents import Intent
from streams.sink import SinkStage
from tests.streams.product import CONTACT_DOCUMENT, CONTACT_OPERATIONS, World, command, write

PLACEHOLDER = RecordId("hs", "contact", "new:l1")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stage(world: World) -> SinkStage:
    return SinkStage(world, world, world.publish, world.clock)


def create(**given: object) -> Command:
    fields = {"email": write("ann@acme.io"), "name": write("Ann"), "phone": write("1")}
    made = command(fields, action="create", record=PLACEHOLDER, keys=(("email", "ann@acme.io"),))
    return msgspec.structs.replace(made, **given)


def entity(**changes: object) -> Entity:
    return Entity.model_validate_json(msgspec.json.encode(CONTACT_DOCUMENT | changes))


def without_find_by_stamp() -> Entity:
    find = {"call": "GET /find", "by": ["email", "phone"], "lag_s": 10}
    return entity(ops={**CONTACT_OPERATIONS, "find": find})


async def after_patience(world: World, stage: SinkStage, sequence: int = 2) -> Outcome:
    """Try again once the lost request is over and the search knows of it."""
    world.clock.at += 60_000
    world.product.hidden.clear()
    await stage.handle([create(sequence=sequence, id=f"cmd{sequence}")])
    return world.outcomes[-1]


async def test_a_create_names_the_record_and_says_how_it_was_returned(world: World, stage: SinkStage) -> None:
    await stage.handle([create()])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.created, outcome.found) == ("applied", "1", False)
    assert outcome.record == PLACEHOLDER
    assert outcome.after is not None
    assert outcome.after.fields["email"] == "ann@acme.io"
    assert [call for call, _ in world.product.calls] == ["create"]
    assert world.intents["l1", "right"] == Intent("confirmed", 1, world.clock.at, "1")


async def test_a_create_delivered_again_to_another_worker_makes_nothing_new(world: World, stage: SinkStage) -> None:
    await stage.handle([create()])
    await SinkStage(world, world, world.publish, world.clock).handle([create()])
    again = world.outcomes[-1]
    assert (again.status, again.created, again.found) == ("applied", "1", True)
    assert len(world.product.records) == 1


@pytest.mark.parametrize("effects", [True, False])
@pytest.mark.parametrize("category", ["timeout", "transient"])
async def test_a_create_whose_answer_was_lost_is_looked_for_before_it_is_made_again(
    world: World, stage: SinkStage, category: Category, effects: bool
) -> None:
    world.product.effects = effects
    world.product.failures["create"] = [CallFailed(category, sent=True)]
    await stage.handle([create()])
    assert world.outcomes[0].status == "ambiguous"
    assert world.outcomes[0].retry_at > world.clock.at
    outcome = await after_patience(world, stage)
    assert (outcome.status, outcome.created, outcome.found) == ("applied", "1", effects)
    assert len(world.product.records) == 1


async def test_nothing_is_made_while_a_lost_create_may_still_happen(world: World, stage: SinkStage) -> None:
    world.product.failures["create"] = [CallFailed("timeout", sent=True)]
    await stage.handle([create()])
    world.clock.at += 5_000
    await stage.handle([create(sequence=2)])
    assert world.outcomes[-1].status == "ambiguous"
    assert [call for call, _ in world.product.calls] == ["create"]


async def test_a_lost_create_that_was_found_by_its_key_alone_is_linked_as_a_record_that_was_there(
    world: World, stage: SinkStage
) -> None:
    world.product.entity_document = without_find_by_stamp()
    world.product.failures["create"] = [CallFailed("timeout", sent=True)]
    await stage.handle([create()])
    world.product.records["1"] = msgspec.structs.replace(world.product.records["1"], stamp=None)
    outcome = await after_patience(world, stage)
    assert (outcome.status, outcome.created) == ("duplicate", "1")
    assert outcome.before is not None


async def test_a_lost_create_that_cannot_be_looked_for_goes_to_a_person_and_is_never_repeated(
    world: World, stage: SinkStage
) -> None:
    world.product.entity_document = entity(keys=[], stamp=None)
    world.product.failures["create"] = [CallFailed("timeout", sent=True)]
    world.product.effects = False
    await stage.handle([create()])
    for sequence in (2, 3):
        outcome = await after_patience(world, stage, sequence)
        assert outcome.status == "rejected"
        assert {answer.state for answer in outcome.answers.values()} == {"rejected"}
    assert [call for call, _ in world.product.calls].count("create") == 1


async def test_a_worker_that_died_during_a_create_leaves_it_in_doubt(world: World, stage: SinkStage) -> None:
    world.intents["l1", "right"] = Intent("sent", 1, world.clock.at, None)
    world.product.put("7", stamp=PLACEHOLDER.id, email="ann@acme.io")
    outcome = await after_patience(world, stage)
    assert (outcome.status, outcome.created, outcome.found) == ("applied", "7", True)


async def test_only_one_of_two_workers_makes_the_call(world: World, stage: SinkStage) -> None:
    class Late(World):
        async def find(self, command: Command, side: object) -> Intent | None:
            return None

    late = Late(clock=world.clock, intents=world.intents)
    await stage.handle([create()])
    await SinkStage(late, late, late.publish, late.clock).handle([create()])
    assert late.product.records == {}
    assert late.outcomes[0].status == "transient"


async def test_a_record_that_was_there_is_named_with_what_it_holds(world: World, stage: SinkStage) -> None:
    world.product.put("5", email="Ann@acme.io", name="Ann Lee")
    world.product.failures["create"] = [CallFailed("duplicate", status=409, existing_id="5")]
    await stage.handle([create()])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.created) == ("duplicate", "5")
    assert outcome.before is not None
    assert outcome.before.fields["name"] == "Ann Lee"


async def test_a_duplicate_that_is_not_named_is_looked_up(world: World, stage: SinkStage) -> None:
    world.product.put("5", email="ann@acme.io", name="Ann Lee")
    world.product.failures["create"] = [CallFailed("duplicate", status=400)]
    await stage.handle([create()])
    assert (world.outcomes[0].status, world.outcomes[0].created) == ("duplicate", "5")


async def test_a_duplicate_that_carries_our_stamp_is_our_own_create(world: World, stage: SinkStage) -> None:
    world.product.put("5", stamp=PLACEHOLDER.id, email="ann@acme.io")
    world.product.failures["create"] = [CallFailed("duplicate", existing_id="5")]
    await stage.handle([create()])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.created, outcome.found) == ("applied", "5", True)


async def test_a_duplicate_that_the_search_does_not_know_yet_is_asked_for_later(world: World, stage: SinkStage) -> None:
    world.product.failures["create"] = [CallFailed("duplicate"), CallFailed("duplicate")]
    await stage.handle([create()])
    assert world.outcomes[0].status == "transient"
    assert world.outcomes[0].retry_at >= world.clock.at + 10_000
    world.clock.at += 700_000
    await stage.handle([create(sequence=2)])
    assert world.outcomes[1].status == "rejected"


async def test_two_candidates_are_never_guessed_between(world: World, stage: SinkStage) -> None:
    world.product.put("5", email="ann@acme.io")
    world.product.put("6", email="ann@acme.io")
    world.product.failures["create"] = [CallFailed("duplicate")]
    await stage.handle([create()])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.created, outcome.category) == ("rejected", None, "duplicate")


async def test_a_key_that_the_product_does_not_keep_unique_is_looked_up_first(world: World, stage: SinkStage) -> None:
    world.product.put("5", phone="1", name="Ann Lee")
    await stage.handle([create(keys=(("phone", "1"),))])
    assert (world.outcomes[0].status, world.outcomes[0].created) == ("duplicate", "5")
    assert len(world.product.records) == 1


async def test_a_refused_field_is_left_out_of_a_create(world: World, stage: SinkStage) -> None:
    world.product.refuses["phone"] = CallFailed("invalid_field", "bad", field="phone")
    await stage.handle([create()])
    (outcome,) = world.outcomes
    assert (outcome.status, outcome.created) == ("partial", "1")
    assert {name: answer.state for name, answer in outcome.answers.items()} == {
        "email": "done",
        "name": "done",
        "phone": "rejected",
    }


async def test_a_required_field_that_is_refused_holds_the_create(world: World, stage: SinkStage) -> None:
    world.product.refuses["name"] = CallFailed("invalid_field", "bad", field="name")
    await stage.handle([create()])
    (outcome,) = world.outcomes
    assert outcome.status == "rejected"
    assert world.intents["l1", "right"].state == "intent"


async def test_a_refused_create_may_be_made_later_without_a_search(world: World, stage: SinkStage) -> None:
    world.product.failures["create"] = [CallFailed("rate_limited"), CallFailed("transient")]
    for sequence in (1, 2, 3):
        await stage.handle([create(sequence=sequence)])
    assert [outcome.status for outcome in world.outcomes] == ["throttled", "transient", "applied"]
    assert "find" not in [call for call, _ in world.product.calls]


async def test_without_the_ledger_nothing_is_created(world: World, stage: SinkStage) -> None:
    world.ledger_away = True
    await stage.handle([create()])
    assert world.outcomes[0].status == "transient"
    assert world.product.calls == []


async def test_a_created_record_that_was_deleted_since_is_gone(world: World, stage: SinkStage) -> None:
    world.intents["l1", "right"] = Intent("confirmed", 1, world.clock.at, "9")
    await stage.handle([create()])
    assert (world.outcomes[0].status, world.outcomes[0].created) == ("gone", "9")
