"""How a worker starts and ends; with a broker, see tests/faults/test_chaos.py."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from schemas.settings import Kafka, MySQL, Settings
from schemas.topics import changes, writes
from streams.app import App
from streams.lease import EXIT_CRASHED
from streams.worker import sink_worker, source_worker
from tests.ports import free_port


def _settings(tmp_path: Path) -> Settings:
    return Settings(
        kafka=Kafka(bootstrap=f"127.0.0.1:{free_port()}"),
        mysql=MySQL(host="none", user="none", password="none"),
        data_dir=str(tmp_path / "a" / "b"),
    )


class Stage:
    async def handle(self, messages: object) -> None: ...

    async def put_off(self, messages: object) -> None: ...

    async def failed(self, messages: object, error: Exception) -> None: ...


def _subscribed(app: App) -> set[str]:
    return {topic for agent in app.agents.values() for topic in agent.channel.topics}


async def test_a_source_worker_reads_the_changes_of_its_products(tmp_path: Path) -> None:
    app = source_worker(_settings(tmp_path), ["hubspot", "freshsales"], lambda _: Stage(), lambda _: None)
    assert app.conf.id == "freshpipe-source"
    assert _subscribed(app) == {changes("hubspot"), changes("freshsales")}


async def test_a_sink_worker_reads_the_commands_for_its_products(tmp_path: Path) -> None:
    app = sink_worker(_settings(tmp_path), ["hubspot"], lambda _: Stage(), lambda _: None)
    assert (app.conf.id, _subscribed(app)) == ("freshpipe-sink", {writes("hubspot")})


@pytest.mark.parametrize("role", ["sync", "source"])
def test_a_worker_that_finds_no_broker_ends_to_be_started_again(tmp_path: Path, role: str) -> None:
    command = [sys.executable, "-m", "tests.faults.chaos.worker", "--bootstrap", f"127.0.0.1:{free_port()}"]
    ended = subprocess.run(
        [*command, "--data", str(tmp_path), "--role", role], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == EXIT_CRASHED, ended.stderr
    assert "the worker crashed: KafkaConnectionError" in ended.stderr
