"""Reasons of stops: numbers as the SCM takes them, refused before it is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.reasons import StopMajor, StopMinor, StopReason, check_comment


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (StopReason(), 0x40010001),
        (
            StopReason(planned=False, major=StopMajor.SOFTWARE, minor=StopMinor.HUNG),
            0x10040006,
        ),
        (StopReason(major=0x40, minor=0x100), 0x60400100),
        (StopReason(planned=False, major=0xFF, minor=0xFFFF), 0x30FFFFFF),
        (StopReason(major=StopMajor.NONE, minor=StopMinor.MEMORY_LIMIT), 0x40060018),
    ],
)
def test_code_has_one_flag_major_and_minor(reason: StopReason, code: int) -> None:
    """PLANNED or UNPLANNED, CUSTOM for numbers of one's own (B-41)."""
    assert reason.code == code


@pytest.mark.parametrize(
    ("major", "minor", "text"),
    [
        (0, 1, "major is 0x0"),
        (7, 1, "major is 0x7"),
        (0x3F, 0x100, "major is 0x3f"),
        (0x100, 0x100, "major is 0x100"),
        (1, 0, "minor is 0x0"),
        (1, 0x19, "minor is 0x19"),
        (0x40, 0x10000, "minor is 0x10000"),
        (0x40, 1, "both are to be"),
        (1, 0x100, "both are to be"),
    ],
)
def test_what_the_scm_would_refuse_is_refused(
    major: int, minor: int, text: str
) -> None:
    """The SCM's answer would be 87, whichever it is (I-55)."""
    with pytest.raises(ValueError, match=text):
        StopReason(major=major, minor=minor)


@given(st.integers(0, 0x1FF), st.integers(0, 0x1FFFF), st.booleans())
def test_no_number_leaves_its_field(major: int, minor: int, planned: bool) -> None:
    """Whatever is accepted can be told apart again."""
    try:
        code = StopReason(planned=planned, major=major, minor=minor).code
    except ValueError:
        return

    assert (code >> 16 & 0xFF, code & 0xFFFF) == (major, minor)
    assert code >> 28 & 0b101 == (0b100 if planned else 0b001)
    assert bool(code & 0x20000000) == (major >= 0x40)


def test_comment_has_127_units() -> None:
    """B-40 counts UTF-16, as all limits do (J-10)."""
    check_comment(StopReason(), "\U0001f40d" * 63 + "x")
    with pytest.raises(ValueError, match="128 characters: the SCM takes 127"):
        check_comment(StopReason(), "\U0001f40d" * 64)
    with pytest.raises(ValueError, match="NUL"):
        check_comment(StopReason(), "a\0b")
    with pytest.raises(ValueError, match="needs a reason"):
        check_comment(None, "why")
