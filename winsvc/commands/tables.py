"""Tables: with colours where rich is there to draw on a terminal, else aligned text.

The plain form is for grep, cut and logs: a line each, columns two blanks apart.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeAlias
from unicodedata import combining, east_asian_width

from winsvc.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

Row: TypeAlias = Sequence[str]

_COLOURS = {
    "RUNNING": "green",
    "PAUSED": "cyan",
    "STOPPED": "default",
    "START_PENDING": "yellow",
    "STOP_PENDING": "yellow",
    "PAUSE_PENDING": "yellow",
    "CONTINUE_PENDING": "yellow",
    "deleted": "red",
    "problem": "bold red",
    "warning": "yellow",
    "ok": "green",
}
_LIVE_ROWS = 15


def is_rich() -> bool:
    """Tell whether standard output is a terminal that rich can draw on."""
    stream = sys.stdout
    is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    return is_terminal and find_spec("rich") is not None


def print_table(header: Row, rows: Sequence[Row]) -> None:
    """Print a table with its header."""
    if is_rich():
        from rich.console import Console

        Console().print(rich_table(header, rows))
        return
    everything = [tuple(map(_cell, row)) for row in (header, *rows)]
    widths = [max(map(_width, column)) for column in zip(*everything, strict=True)]
    for row in everything:
        print(_line(row, widths))


@contextmanager
def growing_table(
    header: Row, widths: Sequence[int]
) -> Iterator[Callable[[Row], None]]:
    """Show rows as they come: a live table of the newest ones, or lines.

    Args:
        header: Shown where the table is live.
        widths: Of the columns in plain lines; a longer text takes its space.

    Yields:
        What adds a row.
    """
    if not is_rich():
        yield lambda row: print(_line(tuple(map(_cell, row)), widths), flush=True)
        return
    from rich.console import Console
    from rich.live import Live

    rows: list[Row] = []
    console = Console()
    with Live(rich_table(header, rows), console=console, auto_refresh=False) as live:

        def add(row: Row) -> None:
            rows.append(row)
            # A table that does not fit is not redrawn but cut.
            del rows[: -min(_LIVE_ROWS, max(console.height - 4, 1))]
            live.update(rich_table(header, rows), refresh=True)

        yield add


def rich_table(header: Row, rows: Sequence[Row]) -> Table:
    """Return rich's table, states in their colours."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")  # no value is cut
    for row in rows:
        # Text: the brackets in a service's name are no markup.
        table.add_row(*(Text(one_line(cell), _COLOURS.get(cell, "")) for cell in row))
    return table


def _line(row: Row, widths: Sequence[int]) -> str:
    cells = (
        cell + " " * (width - _width(cell))
        for cell, width in zip(row, widths, strict=True)
    )
    return "  ".join(cells).rstrip()


def _cell(text: str) -> str:
    """Return a text as standard output shows it, escapes included."""
    encoding = sys.stdout.encoding or "utf-8"
    return one_line(text).encode(encoding, "backslashreplace").decode(encoding)


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0 if combining(each) else 2 if east_asian_width(each) in "WF" else 1
        for each in text
    )
