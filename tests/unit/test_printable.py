"""What others have written does nothing to a terminal but be seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.printable import printable


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
