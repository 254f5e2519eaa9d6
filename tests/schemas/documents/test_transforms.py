"""Every transform keeps its promise: pairs invert, normalisers change nothing twice, the rest are one-way."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.documents.canon import canonicaliser
from schemas.documents.transforms import Context, Step, Transform, TransformFailed, chain, names, transform
from schemas.values import Value

CONTEXT = Context(
    tables={"stage": (("Lead", "lead"), ("Customer", "customer"))}, settings={"country": "IN", "words": ["Ja", "Nein"]}
)

texts = st.text(max_size=30)
anything: st.SearchStrategy[Value] = (
    st.none() | st.booleans() | st.integers() | texts | st.lists(texts, max_size=3).map(tuple)
)

NORMALISERS: list[Step] = ["trim", "lower", "upper", "collapse_ws", "digits", "domain", "number", {"e164": "US"}]
PAIRS: list[tuple[Step, st.SearchStrategy[Value]]] = [
    ({"table": "stage"}, st.sampled_from(["Lead", "Customer", None, ""])),
    ({"bool_words": ["Yes", "No"]}, st.sampled_from(["Yes", "No", None])),
    ({"invert": {"bool_words": ["Yes", "No"]}}, st.sampled_from([True, False, None])),
    ({"date": "%d.%m.%Y"}, st.dates().map(lambda day: f"{day.day:02}.{day.month:02}.{day.year:04}")),
    ({"split": ";"}, st.lists(st.sampled_from(["a", "b c", "é"]), min_size=1, max_size=3).map(";".join)),
    ({"join": ";"}, st.lists(st.sampled_from(["a", "b c", "é"]), min_size=1, max_size=3).map(tuple)),
    ("only", st.sampled_from(["a", "b c"])),
]
ONE_WAY: list[Step] = ["strip_html", "given_name", "family_name", "first", "day_of"]


def made(step: Step) -> Transform:
    return transform(step, CONTEXT)


@pytest.mark.parametrize("step", NORMALISERS)
@given(value=texts | st.sampled_from(["(415) 555-0100", "12.50", "https://www.Acme.io/x", " ẞ "]))
def test_a_normaliser_changes_nothing_twice(step: Step, value: str) -> None:
    found = made(step)
    assert found.normalises
    try:
        once = found.forward(value)
    except TransformFailed:
        return
    assert found.forward(once) == once


@pytest.mark.parametrize(("step", "values"), PAIRS)
def test_a_pair_inverts(step: Step, values: st.SearchStrategy[Value]) -> None:
    found = made(step)

    @given(values)
    def check(value: Value) -> None:
        assert found.backward is not None
        assert not found.normalises
        assert found.backward(found.forward(value)) == value

    check()


@given(texts)
def test_truncate_cuts_and_brings_back_what_it_cut(text: str) -> None:
    found, same = made({"truncate": 5}), canonicaliser("string", max=5)
    assert found.backward is not None
    assert same(found.forward(found.backward(found.forward(text)))) == same(text)


@pytest.mark.parametrize("step", ONE_WAY)
def test_one_way_is_one_way(step: Step) -> None:
    assert made(step).backward is None
    with pytest.raises(ValueError, match="one-way"):
        made({"invert": step if isinstance(step, str) else {}})


def test_every_transform_is_tested_here() -> None:
    tested = [*NORMALISERS, *(step for step, _ in PAIRS), *ONE_WAY, "truncate"]
    assert {step if isinstance(step, str) else next(iter(step)) for step in tested} == names()


@pytest.mark.parametrize("step", [*NORMALISERS, *(step for step, _ in PAIRS), *ONE_WAY, {"truncate": 5}])
@given(value=anything)
def test_a_transform_gives_a_value_or_fails_by_name(step: Step, value: Value) -> None:
    found = made(step)
    for function in (found.forward, found.backward):
        with suppress(TransformFailed):
            assert function is None or isinstance(function(value), str | bool | int | tuple | None)


@pytest.mark.parametrize("step", [*NORMALISERS, *(step for step, _ in PAIRS), *ONE_WAY, {"truncate": 5}])
def test_null_passes(step: Step) -> None:
    found = made(step)
    for function in (found.forward, found.backward):
        assert function is None or function(None) in (None, ())


@pytest.mark.parametrize(
    ("step", "value", "expected"),
    [
        ({"e164": "settings.country"}, "098765 43210", "+919876543210"),
        ({"bool_words": "settings.words"}, "ja", True),
        ("given_name", "Ada King Lovelace", "Ada King"),
        ("family_name", "Ada King Lovelace", "Lovelace"),
        ("given_name", "Cher", ""),
        ("family_name", "Cher", "Cher"),
        ("strip_html", "<p>a &amp; b</p>", "a &amp; b"),
        ("first", ("a", "b"), "a"),
        ("day_of", "2022-08-09T23:22:12-04:00", "2022-08-10"),
        ("number", "12.50", "12.5"),
        ("lower", ("A", "B"), ("a", "b")),
        ({"split": ","}, "a, b,,c", ("a", "b", "c")),
    ],
)
def test_what_transforms_do(step: Step, value: Value, expected: Value) -> None:
    assert made(step).forward(value) == expected


@pytest.mark.parametrize(
    ("step", "value"),
    [
        ({"table": "stage"}, "Unheard of"),
        ({"bool_words": ["Yes", "No"]}, "Maybe"),
        ({"date": "%d.%m.%Y"}, "2026-01-02"),
        ("number", "twelve"),
        ("number", True),
        ("lower", 5),
        ("day_of", "yesterday"),
    ],
)
def test_a_value_without_a_counterpart_fails(step: Step, value: Value) -> None:
    with pytest.raises(TransformFailed):
        made(step).forward(value)


def test_several_elements_have_no_place_in_one_field_and_none_may_hold_the_separator() -> None:
    only, split = made("only"), made({"split": ";"})
    assert only.backward is not None
    assert split.backward is not None
    with pytest.raises(TransformFailed):
        only.backward(("a", "b"))
    with pytest.raises(TransformFailed):
        split.backward(("a;b",))


@pytest.mark.parametrize(("unmapped", "expected"), [("keep", None), ("pass", "Odd")])
def test_a_value_that_a_table_lacks_is_kept_or_passed(unmapped: str, expected: Value) -> None:
    found = transform({"table": "stage"}, Context(CONTEXT.tables, {}, unmapped))
    assert found.forward("Odd") == expected
    assert found.forward(("Lead", "Odd")) == (("lead",) if expected is None else ("lead", "Odd"))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("trimm", "no transform “trimm”"),
        ("e164", "needs an argument"),
        ({"trim": 1}, "takes no argument"),
        ({"table": "colours"}, "no table “colours”"),
        ({"e164": "settings.land"}, "no setting “land”"),
        ({"e164": "USA"}, "two letters"),
        ({"truncate": 0}, "number of characters"),
        ({"truncate": True}, "number of characters"),
        ({"bool_words": ["Yes"]}, "two texts"),
        ({"bool_words": ["Yes", "yes"]}, "two different"),
        ({"date": "%d.%m"}, "%Y"),
        ({"split": ""}, "between the elements"),
        ({"invert": 5}, "one name"),
        ({"trim": None, "lower": None}, "one name"),
    ],
)
def test_a_step_that_cannot_be_made_says_why(step: Step, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(step)


def test_a_table_that_is_not_one_to_one_is_none() -> None:
    with pytest.raises(ValueError, match="one-to-one"):
        transform({"table": "t"}, Context({"t": (("a", "x"), ("b", "x"))}))


@given(st.sampled_from(["Lead", "Customer"]), st.sampled_from([" ", ""]))
def test_a_chain_inverts_in_reverse_order(stage: str, space: str) -> None:
    found = chain(["trim", {"table": "stage"}], CONTEXT)
    assert found.forward(space + stage + space) == stage.lower()
    assert found.backward is not None
    assert found.backward(stage.lower()) == stage


def test_a_chain_is_as_one_way_as_its_weakest_step() -> None:
    assert chain(["trim", "strip_html"], CONTEXT).backward is None
    assert chain(["trim", "lower"], CONTEXT).normalises
    assert not chain(["trim", {"table": "stage"}], CONTEXT).normalises


def test_steps_that_do_not_fit_together_make_no_chain() -> None:
    with pytest.raises(ValueError, match="date gives a date, and lower takes a text"):
        chain([{"date": "%d.%m.%Y"}, "lower"], CONTEXT)
