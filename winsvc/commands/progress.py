"""What a terminal shows of a service: its states, its failures, its progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

from winsvc.glance import describe_pending
from winsvc.printable import one_line
from winsvc.states import Accept, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from winsvc.manage.status import ServiceStatus


# --- texts -------------------------------------------------------------------


def describe_accepts(accepts: Accept) -> str:
    """Return the names of the accepted controls."""
    names = [flag.name or "" for flag in Accept if flag in accepts]
    return ", ".join(names) or "nothing"


def describe_duration(seconds: float, stream: TextIO) -> str:
    """Return a short time in the unit that fits, as the stream can write it."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds * 1e6:.0f} {_micro(stream)}s"


def _micro(stream: TextIO) -> str:
    try:
        "\N{MICRO SIGN}".encode(stream.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return "u"
    return "\N{MICRO SIGN}"


# --- colours -----------------------------------------------------------------


class Paint:
    """Colours, where the stream is a terminal that has them.

    Args:
        stream: Where the text goes.
    """

    def __init__(self, stream: TextIO) -> None:
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        # An old Windows console shows the codes instead.
        legacy = os.name == "nt" and "WT_SESSION" not in os.environ
        self.is_on = stream.isatty() and not plain and not legacy

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.is_on else text

    def bold(self, text: str) -> str:
        """Return a text that stands out."""
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        """Return a text that stands back."""
        return self._wrap("2", text)

    def good(self, text: str) -> str:
        """Return a text that says that all is well."""
        return self._wrap("32", text)

    def bad(self, text: str) -> str:
        """Return a text that says that something failed."""
        return self._wrap("31", text)

    def asked(self, text: str) -> str:
        """Return a text about what the SCM asked for."""
        return self._wrap("36", text)

    def state(self, state: State, text: str) -> str:
        """Return a text in the colour of a state."""
        if state in (State.RUNNING, State.PAUSED):
            return self.good(text)
        return self._wrap("33", text) if state.is_pending else self.bold(text)


# --- waiting for a service ---------------------------------------------------


@contextmanager
def shown_progress(name: str) -> Iterator[Callable[[ServiceStatus], None]]:
    """Show how a pending service gets on: a bar with rich, else lines.

    Args:
        name: The service's.

    Yields:
        What ``wait_state`` is to call with each status.
    """
    name = one_line(name)
    if sys.stdout.isatty() and find_spec("rich") is not None:
        with _bar(name) as show:
            yield show
        return

    def show_line(status: ServiceStatus) -> None:
        if status.state.is_pending:
            text = describe_pending(status.checkpoint, status.wait_hint)
            print(f"{name} is {status.state.name}: {text}", flush=True)

    yield show_line


@contextmanager
def _bar(name: str) -> Iterator[Callable[[ServiceStatus], None]]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=12),
        TimeElapsedColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, transient=True) as progress:
        # How far it is to the end nobody knows: the bar says only that it moves.
        task = progress.add_task(name, total=None, text="")

        def show(status: ServiceStatus) -> None:
            text = ""
            if status.state.is_pending:
                text = describe_pending(status.checkpoint, status.wait_hint)
            what = f"{name} {status.state.name}"
            progress.update(task, description=what, text=text)

        yield show
