"""Ports follow the base, secrets stay the same and private, one run holds a home."""

from __future__ import annotations

import base64
import shutil
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local.errors import CannotStart, DiskFull, HomeInUse
from deploy.local.layout import Layout, Ports


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "home")
    layout.prepare()
    return layout


def test_ports_count_from_the_base() -> None:
    ports = Ports(8000)
    assert (ports.webhooks, ports.console, ports.kafka, ports.mysql, ports.redis) == (8000, 8001, 8002, 8004, 8005)
    assert (ports.sandbox_admin, ports.sandbox("hubspot"), ports.sandbox("freshsales")) == (8010, 8011, 8012)


@pytest.mark.parametrize("base", [0, 80, 65_500])
def test_a_base_out_of_range_is_refused(base: int) -> None:
    with pytest.raises(CannotStart, match=f"--port-base {base} is out of range"):
        Ports(base)


def test_keys_are_32_bytes_made_once_and_readable_by_the_owner_only(layout: Layout) -> None:
    keys = [layout.credentials_key, layout.webhook_key]
    assert [len(base64.b64decode(key)) for key in keys] == [32, 32]
    assert keys == [layout.credentials_key, layout.webhook_key]
    assert keys[0] != keys[1]
    for file in layout.home.glob("*.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_home_is_held_by_one_run(layout: Layout) -> None:
    with layout.locked(), pytest.raises(HomeInUse, match="in use by another freshpipe"), layout.locked():
        pass
    with layout.locked():
        pass


def test_too_little_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**40, 2**40, 5 * 2**20))
    with pytest.raises(DiskFull, match="has 5 MB left and at least 1024 MB are needed"):
        Layout(tmp_path / "home").prepare()


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="cannot write to"):
        Layout(tmp_path / "file" / "home").prepare()
