"""What services reported and subscribed to, and which rules they broke."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from winsvc.registrations import Subject
from winsvc.states import Accept, State

if TYPE_CHECKING:
    from winsvc._wire_interfaces import ReportTuple
    from winsvc.testing.process import SimulatedProcess
    from winsvc.testing.records import Record

# B.2, plus the way back from a pause or continue that took too long.
_MAY_FOLLOW = {
    State.NOT_READY: {State.START_PENDING, State.RUNNING, State.STOPPED},
    State.START_PENDING: {
        State.START_PENDING,
        State.STOP_PENDING,
        State.RUNNING,
        State.STOPPED,
    },
    State.STOP_PENDING: {State.STOP_PENDING, State.STOPPED},
    State.RUNNING: {
        State.RUNNING,
        State.STOP_PENDING,
        State.PAUSE_PENDING,
        State.PAUSED,
        State.STOPPED,
    },
    State.CONTINUE_PENDING: {
        State.CONTINUE_PENDING,
        State.STOP_PENDING,
        State.RUNNING,
        State.PAUSED,
        State.STOPPED,
    },
    State.PAUSE_PENDING: {
        State.PAUSE_PENDING,
        State.STOP_PENDING,
        State.PAUSED,
        State.RUNNING,
        State.STOPPED,
    },
    State.PAUSED: {
        State.PAUSED,
        State.STOP_PENDING,
        State.CONTINUE_PENDING,
        State.RUNNING,
        State.STOPPED,
    },
    State.STOPPED: set(),
}


@dataclass(frozen=True, slots=True)
class Report:
    """One status that a service reported.

    Attributes:
        time: Seconds of the simulated clock.
        wait_hint: Seconds.
    """

    time: float
    state: State
    accepts: Accept
    exit_code: int
    service_exit_code: int
    checkpoint: int
    wait_hint: float


@dataclass(frozen=True, slots=True)
class Violation:
    """A report that the SCM takes, and that breaks a rule all the same."""

    service: str
    rule: str
    report: Report


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a service has subscribed to, and has not unsubscribed from.

    Attributes:
        data: A GUID's or a handle's bytes, as the system gets them.
    """

    subject: Subject
    data: bytes


def make_report(raw: ReportTuple) -> Report:
    """Make a report of the tuple that ``_native`` returns."""
    time, _, _, state, accepted, exit_code, specific, checkpoint, hint = raw
    return Report(
        time=time / 1e9,
        state=State(state),
        accepts=Accept(accepted),
        exit_code=exit_code,
        service_exit_code=specific,
        checkpoint=checkpoint,
        wait_hint=hint / 1000,
    )


def violations_of(record: Record) -> list[Violation]:
    """Return a service's reports that broke a rule, in all processes so far."""
    processes = [*record.past, *([record.process] if record.process else [])]
    return [violation for process in processes for violation in _judge(record, process)]


def _judge(record: Record, process: SimulatedProcess) -> Iterator[Violation]:
    before = State.NOT_READY
    checkpoint = 0
    reports = [make_report(raw) for raw in process.reports(record.place)]
    if reports and process.last_report(record.place)[0] > len(reports):
        # The first ones are gone.
        before, checkpoint = reports[0].state, reports[0].checkpoint
        del reports[0]
    for report in reports:
        if record.program and before is State.STOPPED:
            before = State.NOT_READY  # started again, or it was refused
        if report.state not in _MAY_FOLLOW[before]:
            yield Violation(record.name, "B.2", report)
        same = report.state == before and report.state.is_pending
        if same and report.checkpoint <= checkpoint:
            yield Violation(record.name, "C-2", report)
        if not report.state.is_pending and (report.checkpoint or report.wait_hint):
            yield Violation(record.name, "B-7", report)
        before, checkpoint = report.state, report.checkpoint
