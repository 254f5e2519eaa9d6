"""The sink stage: updates and deletes, guarded, field by field, and answered with what the engine has to know."""

from __future__ import annotations

import msgspec
import pytest

from connectors.errors import CallFailed
from schemas.configuration import Guard
from schemas.events import Category, Outcome
from streams.sink import SinkStage
from tests.streams.product import World, command, contact, write


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def stage(world: World) -> SinkStage:
    return SinkStage(world, world, world.publish, world.clock)


def guard(world: World, policy: Guard) -> None:
    world.connection_state = msgspec.structs.replace(world.connection_state, guard=policy)


def states(outcome: Outcome) -> dict[str, str]:
    return {name: answer.state for name, answer in outcome.answers.items()}


def calls(world: World) -> list[str]:
    return [call for call, _ in world.product.calls]


async def test_an_update_answers_with_both_readings_and_the_values_as_returned(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann", city="Pune")
    await stage.handle([command({"name": write(" Anna ", expected="Ann")})])
    (outcome,) = world.outcomes
    assert outcome.status == "applied"
    assert states(outcome) == {"name": "done"}
    assert outcome.before is not None
    assert outcome.before.fields == {"name": "Ann", "city": "Pune"}
    assert outcome.after is not None
    assert outcome.after.fields == {"name": "Anna", "city": "Pune"}
    assert (outcome.record, outcome.sequence, outcome.link) == (contact(), 1, "l1")
    assert calls(world) == ["get", "update"]


async def test_a_value_that_is_there_already_is_not_written(world: World, stage: SinkStage) -> None:
    world.product.put("1", email="ANN@acme.io ", name="Ann")
    await stage.handle([command({"email": write("ann@acme.io", expected="old@acme.io")})])
    (outcome,) = world.outcomes
    assert outcome.status == "applied"
    assert outcome.after == outcome.before
    assert calls(world) == ["get"]


async def test_an_edit_that_nobody_read_is_not_written_over(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Anna Maria", city="Pune")
    fields = {"name": write("Annie", expected="Ann"), "city": write("Delhi", expected="Pune")}
    await stage.handle([command(fields)])
    (outcome,) = world.outcomes
    assert outcome.status == "partial"
    assert states(outcome) == {"name": "stale", "city": "done"}
    assert outcome.before is not None
    assert outcome.before.fields["name"] == "Anna Maria"
    assert world.product.records["1"].fields == {"name": "Anna Maria", "city": "Delhi"}


async def test_a_record_changed_since_the_decision_is_decided_again(world: World, stage: SinkStage) -> None:
    world.product.put("1", updated_at=2_000, name="Ann")
    await stage.handle([command({"name": write("Annie", expected="Ann")}, updated_at=1_999)])
    (outcome,) = world.outcomes
    assert outcome.status == "stale"
    assert outcome.before is not None
    assert calls(world) == ["get"]


async def test_missing_null_and_empty_text_expected_as_nothing_are_alike(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann", city=None)
    await stage.handle([command({"city": write("Pune", expected="")})])
    assert world.outcomes[0].status == "applied"


@pytest.mark.parametrize(
    ("policy", "contested", "expected_calls"),
    [
        ("never", True, ["update"]),
        ("contested", False, ["update"]),
        ("contested", True, ["get", "update"]),
        ("always", False, ["get", "update"]),
    ],
)
async def test_the_connections_policy_says_whether_a_record_is_read_before_it_is_written(
    world: World, stage: SinkStage, policy: Guard, contested: bool, expected_calls: list[str]
) -> None:
    guard(world, policy)
    world.product.put("1", name="Ann")
    await stage.handle([command({"name": write("Annie", expected="Ann")}, contested=contested)])
    assert calls(world) == expected_calls
    assert world.outcomes[0].status == "applied"


async def test_a_refused_field_does_not_hold_up_the_others(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann", city="Pune", phone="1")
    world.product.refuses["phone"] = CallFailed("invalid_field", "not a number", field="phone")
    await stage.handle([command({"name": write("Annie"), "phone": write("x"), "city": write("Delhi")})])
    (outcome,) = world.outcomes
    assert outcome.status == "partial"
    assert states(outcome) == {"name": "done", "phone": "rejected", "city": "done"}
    assert outcome.answers["phone"].category == "invalid_field"
    assert world.product.records["1"].fields == {"name": "Annie", "city": "Delhi", "phone": "1"}


async def test_a_refusal_that_names_no_field_is_narrowed_down(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann", city="Pune", phone="1", email="a@b.io")
    world.product.refuses["phone"] = CallFailed("invalid_field", "bad")
    fields = {"name": write("A"), "phone": write("x"), "city": write("C"), "email": write("b@b.io")}
    await stage.handle([command(fields)])
    (outcome,) = world.outcomes
    assert states(outcome) == {"name": "done", "phone": "rejected", "city": "done", "email": "done"}


async def test_a_command_that_is_refused_again_and_again_ends(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann")
    for name in ("name", "city", "phone", "email"):
        world.product.refuses[name] = CallFailed("rejected", "no")
    fields = {name: write("x") for name in ("name", "city", "phone", "email")}
    await stage.handle([command(fields)])
    (outcome,) = world.outcomes
    assert outcome.status == "rejected"
    assert set(states(outcome).values()) == {"rejected"}
    assert calls(world).count("update") <= 6


async def test_an_email_that_another_record_has_is_refused_alone(world: World, stage: SinkStage) -> None:
    world.product.put("1", email="a@b.io", city="Pune")
    world.product.refuses["email"] = CallFailed("duplicate", "is not unique", existing_id="2")
    await stage.handle([command({"email": write("b@b.io"), "city": write("Delhi")})])
    assert states(world.outcomes[0]) == {"email": "rejected", "city": "done"}


async def test_a_record_that_is_gone_is_answered_as_gone(world: World, stage: SinkStage) -> None:
    await stage.handle([command({"name": write("Ann")})])
    guard(world, "never")
    world.product.failures["update"] = [CallFailed("not_found", status=404)]
    await stage.handle([command({"name": write("Ann")}, sequence=2)])
    assert [outcome.status for outcome in world.outcomes] == ["gone", "gone"]


@pytest.mark.parametrize("category", ["transient", "timeout"])
async def test_a_lost_answer_is_in_doubt_and_the_record_is_held(
    world: World, stage: SinkStage, category: Category
) -> None:
    world.product.put("1", name="Ann")
    world.product.failures["update"] = [CallFailed(category, sent=True)]
    await stage.handle([command({"name": write("Annie", expected="Ann")})])
    await stage.handle([command({"name": write("Bea", expected="Ann")}, sequence=2)])
    first, second = world.outcomes
    assert first.status == "ambiguous"
    assert first.before is not None
    assert second.status == "throttled"
    assert second.retry_at == first.retry_at > world.clock.at
    assert calls(world).count("update") == 1
    world.clock.at = first.retry_at
    await stage.handle([command({"name": write("Bea", expected="Annie")}, sequence=3)])
    assert world.outcomes[-1].status == "applied"


async def test_a_read_whose_answer_was_lost_left_nothing_in_doubt(world: World, stage: SinkStage) -> None:
    world.product.failures["get"] = [CallFailed("timeout", sent=True)]
    await stage.handle([command({"name": write("Annie")})])
    assert world.outcomes[0].status == "transient"
    assert world.outcomes[0].retry_at > world.clock.at


@pytest.mark.parametrize("category", ["rate_limited", "quota_exhausted"])
async def test_a_spent_quota_answers_throttled_with_the_time_to_come_back(
    world: World, stage: SinkStage, category: Category
) -> None:
    world.product.put("1", name="Ann")
    world.product.failures["update"] = [CallFailed(category, retry_after_ms=9_000)]
    await stage.handle([command({"name": write("Annie")})])
    assert world.outcomes[0].status == "throttled"
    assert 9_000 <= world.outcomes[0].retry_at - world.clock.at < 10_000


@pytest.mark.parametrize("category", ["auth_revoked", "auth_expired", "forbidden"])
async def test_a_revoked_key_breaks_the_connection_once_and_its_commands_wait(
    world: World, stage: SinkStage, category: Category
) -> None:
    world.product.failures["get"] = [CallFailed(category)]
    for sequence in range(1, 30):
        await stage.handle([command({"name": write("Annie")}, sequence=sequence)])
    assert {outcome.status for outcome in world.outcomes} == {"throttled"}
    assert all(outcome.retry_at > world.clock.at for outcome in world.outcomes)
    assert [entry.reason for entry in world.trail] == ["connection_broken"]
    assert len(world.product.calls) == 1


@pytest.mark.parametrize("category", ["unsupported", "unknown", "missing_required"])
async def test_what_the_product_refuses_for_good_is_refused_field_by_field(
    world: World, stage: SinkStage, category: Category
) -> None:
    world.product.put("1", name="Ann")
    world.product.failures["update"] = [CallFailed(category, "no")]
    await stage.handle([command({"name": write("Annie"), "city": write("Pune")})])
    (outcome,) = world.outcomes
    assert outcome.status == "rejected"
    assert {answer.category for answer in outcome.answers.values()} == {category}


async def test_of_what_waits_the_newest_is_written_and_the_others_are_superseded(
    world: World, stage: SinkStage
) -> None:
    world.product.put("1", name="Ann")
    waiting = [command({"name": write(f"Ann{n}")}, id=f"cmd{n}", sequence=n) for n in (1, 3, 2)]
    await stage.handle([*waiting, waiting[1]])
    assert [(outcome.sequence, outcome.status) for outcome in world.outcomes] == [
        (1, "superseded"),
        (2, "superseded"),
        (3, "applied"),
    ]
    assert world.product.records["1"].fields["name"] == "Ann3"


async def test_a_command_delivered_again_is_answered_again_and_written_once(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann")
    given = command({"name": write("Annie", expected="Ann")})
    await stage.handle([given])
    world.product.put("1", name="Ann")
    await stage.handle([given])
    await stage.handle([command({"name": write("Old")}, sequence=0)])
    first, again, old = world.outcomes
    assert first == again
    assert old.status == "superseded"
    assert world.product.records["1"].fields["name"] == "Ann"


async def test_a_throttled_command_delivered_again_is_tried_again(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann")
    world.product.failures["update"] = [CallFailed("rate_limited")]
    given = command({"name": write("Annie", expected="Ann")})
    await stage.handle([given])
    await stage.handle([given])
    assert [outcome.status for outcome in world.outcomes] == ["throttled", "applied"]


async def test_a_write_that_shows_nothing_is_read_back(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann")
    world.product.shows = False
    await stage.handle([command({"name": write(" Annie ")})])
    (outcome,) = world.outcomes
    assert outcome.after is not None
    assert outcome.after.fields["name"] == "Annie"


async def test_a_delete_takes_the_record_that_the_decision_knew(world: World, stage: SinkStage) -> None:
    world.product.put("1", updated_at=1_000, name="Ann")
    await stage.handle([command({}, action="delete", updated_at=1_000)])
    assert world.product.records == {}
    await stage.handle([command({}, action="delete", updated_at=1_000, sequence=2)])
    assert [outcome.status for outcome in world.outcomes] == ["gone", "gone"]


async def test_a_delete_does_not_bury_an_edit(world: World, stage: SinkStage) -> None:
    world.product.put("1", updated_at=1_001, name="Ann")
    await stage.handle([command({}, action="archive", updated_at=1_000)])
    (outcome,) = world.outcomes
    assert outcome.status == "stale"
    assert outcome.before is not None
    assert "1" in world.product.records


async def test_an_account_that_only_fails_is_left_alone_for_a_while(world: World, stage: SinkStage) -> None:
    world.product.failures["get"] = [CallFailed("transient") for _ in range(5)]
    for sequence in range(1, 9):
        await stage.handle([command({"name": write("A")}, sequence=sequence)])
    assert len(world.product.calls) == 5
    assert [outcome.status for outcome in world.outcomes[5:]] == ["throttled"] * 3


async def test_another_tenants_connection_is_not_written_to(world: World, stage: SinkStage) -> None:
    world.product.put("1", name="Ann")
    await stage.handle([command({"name": write("Mallory")}, tenant="rival")])
    (outcome,) = world.outcomes
    assert outcome.status == "rejected"
    assert world.product.calls == []


async def test_what_nobody_foresaw_is_refused_without_its_words(world: World, stage: SinkStage) -> None:
    await stage.failed([command({"name": write("Ann")})], ValueError("ann@acme.io"))
    (outcome,) = world.outcomes
    assert outcome.status == "rejected"
    assert "acme" not in outcome.message
    assert states(outcome) == {"name": "rejected"}


async def test_a_write_that_ran_out_of_time_is_in_doubt(world: World, stage: SinkStage) -> None:
    await stage.failed([command({"name": write("Ann")})], TimeoutError())
    assert world.outcomes[0].status == "ambiguous"
