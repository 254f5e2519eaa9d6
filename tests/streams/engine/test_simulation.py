"""The adversary finds nothing, and finds something as soon as a rule is missing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.streams.engine.simulation.campaign import campaign, report
from tests.streams.engine.simulation.checks import check
from tests.streams.engine.simulation.people import KINDS, Action
from tests.streams.engine.simulation.profiles import PROFILES
from tests.streams.engine.simulation.rules import without
from tests.streams.engine.simulation.simulation import play

RUNS = 2_000
PARTS = 4
"""So that several workers may share them."""

EDITS = st.builds(
    Action,
    number=st.just(0),
    at=st.integers(0, 20_000),
    kind=st.sampled_from(["new", *KINDS]),
    product=st.sampled_from("AB"),
    person=st.just(0),
    field=st.sampled_from(["name", "phone", "rank"]),
    dice=st.floats(0, 1, exclude_max=True),
)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_schedule_loses_or_doubles_or_diverges(part: int) -> None:
    total = campaign(RUNS // PARTS, 1_000_000 * (part + 1), list(PROFILES))

    assert not total.findings, report(total)
    assert total.figures["crashes"] > 100
    assert total.figures["conflicts"] > 100


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=st.lists(EDITS, min_size=1, max_size=8), seed=st.integers(0, 2**16))
def test_whatever_people_do_and_whenever_it_comes_to_rest_equal(actions: list[Action], seed: int) -> None:
    ordered = sorted(actions, key=lambda action: action.at)
    numbered = [
        Action(number, action.at, action.kind, action.product, action.person, action.field, action.dice)
        for number, action in enumerate(ordered)
    ]

    run = check(play(seed, PROFILES["two"], numbered))

    assert not run.findings


@pytest.mark.parametrize(
    ("rule", "seed", "profile"),
    [
        ("circle", 12, "master"),
        ("dropwant", 4, "seconds"),
        ("ghost", 287, "full"),
        ("guard", 3, "burst"),
        ("hlc", 50, "master"),
        ("inflight", 521, "seconds"),
        ("oneinflight", 80, "burst"),
        ("order", 113, "burst"),
        ("restamp", 2, "two"),
        ("transitive", 7, "duplicates"),
        ("window", 715, "plain"),
        ("zero", 22, "plain"),
    ],
)
def test_a_rule_that_is_missing_is_noticed(rule: str, seed: int, profile: str) -> None:
    with_it = check(play(seed, PROFILES[profile])).findings
    with without(rule):
        without_it = check(play(seed, PROFILES[profile])).findings

    assert not with_it
    assert without_it


def test_a_run_is_told_by_its_seed_alone() -> None:
    one, other = (play(7, PROFILES["full"]) for _ in range(2))

    assert one.sync.rows == other.sync.rows
    assert list(one.sync.trail) == list(other.sync.trail)
