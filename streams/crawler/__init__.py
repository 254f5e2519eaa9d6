"""Reads what nobody told us about: polls, backfills, sweeps; and fires what is due."""

from streams.crawler.process import run_crawler

__all__ = ["run_crawler"]
