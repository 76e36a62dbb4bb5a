"""Tables show all of a value, and nothing that a value makes of itself."""

from __future__ import annotations

import io
import re
import sys

import pytest

from winsvc.commands import tables
from winsvc.testing.database import SimulatedBackend

from .conftest import Run, Terminal

EVIL = "Fine\x1b]0;title\x07\nOther  RUNNING"
SHOWN = r"Fine\x1b]0;title\x07\nOther  RUNNING"
SDDL = "D:" + "(A;;CCLCSWRPWPDTLOCRRC;;;SY)" * 6


def on_terminal(monkeypatch: pytest.MonkeyPatch, *row: str) -> list[str]:
    """Return the lines of a table on a terminal of 40 columns, without colours."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    tables.print_table(("SETTING", "VALUE"), [row])
    own = re.sub(r"\x1b\[[01]m", "", terminal.getvalue())  # the header is bold
    return own.splitlines()


def test_value_that_is_too_long_goes_on_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every character of it is there."""
    lines = on_terminal(monkeypatch, "security", SDDL)

    assert max(map(len, lines)) <= 40
    assert SDDL in "".join(line.removeprefix("security").strip() for line in lines)


def test_terminal_sees_no_command_in_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escapes are written out; a row is one service's."""
    shown = " ".join(line.strip() for line in on_terminal(monkeypatch, "x", EVIL))

    assert "\x1b" not in shown
    assert SHOWN.replace(" ", "") in shown.replace(" ", "")


def test_columns_stand_below_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is written out for the stream, and however wide a character is."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp437", errors="backslashreplace")
    monkeypatch.setattr(sys, "stdout", stream)
    tables.print_table(("A", "B"), [("x\ny", "1"), ("\N{EURO SIGN}", "2")])
    stream.flush()
    wide = io.StringIO()
    monkeypatch.setattr(sys, "stdout", wide)
    tables.print_table(
        ("A", "B"), [("中文", "1"), ("e\N{COMBINING ACUTE ACCENT}", "2")]
    )

    assert raw.getvalue().split(b"\n")[:3] == [
        b"A       B",
        rb"x\ny    1",
        rb"\u20ac  2",
    ]
    assert wide.getvalue().splitlines() == [
        "A     B",
        "中文  1",
        "e\N{COMBINING ACUTE ACCENT}     2",
    ]


def test_no_command_shows_a_name_raw(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """Neither where it is shown nor where it is refused, nor in a plan."""
    name = "red\x1b[31m\nrow"
    seen = [
        run("install", target, "--name", name, "--display-name", EVIL),
        run("list"),
        run("status", name),
        run("config", name),
        run("start", name),
        run("status", name + "x"),
        run("plan", name, "--description", EVIL),
        run("stop", name),
        run("remove", name),
    ]

    assert [code for code, _, _ in seen[:5]] == [0] * 5
    assert not backend.records
    for _, out, err in seen:
        assert "\x1b" not in out + err
        assert not any(line.startswith(("row", "Other")) for line in out.splitlines())
        assert not any(line.startswith(("row", "Other")) for line in err.splitlines())
