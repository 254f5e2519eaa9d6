"""What the demonstration shows: one screen on a terminal, plain lines elsewhere. Renders a state, changes nothing."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from console.history import Entry
from console.output import plain

SHOWN = {
    "written": "green",
    "conflict": "yellow",
    "held": "red",
    "waiting": "magenta",
    "attention": "red",
    "gone": "blue",
    "unlinked": "blue",
    "breaker": "red",
}
"""The kinds of trail entries that are worth a line, and their colour. Echoes and the like are counted only."""
LINES = 18


@dataclass(slots=True)
class View:
    """Everything on the screen."""

    headline: str = "starting"
    step: str = ""
    expect: str = ""
    backfills: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Tenant → (records handed on, records met)."""
    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=LINES))
    counts: Counter[str] = field(default_factory=Counter)
    quotas: Mapping[str, str] = field(default_factory=dict)
    """Connection → what is left of its quotas."""
    waiting: int = 0
    latencies: list[int] = field(default_factory=list)
    written_at: list[int] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> list[Entry]:
        """Count entries and keep those worth a line; returns these."""
        worth = []
        for entry in entries:
            self.counts[entry.kind] += 1
            self.counts[f"{entry.kind}:{entry.reason}"] += 1
            if entry.kind not in SHOWN:
                continue
            worth.append(entry)
            self.entries.append(entry)
            if entry.kind == "written":
                self.written_at.append(entry.at)
                self.latencies += [entry.latency_ms] if entry.latency_ms is not None else []
        return worth


class Screen:
    """Shows a View: live on a terminal; line by line, as things happen, where there is none."""

    def __init__(self, view: View, console: Console) -> None:
        self._view = view
        self._console = console
        self._live: Live | None = None
        if console.is_terminal:
            self._live = Live(console=console, auto_refresh=False, screen=False)

    def __enter__(self) -> Screen:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def headline(self, text: str) -> None:
        """A new phase."""
        self._view.headline = text
        if self._live is None:
            self._console.print(f"── {text}", highlight=False, soft_wrap=True)
        self.refresh()

    def step(self, title: str, expect: str) -> None:
        """A new step of the scenario."""
        self._view.step, self._view.expect = title, expect
        if self._live is None:
            self._console.print(f"▸ {title}  ({expect})", highlight=False, soft_wrap=True)
        self.refresh()

    def add(self, entries: Iterable[Entry], *, in_full: bool = True) -> None:
        """What happened meanwhile; where there is no terminal, line by line only if `in_full`."""
        for entry in self._view.add(entries):
            if self._live is None and in_full:
                self._console.print("    " + " · ".join(filter(None, _cells(entry))), highlight=False, soft_wrap=True)
        self.refresh()

    def progress(self, backfills: Mapping[str, tuple[int, int]]) -> None:
        """How far the backfills are: (records handed on, records met) by tenant."""
        if self._live is None and backfills != self._view.backfills:
            parts = [f"{tenant} {done}/{met}" for tenant, (done, met) in backfills.items()]
            self._console.print(
                f"    handed on: {', '.join(parts)} · {summary(self._view)}", highlight=False, soft_wrap=True
            )
        self._view.backfills = backfills
        self.refresh()

    def refresh(self) -> None:
        """Draw again."""
        if self._live is not None:
            self._live.update(render(self._view), refresh=True)


def render(view: View) -> RenderableType:
    """The whole screen."""
    head = Text.assemble((view.headline, "bold"), "\n", (view.step, "cyan"), "  ", (view.expect, "dim"))
    return Group(Panel(head, title="freshpipe demo", title_align="left"), _backfills(view), _events(view), _foot(view))


def summary(view: View) -> str:
    """The counters in one line: what the phase came to."""
    counts = view.counts
    echoes = counts["filtered:echo"] + counts["filtered:unchanged"]
    return (
        f"{counts['written']} writes, {counts['written:created']} of them creates"
        f" · {counts['conflict']} conflicts decided · {echoes} echoes suppressed"
        f" · {counts['held'] + counts['attention']} to attention"
    )


def _backfills(view: View) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for tenant, (done, total) in view.backfills.items():
        grid.add_row(tenant, ProgressBar(total=max(total, 1), completed=done, width=40), f"{done} of {total} records")
    return grid


def _events(view: View) -> RenderableType:
    table = Table(header_style="bold", expand=True, show_edge=False, pad_edge=False)
    for name, ratio in (
        ("what", 1),
        ("tenant", 1),
        ("record", 3),
        ("fields: old → new", 5),
        ("came from", 3),
        ("ms", 1),
    ):
        justify: JustifyMethod = "right" if name == "ms" else "left"
        table.add_column(name, ratio=ratio, no_wrap=True, overflow="ellipsis", justify=justify)
    for entry in view.entries:
        kind, *rest = _cells(entry)
        table.add_row(Text(kind, style=SHOWN[entry.kind]), *rest)
    return table


def _foot(view: View) -> RenderableType:
    quotas = "   ".join(f"{connection}: {left}" for connection, left in view.quotas.items())
    return Text(f"\n{summary(view)} · {view.waiting} waiting for their time\nquota left   {quotas}", style="dim")


def _cells(entry: Entry) -> tuple[str, str, str, str, str, str]:
    connection, _, rest = entry.record.partition("/")
    tenant = connection.rsplit("-", 1)[0]
    fields = "; ".join(_field(one) for one in entry.fields[:4]) or entry.reason
    if entry.kind == "conflict":
        fields += f" (decided: {entry.reason})"
    if len(entry.fields) > 4:
        fields += f"; +{len(entry.fields) - 4} more"
    latency = entry.latency_ms if entry.kind == "written" else None
    return entry.kind, tenant, f"{connection}/{rest}", fields, entry.other, "" if latency is None else str(latency)


def _field(one: Mapping[str, Any]) -> str:
    before, after = (plain(one.get(side)) or "∅" for side in ("before", "after"))
    if one.get("reason"):
        return f"{one['name']}: {before} → {after} ({one['reason']})"
    return f"{one['name']}: {before} → {after}"
