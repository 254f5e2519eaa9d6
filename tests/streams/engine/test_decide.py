"""The way of a record: read, linked, created, answered, quiet."""

from __future__ import annotations

from schemas.records import RecordId
from tests.streams.engine.tenant import LEFT, RIGHT, Tenant


def test_a_new_record_is_created_on_the_other_side_in_its_names_and_values() -> None:
    tenant = Tenant()

    tenant.read(LEFT, email="Ada@x.io", first_name="Ada", last_name="Lovelace", stage="Lead", tags=("b", "a"))

    [command] = tenant.sent()
    assert command.action == "create"
    assert command.record == RecordId("hub", "contact", "new:i:contact:crm:a1")
    assert {name: write.value for name, write in command.fields.items()} == {
        "mail": "Ada@x.io",
        "firstname": "Ada",
        "lastname": "Lovelace",
        "lifecycle": "lead",
        "labels": ("a", "b"),
        "full_name": "Ada Lovelace",
    }
    assert command.keys == (("mail", "Ada@x.io"),)
    assert tenant.ends() == {}


def test_the_answer_to_a_create_ends_the_change_and_leaves_quiet() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io", first_name="Ada")
    [command] = tenant.sent()

    tenant.answer(command)

    assert tenant.sent() == []
    assert tenant.ends() == {"c1": "applied"}
    assert [(entry.kind, entry.reason, entry.changes) for entry in tenant.last.trail] == [
        ("written", "created", ("c1",))
    ]
    assert tenant.last.trail[0].received_at > 0
    assert tenant.row(RIGHT).cells["mail"].version == tenant.row(LEFT).cells["email"].version


def test_the_webhook_of_our_own_write_is_an_echo() -> None:
    tenant = Tenant().linked()

    tenant.read(RIGHT, mail="ada@x.io", firstname="Ada", lastname="L", full_name="Ada L")

    assert tenant.sent() == []
    assert list(tenant.ends().values()) == ["applied", "filtered"]


def test_an_edit_goes_across_alone() -> None:
    tenant = Tenant().linked()

    tenant.read(RIGHT, mail="ada@x.io", firstname="Augusta", lastname="L", full_name="Ada L")

    computed, command = tenant.last.commands
    assert command.record == LEFT
    assert {name: write.value for name, write in command.fields.items()} == {"first_name": "Augusta"}
    assert command.fields["first_name"].expected == "Ada"
    assert {name: write.value for name, write in computed.fields.items()} == {"full_name": "Augusta L"}
    assert command.received_at == computed.received_at > 0
    tenant.answer(command)
    tenant.answer(computed)
    assert tenant.sent() == []
    assert set(tenant.ends().values()) == {"applied"}


def test_a_replay_changes_nothing_and_repeats_the_command_under_its_id() -> None:
    tenant = Tenant()
    event = tenant.snapshot(LEFT, email="ada@x.io")
    first = tenant.deliver(event)
    rows = dict(tenant.rows)

    again = tenant.deliver(event, position=1)

    assert again.commands == first.commands
    assert again.trail == ()
    assert tenant.rows == rows
    assert set(first.rows) & set(again.read)


def test_ids_of_outputs_are_equal_when_the_same_event_is_decided_twice() -> None:
    tenant, other = Tenant(), Tenant()
    event = tenant.snapshot(LEFT, email="ada@x.io")
    other.now = tenant.now

    assert tenant.deliver(event) == other.deliver(event)


def test_the_row_that_says_that_an_event_was_applied_is_written_last() -> None:
    tenant = Tenant()

    tenant.read(LEFT, email="ada@x.io")

    assert list(tenant.last.rows)[-1] == "t|r|crm/contact/a1"
