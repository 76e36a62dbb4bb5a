"""SimulatedScm: a ServiceManager whose services run in this process."""

from __future__ import annotations

from dataclasses import dataclass

from winsvc._native import ReportTuple
from winsvc.config import ServiceConfig
from winsvc.journal import JournalEntry
from winsvc.manager import ServiceHandle, ServiceManager
from winsvc.service import Service, check_class
from winsvc.states import Accept, State
from winsvc.testing.database import Record, SimulatedBackend
from winsvc.testing.process import Launcher, SimulatedProcess, launch_thread

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


class SimulatedScm(ServiceManager):
    """An SCM in this process: the same interface as the real one's, and more.

    Args:
        clock: ``"virtual"``: time stands still but for :meth:`advance`;
            ``"real"``: the system's monotonic clock.
        launch: Where a process's main thread runs; default: a new thread.

    Services are really hosted, by the same C core; only the SCM is simulated.
    """

    def __init__(
        self, clock: str = "virtual", *, launch: Launcher = launch_thread
    ) -> None:
        if clock not in ("virtual", "real"):
            msg = f"clock is {clock!r}: write 'virtual' or 'real'"
            raise ValueError(msg)
        self._simulated = SimulatedBackend(virtual=clock == "virtual", launch=launch)
        super().__init__(backend=self._simulated)

    @property
    def now(self) -> float:
        """Seconds of the simulated clock."""
        return self._simulated.monotonic()

    @property
    def pipe_timeout(self) -> float:
        """Seconds that the SCM waits for a process (A-40)."""
        return self._simulated.pipe_timeout

    @pipe_timeout.setter
    def pipe_timeout(self, seconds: float) -> None:
        self._simulated.pipe_timeout = seconds

    def add(self, service: type[Service], *, name: str | None = None) -> ServiceHandle:
        """Create a service of a class, without a command line.

        Args:
            service: The class that its process hosts.
            name: Key name; default: the class's own.
        """
        check_class(service)
        handle = self.create(
            ServiceConfig(
                name=name or service.name,
                display_name=service.display_name,
                command=("python", "-m", "winsvc", "host", service.__qualname__),
                start_type=service.start_type,
            )
        )
        self._record(handle.name).load = lambda: service
        return handle

    def advance(self, seconds: float) -> None:
        """Move a virtual clock on.

        Everything that falls due on the way happens at its time: the reporter
        threads are waited for, Python's threads are only woken.
        """
        self._simulated.advance(seconds)

    def send(
        self, name: str, control: int, event_type: int = 0, data: bytes | None = None
    ) -> int:
        """Deliver a control as the system itself does, whatever its code.

        The accept mask and the state are not asked; the buffer that the handler
        sees is overwritten when it returns (I-127).

        Returns:
            What the handler answered.
        """
        record = self._record(name)
        return self._simulated.deliver(record, control, event_type, data, "send")

    def kill(self, name: str, exit_code: int = 1) -> None:
        """End a service's process as a crash does."""
        self.process(name).kill(exit_code)

    def wait_gone(self, name: str, timeout: float = 10.0) -> int:
        """Wait in real time until a process has ended; return its exit code.

        Raises:
            TimeoutError: It lives still.
        """
        process = self.process(name)
        if not process.gone.wait(timeout):
            msg = f"the process of {name} lives still after {timeout:g} s"
            raise TimeoutError(msg)
        assert process.exit_code is not None
        return process.exit_code

    def reports(self, name: str) -> tuple[Report, ...]:
        """Return what the service's last process reported, oldest first."""
        process = self._record(name).process
        return tuple(map(_make_report, process.reports())) if process else ()

    def journal(self, name: str) -> tuple[JournalEntry, ...]:
        """Return the core's journal of the service's last process."""
        return self.process(name).journal()

    def instance(self, name: str) -> Service:
        """Return the service object that the last process made."""
        host = self.process(name).host
        if host is None or host.service is None:
            msg = f"{name} has not been loaded yet"
            raise LookupError(msg)
        return host.service

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Reports that broke a rule, of all processes so far."""
        found: list[Violation] = []
        for record in self._simulated.records.values():
            for process in (*record.past, record.process):
                if process is not None:
                    found.extend(_violations(record.name, process))
        return tuple(found)

    def _record(self, name: str) -> Record:
        try:
            return self._simulated.records[name.upper()]
        except KeyError:
            msg = f"the simulated SCM has no service {name!r}"
            raise LookupError(msg) from None

    def process(self, name: str) -> SimulatedProcess:
        """Return the service's last process."""
        process = self._record(name).process
        if process is None:
            msg = f"{name} was never started"
            raise LookupError(msg)
        return process


def _make_report(raw: ReportTuple) -> Report:
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


def _violations(name: str, process: SimulatedProcess) -> list[Violation]:
    found = []
    before = State.NOT_READY
    checkpoint = 0
    reports = [_make_report(raw) for raw in process.reports()]
    if process.last_report()[0] > len(reports):  # the first ones are gone
        before, checkpoint = reports[0].state, reports[0].checkpoint
        del reports[0]
    for report in reports:
        if report.state not in _MAY_FOLLOW[before]:
            found.append(Violation(name, "B.2", report))
        same = report.state == before and report.state.is_pending
        if same and report.checkpoint <= checkpoint:
            found.append(Violation(name, "C-2", report))
        if not report.state.is_pending and (report.checkpoint or report.wait_hint):
            found.append(Violation(name, "B-7", report))
        before, checkpoint = report.state, report.checkpoint
    return found
