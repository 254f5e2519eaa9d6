from __future__ import annotations

import logging

from schemas.logs import REMEMBERED, REPEAT_S, Damper


def _record(at: float, message: str = "away from %s", *arguments: str, logger: str = "aiokafka") -> logging.LogRecord:
    record = logging.LogRecord(logger, logging.ERROR, "file", 1, message, arguments, None)
    record.created = at
    return record


def test_a_library_may_say_the_same_thing_once_in_a_while() -> None:
    damper = Damper()
    times = [0.0, 0.1, 5.0, REPEAT_S + 0.1, REPEAT_S + 0.2]
    assert [damper.filter(_record(at, "away from %s", str(at))) for at in times] == [True, False, False, True, False]


def test_another_message_and_another_library_are_heard() -> None:
    damper = Damper()
    records = [_record(0.0), _record(0.0, "another"), _record(0.0, logger="faust")]
    assert [damper.filter(record) for record in records] == [True, True, True]


def test_a_library_that_never_repeats_itself_takes_no_more_than_so_much_memory() -> None:
    damper = Damper()
    assert all(damper.filter(_record(0.0, f"message {number}")) for number in range(3 * REMEMBERED))
    assert len(damper._last) <= REMEMBERED
