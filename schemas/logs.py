"""Structured logs: one event per fact, to standard error; never a payload, never a secret."""

from __future__ import annotations

import logging
import sys

import structlog

REPEAT_S = 10.0
REMEMBERED = 1_000


class Damper(logging.Filter):
    """Lets each message of a library through once in `REPEAT_S`: a client that has lost its broker says the same
    thing ten times a second. What differs in a message's arguments only is the same message.
    """

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.name, str(record.msg)
        if record.created - self._last.get(message, float("-inf")) < REPEAT_S:
            return False
        if len(self._last) >= REMEMBERED:  # a library that puts its arguments into the text itself
            self._last.clear()
        self._last[message] = record.created
        return True


def configure_logs(process: str, format: str = "json") -> None:
    """Set up structlog and the standard library's logging for this process. JSON escapes line breaks in values."""
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if format == "text":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(Damper())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    structlog.contextvars.bind_contextvars(process=process)
