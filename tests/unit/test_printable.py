"""What others have written does nothing to a terminal but be seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.printable import one_line, printable, with_values_in_line


@pytest.mark.parametrize(
    "bad",
    [*"\x00\x07\b\x0b\r\x1b\x7f\x80\x9b\x9f", "\ud800", "\ufffe", "\uffff"],
)
def test_control_character_is_replaced(bad: str) -> None:
    """ESC and C1's CSI begin commands, a lone surrogate cannot be printed."""
    assert printable(f"a{bad}[31mb") == "a\ufffd[31mb"


@pytest.mark.parametrize(
    "text", ["", "a\tb\nc", "~ \xa0é€\ud7ff\ue000\ufffd", "\U00010000\U0010ffff"]
)
def test_text_stays(text: str) -> None:
    """Tabs, ends of lines, and every character of every language."""
    assert printable(text) == text


def test_ends_of_lines_are_pythons() -> None:
    """A carriage return alone would write over the line."""
    assert printable("a\r\nb\r\r\nc\rd") == "a\nb\ufffd\nc\ufffdd"


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_can_be_printed(text: str) -> None:
    """Once more changes nothing."""
    shown = printable(text)

    assert all(each in "\t\n" or ord(each) >= 32 for each in shown)
    assert not any(0x7F <= ord(each) < 0xA0 for each in shown)
    assert shown.encode().decode() == shown == printable(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[31mred\x9b0m\x7f", r"\x1b[31mred\x9b0m\x7f"),
        ("abc\u202egpj.exe\u2028x", r"abc\u202egpj.exe\u2028x"),
        ("\ud800", r"\ud800"),
        ("Größe 中文 \U0001f600 a\\b", "Größe 中文 \U0001f600 a\\b"),
    ],
)
def test_name_is_one_line(text: str, shown: str) -> None:
    """It draws no second row, and turns nothing round."""
    assert one_line(text) == shown


def test_values_begin_no_line_of_their_own() -> None:
    """Our own lines stay; the longer of two values goes first."""
    text = "Foo\n  group: a\nb c\n  account: a\nb\n"

    assert with_values_in_line(text, ["a\nb", "a\nb c", "Foo"]) == (
        "Foo\n  group: a\\nb c\n  account: a\\nb\n"
    )
