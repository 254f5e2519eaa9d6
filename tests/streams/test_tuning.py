from __future__ import annotations

from typing import Any

import faust
import pytest

from schemas.settings import Kafka, MySQL, Settings
from schemas.topics import STATE_CHANGELOG
from streams.tuning import faust_options, group_of

YEAR_S = 365 * 86_400.0


def _settings(**kafka: Any) -> Settings:
    return Settings(
        kafka=Kafka(**{"bootstrap": "a:1,b:2", "session_timeout_ms": 20_000, **kafka}),
        mysql=MySQL(host="none", user="none", password="none"),
    )


@pytest.fixture
def options() -> dict[str, Any]:
    return faust_options(_settings(), "sync")


def test_faust_knows_every_option(options: dict[str, Any]) -> None:
    known = faust.App("any", **options).conf
    assert [str(url) for url in known.broker] == ["kafka://a:1", "kafka://b:2"]
    assert all(hasattr(known, name) for name in options)


def test_the_changelog_has_the_name_that_faust_gives_it() -> None:
    assert f"{group_of('sync')}-state-changelog" == STATE_CHANGELOG


def test_several_heartbeats_fit_into_the_lease(options: dict[str, Any]) -> None:
    assert options["broker_heartbeat_interval"] * 3 <= options["broker_session_timeout"] * 0.8


def test_requests_may_take_longer_than_a_session(options: dict[str, Any]) -> None:
    assert options["broker_request_timeout"] > options["broker_session_timeout"]


def test_a_spare_worker_is_not_sent_away_for_having_nothing_to_fetch(options: dict[str, Any]) -> None:
    assert options["broker_max_poll_interval"] > YEAR_S


def test_a_worker_without_a_name_is_an_ordinary_member() -> None:
    assert faust_options(_settings(), "sync")["consumer_group_instance_id"] is None
    assert faust_options(_settings(instance="w1"), "sync")["consumer_group_instance_id"] == "w1"
