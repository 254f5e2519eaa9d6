"""The comparison of two products: what counts as equal, and what is told where it is not."""

from __future__ import annotations

import pytest

from schemas.records import RecordId
from schemas.values import Fields, Value
from streams.engine.plan import (
    ConversionFailed,
    FieldPlan,
    InstallationPlan,
    Line,
    PairPlan,
    Plan,
    Reference,
)
from streams.verify import Comparison, Linked, compare

LEFT, RIGHT = RecordId("fs", "contact", "1"), RecordId("hs", "contact", "9")
ACCOUNT, COMPANY = RecordId("fs", "sales_account", "5"), RecordId("hs", "company", "50")


def lower(value: Value) -> Value:
    return value.lower() if isinstance(value, str) else value


def stage(value: Value, _: Fields) -> Value:
    if value != "Lead":
        raise ConversionFailed("unmapped")
    return "lead"


def compared(line: Line, left: Fields, right: Fields, *links: Linked) -> Comparison:
    pair = PairPlan(name="contact", left="contact", right="contact", lines=(line,), match=())
    companies = PairPlan(name="company", left="sales_account", right="company", lines=(), match=())
    installation = InstallationPlan("i", "fs", "hs", "active", {"contact": pair, "company": companies})
    fields = {("hs", "contact"): {"email": FieldPlan("email", lower)}}
    plan = Plan("acme", 1, {"i": installation}, fields)
    records = {LEFT: left, RIGHT: right, ACCOUNT: {}, COMPANY: {}}
    return compare(plan, installation, records, [Linked("contact", LEFT, RIGHT), *links])


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("Ann@Acme.io", "ann@acme.io", True),
        ("ann@acme.io", "bob@acme.io", False),
        (None, "", True),
        (None, "ann@acme.io", False),
        ("ann@acme.io", None, False),
    ],
)
def test_values_are_compared_in_canonical_form_and_empty_is_empty(left: Value, right: Value, equal: bool) -> None:
    assert compared(Line("email", "email", "email"), {"email": left}, {"email": right}).equal is equal


def test_a_field_that_one_side_lacks_is_empty_there() -> None:
    assert compared(Line("title", "title", "jobtitle"), {}, {"jobtitle": None}).equal
    assert not compared(Line("title", "title", "jobtitle"), {}, {"jobtitle": "CTO"}).equal


def test_a_one_way_line_is_compared_its_way_only() -> None:
    line = Line("stage", "stage", "stage", direction="to_right", to_right=stage)
    assert compared(line, {"stage": "Lead"}, {"stage": "lead"}).equal
    assert compared(line, {"stage": "Prospect"}, {"stage": "lead"}).differences[0].reason == "unmapped"


def test_a_default_is_no_difference() -> None:
    line = Line("last_name", "last_name", "lastname", default_left="Unknown")
    assert compared(line, {"last_name": "Unknown"}, {"lastname": None}).equal


def test_a_reference_is_compared_by_what_it_is_linked_to() -> None:
    line = Line("company", "account_id", "company_id", reference=Reference("company"))
    linked = Linked("company", ACCOUNT, COMPANY)
    assert compared(line, {"account_id": "5"}, {"company_id": "50"}, linked).equal
    assert not compared(line, {"account_id": "5"}, {"company_id": "51"}, linked).equal
    assert compared(line, {"account_id": "5"}, {"company_id": "50"}).differences[0].reason == "reference_missing"


def test_a_record_that_is_gone_is_told() -> None:
    pair = PairPlan(name="contact", left="contact", right="contact", lines=(), match=())
    installation = InstallationPlan("i", "fs", "hs", "active", {"contact": pair})
    found = compare(Plan("acme", 1, {"i": installation}), installation, {LEFT: {}}, [Linked("contact", LEFT, RIGHT)])
    assert [one.reason for one in found.differences] == ["record missing"]
