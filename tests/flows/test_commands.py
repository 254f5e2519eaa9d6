"""What the commands say of a running Freshpipe, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.running import Office, Running, now_ms, run_up


async def test_a_dry_run_tells_what_it_would_do_and_does_nothing(ours: Office) -> None:
    began = now_ms()
    sides = (f"{ours.tenant}-freshsales", f"{ours.tenant}-hubspot")
    found = ours.running.command("install", ours.tenant, "freshsales-hubspot", *sides, "--dry-run", "--id=rehearsal")
    linked = len(await ours.links()) + len(await ours.links("company"))
    assert found["linked"] >= linked
    assert not [one for one in found["creates"] if one["pair"] == "company"]
    assert await ours.writes(began) == []
    (status,) = ours.running.command("status", "--tenant", ours.tenant)
    assert [one["id"] for one in status["installations"]] == [ours.installation]


def test_another_tenants_installation_is_not_there(running: Running) -> None:
    other = running.tenant(1)
    ended = running.run("verify", running.tenant(0)["id"], other["installations"][0]["id"])
    assert ended.returncode == 1
    assert "no such installation" in ended.stderr


def test_a_wrong_key_is_refused_in_words(running: Running) -> None:
    place = (running.tenant()["id"], "freshsales", running.ready["freshsales"])
    ended = running.run("connect", *place, "--id=second", stdin='{"api_key": "no such key"}')
    assert ended.returncode == 1
    assert "auth_revoked" in ended.stderr
    assert "no such key" not in ended.stderr


@pytest.mark.parametrize("missing", ["FRESHPIPE_MYSQL__HOST", "FRESHPIPE_KAFKA__BOOTSTRAP"])
def test_a_missing_setting_is_named(running: Running, missing: str) -> None:
    ended = running.run("status", without=missing)
    assert ended.returncode == 2
    assert missing in ended.stderr


def test_everything_ends_within_ten_seconds_and_starts_again_where_it_was(tmp_path: Path) -> None:
    with run_up(tmp_path / "home", contacts=10) as first:
        tenants = [tenant["id"] for tenant in first.ready["tenants"]]
    assert first.process.returncode == 0
    with run_up(tmp_path / "home", contacts=10) as second:
        assert [tenant["id"] for tenant in second.ready["tenants"]] == tenants
        second.process.kill()
        second.process.wait()
    with run_up(tmp_path / "home", contacts=10) as third:
        assert [tenant["id"] for tenant in third.ready["tenants"]] == tenants
        third.process.terminate()
        third.process.wait(10)  # raises if it takes longer
