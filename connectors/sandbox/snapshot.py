"""The sandbox's state in a file: accounts with their records and settings, webhooks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec

from connectors.sandbox.freshsales.bundle import BundleState
from connectors.sandbox.hubspot.portal import PortalState
from connectors.sandbox.world import World

_STATES: dict[str, type[msgspec.Struct]] = {"hubspot": PortalState, "freshsales": BundleState}


class SavedAccount(msgspec.Struct, kw_only=True):
    """One account; `state` is read by its product's own type."""

    product: str
    name: str
    integration: str
    person: str
    state: msgspec.Raw


class Saved(msgspec.Struct, kw_only=True):
    """The file's content."""

    accounts: list[SavedAccount] = []
    hooks: dict[str, list[dict[str, Any]]] = {}


def taken(world: World) -> bytes:
    """The world as it is now."""
    accounts = [
        SavedAccount(
            product=each.product,
            name=each.name,
            integration=each.integration,
            person=each.person,
            state=msgspec.Raw(msgspec.json.encode(each.crm.saved())),
        )
        for each in world.accounts.all()
    ]
    return msgspec.json.encode(Saved(accounts=accounts, hooks=world.hooks()))


def restore(world: World, content: bytes) -> None:
    """Fill an empty world. Raises msgspec.DecodeError for a file of another make."""
    saved = msgspec.json.decode(content or b"{}", type=Saved)
    for each in saved.accounts:
        state = msgspec.json.decode(each.state, type=_STATES[each.product])
        world.reopen(each.product, each.name, each.integration, each.person, state)
    for product, hooks in saved.hooks.items():
        for hook in hooks:
            world.products[product].hook(hook)


def read(path: Path) -> bytes:
    """The file's content; nothing where there is no file yet."""
    return path.read_bytes() if path.exists() else b""


def write(path: Path, content: bytes) -> None:
    """Replace the file in one step, readable by its owner only: it holds tokens."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
