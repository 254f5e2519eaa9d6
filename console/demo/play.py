"""The demonstration from beginning to end: the backfill, the scenario, the proof."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from rich.console import Console

from console import history, overview
from console.demo.people import person
from console.demo.scenario import STEPS, Both, Company
from console.demo.screen import Screen, View, summary
from console.verification import verify_installation
from schemas.records import RecordId
from schemas.settings import Settings
from streams.connected import Connected, connected

JSON = Any
STEP_DEADLINE_S = 30.0
BACKFILL_DEADLINE_S = 180.0
QUIET_S = 4.0
"""So long nothing may be written before we call it quiet."""


class Demonstration:
    """What its phases share."""

    def __init__(
        self,
        settings: Settings,
        ours: Connected,
        session: aiohttp.ClientSession,
        tenants: Sequence[JSON],
        admin: str,
    ) -> None:
        self.ours = ours
        self.settings = settings
        self.database = ours.database
        self.session = session
        self.tenants = tenants
        self.admin = admin
        self.view = View()
        self._seen: dict[str, int] = {}
        self._shown: set[tuple[Any, ...]] = set()

    async def news(self) -> list[history.Entry]:
        """Trail entries that were not shown yet, over all tenants."""
        found = []
        for tenant in self.tenants:
            since = self._seen.get(tenant["id"], 0)
            for entry in await history.trail_since(self.database, tenant["id"], since):
                mark = (entry.at, entry.stage, entry.kind, entry.record, entry.reason, tuple(entry.changes))
                if mark not in self._shown:
                    self._shown.add(mark)
                    found.append(entry)
                self._seen[tenant["id"]] = max(since, entry.at - 2_000)
        return sorted(found, key=lambda entry: entry.at)

    async def quotas(self) -> dict[str, str]:
        """What is left of each connection's tightest quota, in calls that could be made at once."""
        found = {}
        for tenant in self.tenants:
            for one in tenant["connections"]:
                known = self.ours.connection(one["id"])
                if known is not None:
                    room = [(left or 0, most) for left, most in (await self.ours.client(known).room()).values()]
                    left, most = min(room, key=lambda pair: pair[0] / pair[1])
                    found[one["id"]] = f"{left}/{most}"
        return found

    async def writes_since(self, at: int) -> list[JSON]:
        """The requests with which Freshpipe changed something in a product, as the products logged them."""
        async with self.session.get(f"{self.admin}/log", params={"since": str(at)}) as answer:
            log = await answer.json()
        return [entry for entry in log if entry["by"] == "freshpipe" and entry["fields"]]

    async def follow(self, screen: Screen, seconds: float, *, in_full: bool = True) -> None:
        """Show what happens for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.view.waiting = sum([await overview.waiting(self.database, one["id"]) for one in self.tenants])
            self.view.quotas = await self.quotas()
            screen.add(await self.news(), in_full=in_full)
            await asyncio.sleep(0.2)


async def play(
    settings: Settings, details: Mapping[str, Any], addresses: Mapping[str, str], *, began: float, stay: bool
) -> bool:
    """Play it; whether both sides were proven equal and quiet. With `stay` it goes on showing until Ctrl-C.

    `began`: when everything was begun to be started, in seconds since the epoch.
    """
    console = Console()
    async with _demonstration(settings, details["tenants"], addresses["sandbox_admin"]) as demonstration:
        with Screen(demonstration.view, console) as screen:
            await _backfill(demonstration, screen)
            first = min(demonstration.view.written_at, default=0) / 1_000 - began
            screen.headline(
                f"backfill done {time.time() - began:.0f} s after the start, the first change was across after"
                f" {first:.0f} s: {summary(demonstration.view)}"
            )
            demonstration.view.latencies.clear()
            await _scenario(demonstration, screen)
            proven, verdict = await _prove(demonstration, screen)
            screen.headline(verdict)
            if stay and proven:
                screen.step("Everything stays up; edit in the sandbox products, or press Ctrl-C", "")
                await demonstration.follow(screen, float("inf"))
        console.print(verdict, style="bold green" if proven else "bold red", highlight=False)
    return proven


@asynccontextmanager
async def _demonstration(settings: Settings, tenants: Sequence[JSON], admin: str) -> AsyncIterator[Demonstration]:
    async with connected(settings) as ours, aiohttp.ClientSession() as session:
        yield Demonstration(settings, ours, session, tenants, admin)


async def _backfill(demonstration: Demonstration, screen: Screen) -> None:
    """Both sides are read and linked first; what is missing is created second."""
    screen.headline("Backfill: both sides are read and linked first, what is missing is created second")
    deadline = time.monotonic() + BACKFILL_DEADLINE_S
    while time.monotonic() < deadline:
        standing = [await overview.status(demonstration.database, one["id"]) for one in demonstration.tenants]
        screen.progress({one["tenant"]: _progress(one["backfills"]) for one in standing})
        await demonstration.follow(screen, 0.4, in_full=False)
        states = {each["state"] for one in standing for each in one["installations"]}
        done = all(met and handed_on == met for handed_on, met in demonstration.view.backfills.values())
        if states == {"active"} and done:
            await _quiet(demonstration, screen, in_full=False)
            return
    raise RuntimeError("the backfill did not end in time: see `freshpipe status` and the logs")


def _progress(backfills: Sequence[JSON]) -> tuple[int, int]:
    by_installation = {one["installation"]: (one["handed_on"], one["met"]) for one in backfills}
    return sum(done for done, _ in by_installation.values()), sum(met for _, met in by_installation.values())


async def _scenario(demonstration: Demonstration, screen: Screen) -> None:
    companies = [await _company(demonstration, tenant) for tenant in demonstration.tenants]
    for number, step in enumerate(STEPS):
        company = companies[number % len(companies)]
        screen.step(f"{company.name}: {step.title}", step.expect)
        began = _now()
        await step.act(company)
        await _arrival(demonstration, screen, began)


async def _company(demonstration: Demonstration, tenant: JSON) -> Company:
    by_product = {one["product"]: one for one in tenant["connections"]}
    sales, marketing = by_product["freshsales"], by_product["hubspot"]
    linked: dict[str, list[Both]] = {"contact": [], "company": []}
    for link in await history.links(demonstration.database, tenant["id"], tenant["installations"][0]["id"]):
        left, right = RecordId.parse(link["left_record"]), RecordId.parse(link["right_record"])
        linked["company" if right.entity == "company" else "contact"].append(Both(left.id, right.id))
    people = [
        person(demonstration.session, one["product"], one["base_url"], one["person_credentials"])
        for one in (sales, marketing)
    ]
    return Company(tenant["id"], tenant["name"], people[0], people[1], linked["contact"], linked["company"])


async def _arrival(demonstration: Demonstration, screen: Screen, began: int) -> None:
    """Wait until something came of it and a moment passed without anything new."""
    deadline = time.monotonic() + STEP_DEADLINE_S
    heard, silent_since = False, time.monotonic()
    while time.monotonic() < deadline:
        news = await demonstration.news()
        screen.add(news)
        if any(
            entry.at >= began and entry.kind in ("written", "conflict", "gone", "held", "unlinked") for entry in news
        ):
            heard, silent_since = True, time.monotonic()
        if heard and time.monotonic() - silent_since > 1.2:
            return
        await asyncio.sleep(0.1)


async def _quiet(demonstration: Demonstration, screen: Screen, *, in_full: bool = True) -> bool:
    """Follow until nothing was written for a while; False if that does not come within a minute."""
    for _ in range(int(60 / QUIET_S)):
        began = _now()
        await demonstration.follow(screen, QUIET_S, in_full=in_full)
        if not await demonstration.writes_since(began):
            return True
    return False


async def _prove(demonstration: Demonstration, screen: Screen) -> tuple[bool, str]:
    screen.headline("Proof: both products are read in full and compared, field by field")
    quiet = await _quiet(demonstration, screen)
    fields = links = 0
    wrong: list[str] = []
    for tenant in demonstration.tenants:
        for installation in tenant["installations"]:
            found = await verify_installation(
                demonstration.database, demonstration.settings, tenant["id"], installation["id"]
            )
            fields, links = fields + found.fields, links + found.links
            wrong += [f"{one.pair} {one.line} {one.left} {one.right}: {one.reason}" for one in found.differences]
    if wrong:
        return False, f"NOT EQUAL: {len(wrong)} differences, the first: {'; '.join(wrong[:3])}"
    if not links:
        return False, "NOT PROVEN: nothing is linked"
    if not quiet:
        return False, "NOT QUIET: something is still written"
    middle = sorted(demonstration.view.latencies)[len(demonstration.view.latencies) // 2 :][:1]
    return True, (
        f"PROVEN: {fields} mapped fields of {links} linked records are equal on both sides, and nothing is written"
        f" any more. {summary(demonstration.view)}; median from webhook to written: {middle[0] if middle else '–'} ms"
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
