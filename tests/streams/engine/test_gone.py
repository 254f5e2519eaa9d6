"""Deleted, erased, merged, restored."""

from __future__ import annotations

from schemas.events import Control
from schemas.records import RecordId
from tests.streams.engine.tenant import LEFT, RIGHT, Tenant

SURVIVOR = RecordId("crm", "contact", "a2")


def deleting(policy: str = "delete", **options: object) -> Tenant:
    tenant = Tenant().linked()
    tenant.plan_with(delete_from_left=policy, **options)
    return tenant


def test_unlink_leaves_the_other_record_and_never_creates_it_again() -> None:
    tenant = Tenant().linked()

    tenant.gone(LEFT)
    assert tenant.sent() == []
    assert tenant.ends()["c3"] == "applied"

    tenant.read(RIGHT, firstname="Eve")
    assert tenant.sent() == []
    assert tenant.links()[0].state == "deleted"


def test_a_delete_is_carried_across_and_ends_when_it_is_done() -> None:
    tenant = deleting("archive")
    tenant.gone(LEFT)
    [command] = tenant.sent()
    assert (command.action, command.record) == ("archive", RIGHT)
    assert "c3" not in tenant.ends()

    tenant.answer(command)

    assert tenant.ends()["c3"] == "applied"
    assert tenant.row(RIGHT).deleted_at > 0


def test_a_record_that_was_edited_after_the_delete_is_kept() -> None:
    tenant = deleting()
    tenant.read(RIGHT, firstname="Eve")
    for command in tenant.last.commands:
        tenant.answer(command)

    tenant.gone(LEFT, gone_at=tenant.now - 30_000)

    assert tenant.sent() == []
    assert "edited_after_delete" in tenant.reasons()


def test_too_many_deletes_trip_the_breaker_and_a_person_may_let_one_through() -> None:
    tenant = deleting(delete_limit=0)

    tenant.gone(LEFT)
    assert tenant.sent() == []
    assert tenant.ends()["c3"] == "attention"
    assert any(entry.kind == "breaker" for entry in tenant.trail)

    tenant.deliver(Control(id="k", tenant="t", action="resolve", installation="i", record=LEFT))
    assert [command.action for command in tenant.last.commands] == ["delete"]


def test_an_erasure_beats_every_policy_and_forgets_the_values() -> None:
    tenant = deleting("unlink", delete_limit=0)

    tenant.gone(LEFT, erased=True)

    [command] = tenant.sent()
    assert (command.action, command.record) == ("delete", RIGHT)
    assert tenant.row(LEFT).cells == {}
    assert not any(b"ada@x.io" in data for key, data in tenant.rows.items() if key.endswith("crm/contact/a1"))


def test_a_merge_moves_the_link_to_the_record_that_lives_on() -> None:
    tenant = Tenant().linked()

    tenant.gone(LEFT, into=SURVIVOR)
    tenant.read(SURVIVOR, email="ada@x.io", first_name="Augusta", last_name="L")

    assert {(link.left, link.state) for link in tenant.links()} == {(LEFT, "merged"), (SURVIVOR, "open")}
    assert tenant.row(RIGHT).wanted["firstname"].value == "Augusta"


def test_two_records_merged_into_one_leave_a_question() -> None:
    tenant = Tenant().linked()
    tenant.read(SURVIVOR, email="eve@x.io")
    tenant.answer(tenant.sent()[0], created="b2")

    tenant.gone(LEFT, into=SURVIVOR)

    assert tenant.reasons() == ["merged_twice"]
    assert [link.state for link in tenant.links()] == ["merged", "open"]


def test_a_restored_record_is_linked_again() -> None:
    tenant = Tenant().linked()
    tenant.gone(LEFT)
    tenant.now += 10_000

    tenant.read(LEFT, email="ada@x.io", first_name="Eve", last_name="L")

    assert tenant.links()[0].state == "open"
    assert tenant.row(RIGHT).wanted["firstname"].value == "Eve"


def test_a_read_from_before_the_delete_does_not_bring_a_record_back() -> None:
    tenant = Tenant().linked()
    tenant.gone(LEFT)

    tenant.read(LEFT, email="ada@x.io", read_from=tenant.now - 1_000)

    assert tenant.row(LEFT).deleted_at > 0
    assert tenant.ends()["c4"] == "filtered"


def test_a_not_found_from_before_a_newer_read_is_not_believed() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Ada")

    tenant.gone(LEFT, read_from=tenant.now - 50_000)

    assert tenant.links()[0].state == "open"


def test_a_create_whose_source_is_deleted_is_given_up() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io")
    [command] = tenant.sent()
    tenant.answer(command, "throttled")
    [nudge] = [due.event for due in tenant.last.due if due.event is not None]

    tenant.gone(LEFT)
    tenant.deliver(nudge)

    assert tenant.sent() == []
    assert tenant.row(command.record).deleted_at > 0
