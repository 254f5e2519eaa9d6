"""What processes cost: CPU time from the scheduler's own accounts, memory from the kernel's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def cpu_us(pids: Iterable[int]) -> float:
    """CPU time so far of these processes with all their threads, in µs (/proc/…/schedstat: ns on CPU)."""
    return sum(_process_ns(pid) for pid in pids) / 1_000


def rss_mb(pid: int) -> float:
    """Resident memory in MB (10⁶ bytes); 0 if the process is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    for line in text.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def _process_ns(pid: int) -> int:
    total = 0
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return 0
    for task in tasks:
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (OSError, IndexError):
            continue
    return total
