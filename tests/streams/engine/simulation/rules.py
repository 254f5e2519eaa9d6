"""Rules of the engine that can be switched off, to prove that the simulation would notice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

Rule = tuple[str, Callable[..., object]]

RULES: dict[str, tuple[Rule, ...]] = {}


@contextmanager
def without(*rules: str) -> Iterator[None]:
    """Take the rules out of the engine (or, of the sink's, out of the simulation's sink) for a while."""
    with ExitStack() as stack:
        for rule in rules:
            for target, replacement in RULES[rule]:
                stack.enter_context(patch(target, replacement))
        yield
