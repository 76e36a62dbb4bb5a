"""What happens to a service on a simulated SCM, line by line in a terminal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from winsvc.commands.progress import Paint, describe_accepts, describe_duration
from winsvc.glance import describe_exit, describe_pending
from winsvc.journal import JournalEntry, Kind
from winsvc.states import State, control_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from winsvc.testing import Report, SimulatedScm
    from winsvc.testing.process import SimulatedProcess

_TROUBLES = {
    Kind.COALESCED: "coalesced: the queue is full",
    Kind.DROPPED: "dropped: the queue is full",
    Kind.LATE: "its handler's answer came too late",
}
_SHOWN = (Kind.CONTROL, Kind.REQUEST, Kind.EXPIRED, *_TROUBLES)


class Timeline:
    """Writes what a service on a simulated SCM reports and is asked, one line each.

    Args:
        scm: The SCM.
        name: The service's key name.
        stream: Where the lines go.
        remark: Returns what to say after a control, if anything.

    The times are the core's own, taken in C.  Callable from any thread.
    """

    def __init__(
        self,
        scm: SimulatedScm,
        name: str,
        stream: TextIO,
        remark: Callable[[JournalEntry], str] = lambda entry: "",
    ) -> None:
        self.began = scm.now
        self.controls: list[JournalEntry] = []
        self.paint = Paint(stream)
        self._scm = scm
        self._name = name
        self._stream = stream
        self._remark = remark
        self._reported = -1.0
        self._entry = -1
        self._lock = threading.Lock()

    @property
    def process(self) -> SimulatedProcess:
        """The service's last process; LookupError before there is one."""
        return self._scm.process(self._name)

    def say(self, sign: str, what: str, more: str = "") -> None:
        """Write a line about what happens now."""
        with self._lock:
            self._write(self._scm.now, f"{sign} {what:<16}  {more}")

    def update(self, *, final: bool = False) -> None:
        """Write what has happened since the last time.

        Args:
            final: Nothing more will come: even what is unfinished is written.
        """
        with self._lock:
            for time_, line in self._news(final=final):
                self._write(time_, line)

    def follow(self, changed: Callable[[], None] = lambda: None) -> None:
        """Write all that happens until the service's process is dead.

        Args:
            changed: Called after every report.

        Blocks with the GIL released; wakes up for reports only.
        """
        process = self.process
        seen = 0
        while True:
            process.wait_report(seen, None)
            seen = process.last_report()[0]
            dead = process.is_dead
            self.update(final=dead)
            changed()
            if dead:
                return

    def _write(self, at: float, line: str) -> None:
        clock = self.paint.dim(f"{at - self.began:8.3f} s")
        self._stream.write(f"{clock}  {line.rstrip()}\n")
        self._stream.flush()

    def _news(self, *, final: bool) -> Iterator[tuple[float, str]]:
        news: list[Report | JournalEntry] = [
            report
            for report in self._scm.reports(self._name)
            if report.time > self._reported
        ]
        news += [
            entry
            for entry in self._scm.journal(self._name)
            if entry.number > self._entry and entry.kind in _SHOWN
        ]
        for item in sorted(news, key=lambda item: item.time):
            if isinstance(item, JournalEntry):
                # Its handler has not returned: it is written once it has.
                if item.kind is Kind.CONTROL and not item.duration and not final:
                    return
                self._entry = item.number
                yield item.time, self._entry_line(item)
            else:
                self._reported = item.time
                yield item.time, self._report_line(item)

    def _report_line(self, report: Report) -> str:
        more = ""
        if report.state.is_pending:
            more = describe_pending(report.checkpoint, report.wait_hint)
        elif report.state is State.STOPPED:
            more = describe_exit(report.exit_code, report.service_exit_code)
            more = self.paint.bad(more) if report.exit_code else more
        elif report.state is State.RUNNING:
            more = f"accepts {describe_accepts(report.accepts)}"
        return f"  {self.paint.state(report.state, f'{report.state.name:<16}')}  {more}"

    def _entry_line(self, entry: JournalEntry) -> str:
        if entry.kind is Kind.REQUEST:
            return "  the service asks for its own stop"
        if entry.kind is Kind.EXPIRED and entry.state is not None:
            return self.paint.bad(f"! {entry.state.name} took too long")
        name = f"{control_name(entry.control or 0):<16}"
        if entry.kind is not Kind.CONTROL:
            what = _TROUBLES[entry.kind]
            return self.paint.bad(f"! {name}  {what}")
        self.controls.append(entry)
        took = describe_duration(entry.duration, self._stream)
        answer = f"with {entry.result} " if entry.result else ""
        more = f"answered {answer}in {took}{self._remark(entry)}"
        return f"{self.paint.asked(f'> {name}')}  {more}"
