"""What the sink's answers change."""

from __future__ import annotations

from schemas.events import Command, Nudge, Reading
from tests.streams.engine.tenant import LEFT, RIGHT, Tenant


def edited(tenant: Tenant, **fields: str) -> Command:
    tenant.read(LEFT, fields=fields)
    [command] = tenant.sent()
    return command


def before(tenant: Tenant, **fields: str) -> Reading:
    return Reading(fields=dict(fields), updated_at=tenant.now, read_from=tenant.now + 100, read_to=tenant.now + 110)


def test_only_one_command_of_a_record_is_on_its_way() -> None:
    tenant = Tenant().linked()
    first = edited(tenant, first_name="Eve")
    tenant.read(LEFT, first_name="Eve", last_name="M")
    assert tenant.sent() == []

    tenant.answer(first)

    [second] = tenant.sent()
    assert second.fields["lastname"].value == "M"
    assert second.sequence == first.sequence + 1


def test_the_cell_takes_the_value_as_the_vendor_returned_it_with_the_winners_version() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")

    tenant.answer(command, fields={"firstname": "EVE", "full_name": "Eve L"})
    tenant.now += 5_000
    tenant.read(RIGHT, firstname="EVE")

    assert tenant.row(RIGHT).cells["firstname"].version == tenant.row(LEFT).cells["first_name"].version
    assert tenant.sent() == []


def test_an_unseen_edit_found_before_the_write_is_judged_first() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")

    tenant.answer(
        command,
        "stale",
        answers={"firstname": "stale", "full_name": "stale"},
        before=before(tenant, firstname="Bob", full_name="Ada L"),
    )

    assert "conflict" in tenant.kinds()
    assert tenant.row(RIGHT).cells["firstname"].value == "Bob"


def test_what_was_read_before_a_write_says_nothing_of_the_fields_that_were_written() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")

    tenant.answer(command, before=before(tenant, firstname="Ada", lastname="Byron"))

    assert tenant.row(RIGHT).cells["firstname"].value == "Eve"
    assert tenant.row(LEFT).wanted["last_name"].value == "Byron"


def test_a_throttled_command_waits_for_its_nudge_and_goes_out_with_the_state_of_then() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")
    tenant.answer(command, "throttled", retry_at=tenant.now + 7_000)
    [due] = tenant.last.due
    assert due.at == tenant.now - 300 + 7_000
    tenant.read(LEFT, first_name="Eva")

    assert due.event is not None
    tenant.deliver(due.event)

    assert [issued.fields["firstname"].value for issued in tenant.last.commands] == ["Eva"]


def test_tries_are_spaced_further_and_further_and_a_person_hears_of_it() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")
    waits = []
    for _ in range(8):
        tenant.answer(command, "transient")
        [due] = tenant.last.due
        waits.append(due.at - tenant.now)
        assert due.event is not None
        tenant.deliver(due.event)
        [command] = tenant.sent()

    assert waits == sorted(waits)
    assert waits[-1] == 300_000
    assert tenant.reasons() == ["transient"]


def test_a_nudge_for_a_forgotten_command_repeats_nothing() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")

    tenant.deliver(Nudge(id="n", tenant="t", record=RIGHT, sequence=command.sequence - 1))

    assert tenant.sent() == []


def test_the_answer_to_a_forgotten_command_moves_nothing_back() -> None:
    tenant = Tenant().linked()
    first = edited(tenant, first_name="Eve")
    tenant.answer(first)
    tenant.now += 2_000
    second = edited(tenant, first_name="Eva")
    tenant.answer(second)

    tenant.answer(first)

    assert tenant.row(LEFT).effective("first_name")[0] == "Eva"
    assert tenant.row(RIGHT).effective("firstname")[0] == "Eva"


def test_a_refused_record_is_created_without_the_field_that_was_refused() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io", first_name="???")
    [command] = tenant.sent()

    tenant.answer(command, "rejected", answers={"firstname": "rejected"})

    [again] = tenant.sent()
    assert (again.action, sorted(again.fields)) == ("create", ["full_name", "mail"])


def test_a_person_may_have_a_refused_value_tried_again() -> None:
    tenant = Tenant().linked()
    command = edited(tenant, first_name="Eve")
    tenant.answer(command, "rejected", category="invalid_field")
    assert tenant.sent() == []

    tenant.deliver(Nudge(id="n", tenant="t", record=RIGHT, retry_held=True))

    [again] = tenant.sent()
    assert again.fields["firstname"].value == "Eve"
    tenant.answer(again)
    assert tenant.row(RIGHT).held == {}


def test_a_field_that_was_never_read_is_read_before_it_is_written_over() -> None:
    tenant = Tenant()
    tenant.plan_with(create_left=False)
    tenant.read(RIGHT, mail="ada@x.io")

    tenant.read(LEFT, email="ada@x.io", first_name="Ada")

    assert not any("firstname" in command.fields for command in tenant.last.commands)
    assert [change.record for change in tenant.last.changes] == [RIGHT]
    tenant.now += 2_000
    tenant.read(RIGHT, mail="ada@x.io")
    assert any("firstname" in command.fields for command in tenant.last.commands)
