"""Who is who: the link table, match keys, creates, references."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.events import Control, Nudge
from schemas.records import RecordId
from streams.engine.plan import MatchKey
from tests.streams.engine.tenant import (
    BY_EMAIL,
    COMPANY,
    EMAIL,
    FIRST_NAME,
    LEFT,
    RIGHT,
    Tenant,
    a_plan,
    email_key,
)

OTHER_LEFT = RecordId("crm", "contact", "a2")
OTHER_RIGHT = RecordId("hub", "contact", "b2")
ACCOUNT = RecordId("crm", "account", "acme")


def test_records_with_one_key_are_linked_not_created() -> None:
    tenant = Tenant()
    tenant.plan_with(create_left=False)
    tenant.read(RIGHT, mail="ADA@x.io", firstname="Ada")

    tenant.read(LEFT, email="ada@x.io ", first_name=None)

    [link] = tenant.links()
    assert (link.left, link.right) == (LEFT, RIGHT)
    assert not any(command.action == "create" for command in tenant.last.commands)


def test_the_link_table_decides_for_ever_after() -> None:
    tenant = Tenant().linked()

    tenant.read(LEFT, email="new@x.io")

    [command] = tenant.sent()
    assert (command.action, command.fields["mail"].value) == ("update", "new@x.io")
    assert len(tenant.links()) == 1


def test_two_candidates_are_never_guessed() -> None:
    tenant = Tenant()
    tenant.plan_with(create_left=False)
    tenant.read(RIGHT, mail="ada@x.io")
    tenant.read(OTHER_RIGHT, mail="ada@x.io")

    tenant.read(LEFT, email="ada@x.io")
    tenant.read(LEFT, email="ada@x.io", first_name="Ada")

    assert tenant.sent() == []
    assert tenant.reasons().count("several_candidates") == 1
    assert tenant.ends()["c3"] == "attention"


@pytest.mark.parametrize(("policy", "linked"), [("newest", OTHER_RIGHT), ("skip", None)])
def test_an_app_may_say_what_to_do_with_several_candidates(policy: str, linked: RecordId | None) -> None:
    tenant = Tenant()
    tenant.plan_with(create_left=False, ambiguous=policy)
    tenant.read(RIGHT, mail="ada@x.io")
    tenant.read(OTHER_RIGHT, mail="ada@x.io")

    tenant.read(LEFT, email="ada@x.io")

    assert [link.right for link in tenant.links()] == ([linked] if linked else [])
    assert tenant.reasons() == []


def test_a_second_record_with_the_same_key_in_its_own_product_is_asked_about() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io")

    tenant.read(OTHER_LEFT, email="ada@x.io")

    assert tenant.sent() == []
    assert tenant.ends()["c2"] == "attention"


def test_match_keys_are_tried_in_order_and_a_common_value_is_passed_over() -> None:
    by_name = MatchKey(
        name="name", left="first_name", right="firstname", left_key=email_key, right_key=email_key, only_if_unique=True
    )
    tenant = Tenant()
    tenant.plan_with(match=(by_name, BY_EMAIL), create_left=False)
    tenant.read(RIGHT, mail="eve@x.io", firstname="Ada")
    tenant.read(OTHER_RIGHT, mail="ada@x.io", firstname="Ada")

    tenant.read(LEFT, email="ada@x.io", first_name="Ada")

    assert [link.right for link in tenant.links()] == [OTHER_RIGHT]


def test_a_record_out_of_scope_is_not_created() -> None:
    tenant = Tenant()
    tenant.plan_with(in_scope_left=lambda fields: bool(fields.get("email")))

    tenant.read(LEFT, first_name="Ada")
    assert tenant.sent() == []
    assert tenant.last.trail[-1].reason == "out_of_scope"

    tenant.read(LEFT, first_name="Ada", email="ada@x.io")
    assert [command.action for command in tenant.last.commands] == ["create"]


@pytest.mark.parametrize(("policy", "writes"), [("keep", 1), ("unlink", 0)])
def test_leaving_the_scope_never_deletes(policy: str, writes: int) -> None:
    tenant = Tenant().linked()
    tenant.plan_with(in_scope_left=lambda fields: fields.get("last_name") == "L", on_leave=policy)

    tenant.read(LEFT, last_name="M")

    assert [command.action for command in tenant.last.commands] == ["update"] * writes
    if policy == "unlink":
        tenant.read(LEFT, last_name="L", first_name="Eve")
        assert tenant.links()[0].state == "open"
        assert [command.action for command in tenant.last.commands] == ["update"]


def test_a_required_line_without_a_value_holds_the_create() -> None:
    tenant = Tenant()
    tenant.plan_with(lines=(replace(EMAIL, required=True), FIRST_NAME))

    tenant.read(LEFT, first_name="Ada")
    assert tenant.sent() == []
    assert tenant.ends()["c1"] == "attention"

    tenant.read(LEFT, first_name="Ada", email="ada@x.io")
    assert [command.action for command in tenant.last.commands] == ["create"]


def test_the_webhook_of_our_create_may_come_before_its_answer() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io", first_name="Ada")
    [command] = tenant.sent()

    tenant.read(RIGHT, mail="ada@x.io", firstname="Ada", stamp=command.record.id)
    assert tenant.sent() == []

    tenant.answer(command)
    assert tenant.sent() == []
    assert len(tenant.links()) == 1


def test_a_create_whose_answer_was_lost_is_tried_again_with_the_same_values() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io", first_name="Ada")
    [command] = tenant.sent()
    tenant.answer(command, "ambiguous", retry_at=tenant.now + 10_000)
    [nudge] = [due.event for due in tenant.last.due if due.event]
    tenant.read(LEFT, email="ada@x.io", first_name="Eve")
    assert tenant.sent() == []

    tenant.deliver(nudge)

    [again] = tenant.sent()
    assert again.sequence > command.sequence
    assert again.fields == command.fields


def test_a_second_record_with_our_stamp_is_never_linked() -> None:
    tenant = Tenant().linked()

    tenant.read(OTHER_RIGHT, mail="ada@x.io", stamp="new:i:contact:crm:a1")

    assert tenant.reasons() == ["created_twice"]
    assert tenant.sent() == []


def test_a_duplicate_links_to_the_record_that_is_there() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io", first_name="Ada")
    [command] = tenant.sent()

    tenant.answer(command, "duplicate", created="b9")

    assert tenant.links()[0].right == RecordId("hub", "contact", "b9")
    assert [change.record.id for change in tenant.last.changes] == ["b9"]


def test_a_reference_waits_for_its_record_and_a_person_hears_of_it_when_it_takes_too_long() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, account_id="acme")
    assert tenant.sent() == []
    [due] = tenant.last.due
    assert due.at == tenant.now + 900_000

    tenant.now = due.at
    assert due.event is not None
    tenant.deliver(due.event)
    assert tenant.reasons() == ["reference_missing"]
    assert tenant.ends()["c3"] == "attention"

    tenant.read(ACCOUNT, name="Acme")
    [create] = tenant.sent()
    tenant.answer(create, created="company-7")
    [command] = tenant.sent()
    assert (command.record, command.fields["company_id"].value) == (RIGHT, "company-7")


def test_many_that_wait_are_woken_by_nudges() -> None:
    tenant = Tenant()
    tenant.plan_with(lines=(EMAIL, COMPANY))
    for number in range(30):
        tenant.read(RecordId("crm", "contact", f"p{number}"), email=f"p{number}@x.io", account_id="acme")
        tenant.answer(tenant.sent()[0], created=f"q{number}", fields={"mail": f"p{number}@x.io", "company_id": None})
    tenant.read(ACCOUNT, name="Acme")
    tenant.answer(tenant.sent()[0], created="company-7")

    assert len(tenant.last.commands) == 20
    nudges = [due.event for due in tenant.last.due if due.event is not None]
    assert len(nudges) == 10
    tenant.deliver(nudges[0])
    assert [command.fields["company_id"].value for command in tenant.last.commands] == ["company-7"]


def test_while_an_installation_is_linking_nothing_is_created() -> None:
    tenant = Tenant(plan=a_plan(state="linking"))
    tenant.read(LEFT, linking=True, source="list", email="ada@x.io", first_name="Ada")
    tenant.read(OTHER_LEFT, linking=True, source="list", email="eve@x.io")
    tenant.read(RIGHT, linking=True, source="list", mail="ada@x.io", firstname="Eve")
    assert len(tenant.links()) == 1
    assert tenant.sent() == []

    tenant.read(RIGHT, mail="ada@x.io", firstname="Eva")
    assert [command.action for command in tenant.last.commands] == ["update"]

    tenant.plan_as(state="active")
    tenant.deliver(Nudge(id="n", tenant="t", record=OTHER_LEFT))
    assert [command.action for command in tenant.last.commands] == ["create"]


def test_a_person_may_unlink_and_link_by_hand() -> None:
    tenant = Tenant().linked()
    tenant.deliver(Control(id="k1", tenant="t", action="unlink", installation="i", record=LEFT))
    tenant.read(LEFT, first_name="Eve")
    assert tenant.sent() == []
    tenant.read(OTHER_RIGHT, mail="other@x.io")

    tenant.deliver(Control(id="k2", tenant="t", action="link", installation="i", record=LEFT, other=RIGHT))

    assert [link.state for link in tenant.links() if link.left == LEFT][-1] == "open"
    assert tenant.row(RIGHT).effective("firstname")[0] == "Eve"
