"""Commands that run all of Freshpipe on this machine: `up` for use, `demo` to watch it at work."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from console import setup
from console.demo.play import play
from console.demo.tenants import NO_QUOTAS, PLANS, Plans, create_tenants
from console.output import say
from deploy.local import programs
from deploy.local.layout import Layout
from deploy.local.stack import Stack
from schemas.logs import configure_logs
from schemas.settings import Settings
from streams.migrations import grant_receiver

Home = Annotated[Path, typer.Option(help="Folder for data, logs and keys.")]
CONTACTS = 220
PortBase = Annotated[int, typer.Option(help="First of the ports to use.")]


def up(
    home: Home = Path("var"),
    port_base: PortBase = 7000,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Start sandbox products and create demo tenants.")] = False,
    contacts: Annotated[int, typer.Option(help="Contacts of each sandbox account.", min=10)] = CONTACTS,
    quotas: Annotated[bool, typer.Option(help="Whether the sandbox accounts have quotas.")] = True,
    ready_file: Annotated[Path | None, typer.Option(help="Written as JSON when everything is ready.")] = None,
) -> None:
    """Run everything on this machine, in the foreground, until Ctrl-C."""
    configure_logs("up", "text")
    furnish = partial(_furnish, contacts=contacts, plans=PLANS if quotas else NO_QUOTAS)
    stack = _stack(home, port_base, sandbox=sandbox, furnish=furnish, ready_file=ready_file)

    def announce(ready: Stack) -> None:
        for name, address in ready.addresses.items():
            say(f"{name:>13}  {address}")
        say("ready; Ctrl-C ends everything")

    stack.run(announce)


def demo(home: Home = Path("var/demo"), port_base: PortBase = 7000) -> None:
    """Run everything with sandbox products, let people edit in both, show it live, and prove that both sides agree."""
    configure_logs("demo", "text")
    began = time.time()
    _forget_last_run(home)
    furnish = partial(_furnish, contacts=CONTACTS, plans=PLANS)
    with _stack(home, port_base, sandbox=True, furnish=furnish).beside() as stack:
        settings = _settings(stack.environment)
        proven = asyncio.run(play(settings, stack.details, stack.addresses, began=began, stay=sys.stdout.isatty()))
    sys.exit(0 if proven else 1)


def _stack(
    home: Path, port_base: int, *, sandbox: bool, furnish: Callable[[Stack], None], ready_file: Path | None = None
) -> Stack:
    names = [name for name in programs.ALL if sandbox or name != "sandbox"]
    return Stack(
        home,
        port_base,
        names,
        prepare=_prepare,
        furnish=furnish if sandbox else _nothing,
        ready_file=ready_file,
    )


def _prepare(stack: Stack) -> None:
    settings = _settings(stack.environment)
    asyncio.run(setup.prepare(settings))
    grant_receiver(settings.mysql, stack.services.mysql.hooks_user)


def _furnish(stack: Stack, *, contacts: int, plans: Plans) -> None:
    settings = _settings(stack.environment)
    stack.details["tenants"] = asyncio.run(
        create_tenants(settings, stack.addresses, stack.layout.home / "people.json", contacts, plans)
    )


def _forget_last_run(home: Path) -> None:
    """Every demonstration tells the same story, so it begins with nothing."""
    layout = Layout(home.absolute())
    layout.prepare()
    with layout.locked():
        for entry in layout.home.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()


def _nothing(_: Stack) -> None:
    return None


def _settings(environment: Mapping[str, str]) -> Settings:
    """The settings of our processes; the environment is the one way in, for us as for them."""
    os.environ.update(environment)
    return Settings()
