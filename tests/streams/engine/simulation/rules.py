"""Rules of the engine that can be taken out, to prove that the simulation would notice.

A rule is a small function of the engine (or, for the guard, of the simulation's sink); taken out, it answers as a
system without the rule would. Rules that only save calls (clamp, the hint of a list, joins) are not here: without
them the runs stay right, only busier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from unittest.mock import patch

from schemas.records import RecordId
from schemas.versions import Version
from streams.engine.state import LinkLine, RecordRow

ENGINE = "streams.engine."
Replacements = tuple[tuple[str, Callable[..., object]], ...]


def _nothing(*_: object, **__: object) -> None:
    return None


def _no(*_: object, **__: object) -> bool:
    return False


def _none_found(*_: object, **__: object) -> list[RecordId]:
    return []


def _by_the_vendors_clock(time: int, connection: str, latest: Version | None) -> Version:
    return Version(time, 0, connection)


def _no_decision(link: object, memory: LinkLine, above: Version) -> Version:
    return above


def _busy_with_the_same(row: RecordRow) -> bool:
    """A new wanted value is sent at once, though a command is under way."""
    sent = row.sent.command.fields if row.sent is not None else {}
    return row.sent is not None and all(
        name in sent and sent[name].version >= write.version for name, write in row.wanted.items()
    )


RULES: Mapping[str, Replacements] = MappingProxyType(
    {
        "hlc": ((ENGINE + "merge.observed", _by_the_vendors_clock),),
        "order": ((ENGINE + "merge.is_older", _no),),
        "window": ((ENGINE + "merge.too_early", _no),),
        "inflight": ((ENGINE + "state.RecordRow.in_flight", _no),),
        "oneinflight": ((ENGINE + "command.is_busy", _busy_with_the_same),),
        "dropwant": ((ENGINE + "merge.fall_back", _nothing),),
        "zero": ((ENGINE + "outcome._take_defaults", _nothing),),
        "restamp": ((ENGINE + "resolve.mint", _no_decision),),
        "transitive": ((ENGINE + "link._through_others", _none_found),),
        "ghost": ((ENGINE + "merge._is_ghost", _no),),
        "circle": ((ENGINE + "resolve.is_decision", _no),),
        "guard": (("tests.streams.engine.simulation.sink.is_unseen_edit", _no),),
    }
)


@contextmanager
def without(*rules: str) -> Iterator[None]:
    """Take the rules out for a while."""
    with ExitStack() as stack:
        for rule in rules:
            for target, replacement in RULES[rule]:
                stack.enter_context(patch(target, replacement))
        yield
