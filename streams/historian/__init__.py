"""Writes the trail down in MySQL, for people: history, attention, ends, sums, and a searchable copy of the links."""

from streams.historian.process import run_historian

__all__ = ["run_historian"]
