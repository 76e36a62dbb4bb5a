"""The journal: what the core did last, with monotonic times."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from winsvc.states import State, control_name

if TYPE_CHECKING:
    from winsvc._interfaces import JournalTuple


class Kind(IntEnum):
    """Kind of a journal entry."""

    REPORT = 1
    """A status was reported to the SCM."""
    CONTROL = 2
    """A control arrived and was answered."""
    COALESCED = 3
    """The queue was full: folded into one of its kind that was queued."""
    DROPPED = 4
    """The queue was full: the control was refused with 1816."""
    REQUEST = 5
    """The service asked for its own stop."""
    EXPIRED = 6
    """A pending state passed its deadline."""
    WAKEUP = 7
    """The reporter thread woke up."""
    LATE = 8
    """Python's answer to a query came too late: ``result`` was given."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One entry of a service's journal.

    Attributes:
        number: Counts all entries of the service, from 0, gaps shown as such.
        kind: What happened.
        time: When, in seconds of the core's monotonic clock.
        duration: Seconds until the SCM call or the handler returned.
        state: The state reported or expired, else ``None``.
        control: The control code, else ``None``.
        checkpoint: Of a report.
        wait_hint: Of a report, in seconds.
        event_type: Of a control.
        data: Payload of a control; ``None``: newer payloads have overwritten it.
        result: Windows code: of the report, or what the handler answered.
    """

    number: int
    kind: Kind
    time: float
    duration: float
    state: State | None = None
    control: int | None = None
    checkpoint: int = 0
    wait_hint: float = 0.0
    event_type: int = 0
    data: bytes | None = b""
    result: int = 0

    def __str__(self) -> str:
        """Return one line for a log or a terminal."""
        if self.kind is Kind.REPORT and self.state is not None:
            text = f"report {self.state.name}"
            if self.state.is_pending:
                text += f" checkpoint {self.checkpoint} hint {self.wait_hint:g} s"
        elif self.control is not None:
            text = f"{self.kind.name.lower()} {control_name(self.control)}"
        else:
            text = self.kind.name.lower()
        if self.result:
            text += f" -> {self.result}"
        return f"{self.time:.6f} {text} ({self.duration * 1e6:.0f} us)"


def make_entry(raw: JournalTuple) -> JournalEntry:
    """Make an entry of the tuple that ``_native`` returns."""
    number, kind_, time, done, a, b, c, result, data = raw
    kind = Kind(kind_)
    about_state = kind in (Kind.REPORT, Kind.EXPIRED, Kind.WAKEUP)
    return JournalEntry(
        number=number,
        kind=kind,
        time=time / 1e9,
        duration=(done - time) / 1e9 if done else 0.0,
        state=State(a) if about_state else None,
        control=None if about_state else a,
        checkpoint=b if kind is Kind.REPORT else 0,
        wait_hint=c / 1000 if kind is Kind.REPORT else 0.0,
        event_type=0 if about_state else b,
        data=data,
        result=result,
    )
