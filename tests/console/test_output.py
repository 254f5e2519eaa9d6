"""What commands print: one line for a person whatever a value holds, one document for a program."""

from __future__ import annotations

import json

import pytest

from console.output import plain, show, stop


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Ann", "Ann"),
        (None, ""),
        (7, "7"),
        (["a", "b"], '["a","b"]'),
        ("red\x1b[31m\n", "red\\x1b[31m\\x0a"),
        ("00478", "00478"),
    ],
)
def test_a_value_is_one_line_that_a_terminal_cannot_be_led_by(value: object, text: str) -> None:
    assert plain(value) == text


def test_rows_are_a_list_for_a_program(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    show([{"id": "1", "hidden": 2}], ("id",), as_json=True)
    assert json.loads(capsysbinary.readouterr().out) == [{"id": "1", "hidden": 2}]


def test_no_rows_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    show([], ("id",), as_json=False, title="Links")
    assert capsys.readouterr().out.strip() == "Links: none"


def test_an_end_goes_to_standard_error_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        stop("no such tenant", 2)
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "no such tenant\n")
