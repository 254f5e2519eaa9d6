"""Which side wins, and what the other side gets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.events import Control, Nudge
from schemas.versions import Version
from streams.engine.plan import Line, Policy
from streams.engine.state import LinkLine
from tests.streams.engine.tenant import BY_EMAIL, EMAIL, FIRST_NAME, FULL_NAME, LEFT, NOW, RIGHT, STAGE, Tenant


def tenant_with(*lines: Line, **options: object) -> Tenant:
    tenant = Tenant()
    tenant.plan_with(lines=(EMAIL, *lines), match=(BY_EMAIL,), **options)
    return tenant


def both_edit(tenant: Tenant, left: str | None, right: str | None, *, apart: int = 60_000) -> Tenant:
    """The left is edited, and while that is under way the right, `apart` ms later."""
    at = tenant.now
    tenant.read(LEFT, at=at, first_name=left)
    [command] = tenant.sent()
    tenant.answer(command, "throttled")
    tenant.read(RIGHT, at=at + apart, firstname=right)
    return tenant


def test_the_floor_only_rises_and_falls_back_to_what_was_held() -> None:
    memory = LinkLine()
    for ms in (1, 3, 2, 4, 5, 6):
        memory.agree(Version(ms))
    assert [version.ms for version in memory.agreed] == [3, 4, 5, 6]

    memory.fall_back(Version(4))

    assert memory.floor == Version(4)


def test_the_newest_edit_wins_and_the_loser_is_told() -> None:
    tenant = both_edit(Tenant().linked(), "Eve", "Bob")

    conflict = next(entry for entry in tenant.last.trail if entry.kind == "conflict")
    assert (conflict.record, conflict.reason) == (LEFT, "newest")
    assert (conflict.fields[0].before, conflict.fields[0].after) == ("Eve", "Bob")
    assert {command.record for command in tenant.last.commands} >= {LEFT}


@pytest.mark.parametrize(("master", "winner"), [("left", "Eve"), ("right", "Bob")])
def test_within_the_uncertainty_of_two_clocks_the_master_wins(master: str, winner: str) -> None:
    tenant = Tenant().linked()
    tenant.plan_as(master=master)

    both_edit(tenant, "Eve", "Bob", apart=500)

    values = [tenant.row(LEFT).effective("first_name"), tenant.row(RIGHT).effective("firstname")]
    assert {value for value, _ in values} == {winner}
    assert values[0][1] == values[1][1]


@pytest.mark.parametrize(("policy", "winner"), [("left", "Eve"), ("right", "Bob")])
def test_a_side_that_is_preferred_wins_with_a_version_above_both(policy: Policy, winner: str) -> None:
    tenant = tenant_with(replace(FIRST_NAME, policy=policy)).linked(email="ada@x.io", first_name="Ada")

    both_edit(tenant, "Eve", "Bob")

    value, version = tenant.row(LEFT).effective("first_name")
    assert value == winner
    assert version == tenant.row(RIGHT).effective("firstname")[1]
    assert version.origin == ("~i" if policy == "left" else "hub")


def test_a_conflict_under_review_writes_nothing_until_a_person_chooses() -> None:
    tenant = tenant_with(replace(FIRST_NAME, policy="review")).linked(email="ada@x.io", first_name="Ada")
    both_edit(tenant, "Eve", "Bob")
    assert tenant.sent() == []
    assert "review" in tenant.reasons()
    tenant.deliver(Nudge(id="n", tenant="t", record=RIGHT))
    tenant.read(RIGHT, firstname="Bob")
    assert tenant.reasons().count("review") == 1

    tenant.deliver(
        Control(id="k", tenant="t", action="resolve", installation="i", record=LEFT, field="first_name", winner="left")
    )

    [command] = tenant.sent()
    assert command.record == RIGHT
    assert command.fields["firstname"].value == "Eve"
    tenant.answer(command)
    assert tenant.sent() == []


def test_a_blank_does_not_beat_a_value_that_was_set_later() -> None:
    tenant = tenant_with(replace(FIRST_NAME, policy="left"), empty_never_wins=True)
    tenant.linked(email="ada@x.io", first_name="Ada")

    both_edit(tenant, None, "Bob")

    assert tenant.row(LEFT).effective("first_name")[0] == "Bob"


def test_an_empty_value_is_not_carried_where_the_line_says_so() -> None:
    tenant = tenant_with(replace(FIRST_NAME, skip_empty=True)).linked(email="ada@x.io", first_name="Ada")

    tenant.read(LEFT, first_name=None)
    assert tenant.sent() == []

    tenant.now += 5_000
    tenant.read(RIGHT, firstname="Bob")
    assert tenant.sent()[0].fields["first_name"].value == "Bob"


def test_equal_values_on_both_sides_are_not_written() -> None:
    tenant = Tenant().linked()

    tenant.read(LEFT, first_name="Eve")
    [command] = tenant.sent()
    tenant.answer(command, "stale")
    tenant.read(RIGHT, firstname="Eve", full_name="Eve L")

    assert not tenant.row(RIGHT).wanted
    assert tenant.row(LEFT).cells["first_name"].version == tenant.row(RIGHT).cells["firstname"].version


def test_a_value_that_cannot_be_converted_is_held_and_the_others_go_on() -> None:
    tenant = Tenant().linked()

    tenant.read(LEFT, stage="Unheard of", first_name="Eve")

    [command] = tenant.sent()
    assert "lifecycle" not in command.fields
    assert command.fields["firstname"].value == "Eve"
    assert tenant.row(RIGHT).held["lifecycle"].category == "transform_error"
    tenant.read(LEFT, stage="Customer")
    assert tenant.row(RIGHT).wanted["lifecycle"].value == "customer"


def test_one_way_leaves_the_targets_own_drift_alone_until_the_source_moves() -> None:
    tenant = tenant_with(replace(FIRST_NAME, direction="to_right")).linked(email="ada@x.io", first_name="Ada")

    tenant.read(RIGHT, firstname="Bob")
    assert tenant.sent() == []

    tenant.read(LEFT, at=NOW - 50_000, first_name="Eve")
    [command] = tenant.sent()
    assert command.fields["firstname"].value == "Eve"
    assert command.fields["firstname"].version > tenant.row(RIGHT).cells["firstname"].version


def test_a_computed_line_moves_with_every_field_it_reads_also_within_one_second() -> None:
    tenant = tenant_with(FULL_NAME).linked(email="ada@x.io", first_name="Ada", last_name="L")
    at = tenant.now // 1000 * 1000
    tenant.read(LEFT, at=at, first_name="Eve")
    [command] = tenant.sent()
    tenant.answer(command)
    tenant.now += 2_000

    tenant.read(LEFT, at=at, first_name="Eve", last_name="M")

    [command] = tenant.sent()
    assert command.fields["full_name"].value == "Eve M"


def test_a_default_is_written_in_place_of_nothing_and_never_flows_back() -> None:
    line = replace(FIRST_NAME, default_right="Unknown")
    tenant = tenant_with(line)
    tenant.read(LEFT, email="ada@x.io", first_name=None)
    [command] = tenant.sent()
    assert command.fields["firstname"].value == "Unknown"

    tenant.answer(command)
    tenant.read(RIGHT, mail="ada@x.io", firstname="Unknown")

    assert tenant.sent() == []
    tenant.now += 5_000
    tenant.read(RIGHT, firstname="Bob")
    assert tenant.sent()[0].fields["first_name"].value == "Bob"


def test_a_withdrawn_consent_goes_across_even_if_it_is_older() -> None:
    stage = replace(
        STAGE, withdrawn_left=frozenset({"Customer"}), withdrawn_right=frozenset({"customer"})
    )  # the value stands for "unsubscribed"
    tenant = tenant_with(stage).linked(email="ada@x.io", stage="Lead")
    at = tenant.now
    tenant.read(LEFT, at=at, stage=None)
    [command] = tenant.sent()
    tenant.answer(command, "throttled")

    tenant.read(RIGHT, at=at - 30_000, lifecycle="customer")

    assert tenant.row(LEFT).wanted["stage"].value == "Customer"


def test_nothing_goes_over_a_withdrawn_consent() -> None:
    stage = replace(STAGE, withdrawn_left=frozenset({"Customer"}), withdrawn_right=frozenset({"customer"}))
    tenant = tenant_with(stage).linked(email="ada@x.io", stage="Customer")

    tenant.read(LEFT, stage="Lead")

    assert tenant.sent() == []
    assert tenant.reasons() == ["consent"]
    assert tenant.ends()["c3"] == "attention"


def test_lists_are_united_and_a_removed_element_stays_removed() -> None:
    tenant = Tenant().linked(email="ada@x.io", tags=("a", "b"))
    at = tenant.now
    tenant.read(LEFT, at=at, tags=("b",))
    [command] = tenant.sent()
    tenant.answer(command, "throttled")

    tenant.read(RIGHT, at=at + 2_000, labels=("a", "b", "c"))

    assert tenant.row(RIGHT).wanted["labels"].value == ("b", "c")
    assert tenant.row(LEFT).wanted["tags"].value == ("b", "c")


def test_a_field_that_is_written_all_the_time_is_held() -> None:
    tenant = Tenant().linked()
    tenant.plan = replace(tenant.plan, write_limit=3)
    for number in range(6):
        tenant.read(LEFT, first_name=f"Eve {number}")
        for command in tenant.last.commands:
            tenant.answer(command)

    assert "write_rate" in tenant.reasons()
    assert tenant.row(RIGHT).cells["firstname"].value != "Eve 5"


def test_a_paused_installation_writes_nothing_and_catches_up_when_it_is_resumed() -> None:
    tenant = Tenant().linked()
    tenant.plan_as(state="paused")
    tenant.read(LEFT, first_name="Eve")
    assert tenant.sent() == []
    assert "c3" not in tenant.ends()

    tenant.plan_as(state="active")
    tenant.read(LEFT, first_name="Eve")

    [command] = tenant.sent()
    assert command.fields["firstname"].value == "Eve"
    tenant.answer(command)
    assert tenant.ends()["c3"] == "applied"


def test_a_line_whose_field_is_gone_is_left_out() -> None:
    tenant = Tenant().linked()
    tenant.plan_as(paused_lines=frozenset({("contact", "first_name"), ("contact", "full_name")}))

    tenant.read(LEFT, first_name="Eve")

    assert tenant.sent() == []
    assert tenant.ends()["c3"] == "filtered"
