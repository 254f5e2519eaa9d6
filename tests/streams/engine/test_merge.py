"""What a reading means: an edit, an echo, or nothing to be believed yet."""

from __future__ import annotations

import pytest

from schemas.events import FieldAnswer, Reading
from schemas.versions import ZERO, Version
from streams.engine.lists import edited
from streams.engine.merge import is_hint, is_older, observed, vendor_time
from streams.engine.plan import FieldPlan
from streams.engine.state import Cell, RecordRow
from tests.streams.engine.tenant import LEFT, NOW, RIGHT, Tenant, as_set

MERGED = {"mail": "ada@x.io", "firstname": "Ada", "lastname": "L", "full_name": "Ada L"}


def reading(updated_at: int, read_from: int, **times: int) -> Reading:
    return Reading(
        fields={}, updated_at=updated_at, read_from=read_from, read_to=read_from + 10, field_times=times or None
    )


def row(updated_at: int, read_from: int) -> RecordRow:
    return RecordRow(cells={"name": Cell("Ada", ZERO)}, updated_at=updated_at, read_from=read_from)


@pytest.mark.parametrize(
    ("vendor", "latest", "version"),
    [
        (100, None, Version(100, 0, "crm")),
        (100, Version(90, 3, "hub"), Version(100, 0, "crm")),
        (100, Version(100, 0, "crm"), Version(100, 1, "crm")),
        (100, Version(500, 2, "hub"), Version(500, 3, "crm")),
    ],
)
def test_what_is_seen_later_on_a_record_is_newer_whatever_the_clock_says(
    vendor: int, latest: Version | None, version: Version
) -> None:
    assert observed(vendor, "crm", latest) == version


@pytest.mark.parametrize(
    ("older", "updated_at", "read_from"),
    [(True, 99, 50), (True, 100, 40), (False, 100, 60), (False, 101, 40), (False, 99, 50 + 31_000)],
)
def test_readings_are_ordered_by_the_vendors_time_and_then_by_ours(
    older: bool, updated_at: int, read_from: int
) -> None:
    assert is_older(row(100, 50), reading(updated_at, read_from)) is older


def test_a_vendor_without_times_is_ordered_by_our_own_clock() -> None:
    assert is_older(row(0, 50), reading(0, 49))
    assert not is_older(row(0, 50), reading(0, 51))
    assert vendor_time(reading(0, 70), "name") == 70


def test_a_vendors_clock_far_ahead_is_not_believed() -> None:
    assert vendor_time(reading(NOW + 3_600_000, NOW), "name") == NOW + 10 + 5_000


def test_a_fields_own_time_beats_the_records() -> None:
    assert vendor_time(reading(500, 600, name=300), "name") == 300


def test_the_row_of_a_list_is_only_a_hint_of_a_known_record() -> None:
    assert is_hint(row(1, 1), "list")
    assert not is_hint(RecordRow(), "list")
    assert not is_hint(row(1, 1), "get")


def test_a_list_that_differs_asks_for_a_read_and_merges_nothing() -> None:
    tenant = Tenant().linked()

    tenant.read(RIGHT, source="list", fields={**MERGED, "firstname": "Eve"})

    assert [change.record for change in tenant.last.changes] == [RIGHT]
    assert tenant.row(RIGHT).cells["firstname"].value == "Ada"
    assert tenant.last.trail[-1].reason == "read_again"


def test_missing_is_not_null() -> None:
    tenant = Tenant().linked()

    tenant.read(RIGHT, mail="ada@x.io")

    assert tenant.sent() == []
    tenant.read(RIGHT, firstname=None)
    assert tenant.sent()[-1].fields["first_name"].value is None


def test_null_and_the_empty_text_say_the_same_nothing() -> None:
    tenant = Tenant().linked(email="ada@x.io", first_name=None)

    tenant.read(RIGHT, mail="ada@x.io", firstname="")

    assert tenant.sent() == []


def test_a_spelling_that_means_the_same_is_no_edit() -> None:
    tenant = Tenant().linked()

    tenant.read(RIGHT, fields={**MERGED, "mail": "ADA@X.IO "})

    assert tenant.sent() == []
    assert tenant.row(RIGHT).cells["mail"].value == "ADA@X.IO "


def test_a_read_that_may_have_begun_before_our_write_is_not_believed() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Eve")
    [command] = tenant.sent()
    tenant.answer(command)
    started = tenant.row(RIGHT).wrote["firstname"] + 100

    tenant.read(RIGHT, firstname="Bob", read_from=started)

    assert tenant.sent() == []
    assert tenant.last.changes[0].not_before > started
    assert tenant.row(RIGHT).cells["firstname"].value == "Eve"


def test_a_read_while_our_write_is_under_way_is_set_aside_and_repeated_after_the_answer() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Eve")
    [command] = tenant.sent()

    tenant.read(RIGHT, firstname="Bob")
    assert tenant.sent() == []

    tenant.answer(command)
    assert [change.record for change in tenant.last.changes] == [RIGHT]


def test_a_read_that_shows_our_value_counts_as_the_answer_that_was_lost() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Eve")

    tenant.read(RIGHT, firstname="Eve")

    assert tenant.row(RIGHT).wanted == {"full_name": tenant.row(RIGHT).wanted["full_name"]}
    assert tenant.row(RIGHT).cells["firstname"].version == tenant.row(LEFT).cells["first_name"].version


def test_a_write_that_lands_after_its_answer_was_lost_is_no_edit() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Eve")
    [command] = tenant.sent()
    tenant.answer(command, "ambiguous", retry_at=tenant.now + 10_000)
    tenant.read(LEFT, first_name="Eva")
    tenant.now += 9_000

    tenant.answer(command, "superseded")
    tenant.read(RIGHT, firstname="Eve")

    assert not any(issued.record == LEFT for issued in tenant.last.commands)
    assert tenant.row(LEFT).cells["first_name"].value == "Eva"


def test_an_edit_on_the_target_takes_the_place_of_the_value_that_waited() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Eve")
    [command] = tenant.sent()
    tenant.answer(command, "throttled")

    tenant.read(RIGHT, firstname="Bob")

    assert "firstname" not in tenant.row(RIGHT).wanted or tenant.row(RIGHT).wanted["firstname"].value != "Bob"
    assert "conflict" in tenant.kinds()


def test_a_default_of_the_vendor_on_a_record_that_we_made_flows_nowhere() -> None:
    tenant = Tenant()
    tenant.read(LEFT, email="ada@x.io", first_name=None, stage=None)
    [command] = tenant.sent()

    tenant.answer(command, fields={"mail": "ada@x.io", "lifecycle": "lead"})

    assert tenant.row(RIGHT).cells["lifecycle"].version == ZERO
    assert tenant.sent() == []


def test_elements_of_a_list_keep_their_versions_through_an_edit_of_others() -> None:
    field = FieldPlan(name="tags", canonical=as_set, is_list=True)
    first = edited(field, None, ("a", "b"), Version(1, 0, "crm"))

    second = edited(field, Cell(("a", "b"), Version(1, 0, "crm"), first), ("b", "c"), Version(2, 0, "hub"))

    assert {key: (element.present, element.version.ms) for key, element in second.items()} == {
        "a": (False, 2),
        "b": (True, 1),
        "c": (True, 2),
    }


def test_a_refused_field_is_held_and_the_others_go_on() -> None:
    tenant = Tenant().linked()
    tenant.read(LEFT, first_name="Eve", last_name="M")
    [command] = tenant.sent()

    refused = FieldAnswer(state="rejected", category="invalid_field", message="too long")
    tenant.answer(command, "partial", answers={"firstname": refused})

    assert tenant.row(RIGHT).held["firstname"].category == "invalid_field"
    assert tenant.row(RIGHT).cells["lastname"].value == "M"
    assert tenant.sent() == []
    assert tenant.ends()["c3"] == "attention"
