"""The simulated SCM's database and its rules, each named by its number.

The numbers are those of ``docs/scm-rules.md``.  Everything here is what the SCM
does; how a service process answers is in ``process.py``.
"""

from __future__ import annotations

import itertools
import shlex
import threading
import time
from dataclasses import dataclass, field

from winsvc import _native
from winsvc._native import StatusTuple
from winsvc.host import Loader
from winsvc.states import USER_CONTROLS, Accept, Control, StartType, State
from winsvc.testing.process import (
    DEAD,
    DONE,
    LATE,
    NO_THREAD,
    NOT_IN_EXE,
    Launcher,
    SimulatedProcess,
    launch_thread,
)

PIPE_TIMEOUT = 30.0
START_HINT_MS = 2000
MAX_NAME = 256  # E-1
MAX_ARGUMENTS = 1024
MAX_ARGUMENT = 1024  # with its NUL

ERROR_FILE_NOT_FOUND = 2
ERROR_INVALID_HANDLE = 6
ERROR_INVALID_PARAMETER = 87
ERROR_BROKEN_PIPE = 109
ERROR_INVALID_NAME = 123
ERROR_INVALID_SERVICE_CONTROL = 1052
ERROR_SERVICE_REQUEST_TIMEOUT = 1053
ERROR_SERVICE_NO_THREAD = 1054
ERROR_SERVICE_ALREADY_RUNNING = 1056
ERROR_SERVICE_DISABLED = 1058
ERROR_SERVICE_DOES_NOT_EXIST = 1060
ERROR_SERVICE_CANNOT_ACCEPT_CTRL = 1061
ERROR_SERVICE_NOT_ACTIVE = 1062
ERROR_PROCESS_ABORTED = 1067
ERROR_SERVICE_MARKED_FOR_DELETE = 1072
ERROR_SERVICE_EXISTS = 1073
ERROR_SERVICE_NEVER_STARTED = 1077
ERROR_DUPLICATE_SERVICE_NAME = 1078
ERROR_SERVICE_NOT_IN_EXE = 1083

_OUTCOMES = {
    LATE: ERROR_SERVICE_REQUEST_TIMEOUT,
    DEAD: ERROR_BROKEN_PIPE,
    NO_THREAD: ERROR_SERVICE_NO_THREAD,
    NOT_IN_EXE: ERROR_SERVICE_NOT_IN_EXE,
}

# B-31: the codes that a client may send.
_CLIENT_CONTROLS = frozenset((1, 2, 3, 4, 6, 7, 8, 9, 10)) | frozenset(USER_CONTROLS)
# B-34 and D.1; INTERROGATE, DEVICEEVENT and user codes need none.
_ACCEPT_BITS: dict[int, Accept] = {
    Control.STOP: Accept.STOP,
    Control.PAUSE: Accept.PAUSE_CONTINUE,
    Control.CONTINUE: Accept.PAUSE_CONTINUE,
    Control.SHUTDOWN: Accept.SHUTDOWN,
    Control.PARAMCHANGE: Accept.PARAMCHANGE,
    Control.NETBINDADD: Accept.NETBINDCHANGE,
    Control.NETBINDREMOVE: Accept.NETBINDCHANGE,
    Control.NETBINDENABLE: Accept.NETBINDCHANGE,
    Control.NETBINDDISABLE: Accept.NETBINDCHANGE,
    Control.HARDWAREPROFILECHANGE: Accept.HARDWAREPROFILECHANGE,
    Control.POWEREVENT: Accept.POWEREVENT,
    Control.SESSIONCHANGE: Accept.SESSIONCHANGE,
    Control.PRESHUTDOWN: Accept.PRESHUTDOWN,
    Control.TIMECHANGE: Accept.TIMECHANGE,
    Control.TRIGGEREVENT: Accept.TRIGGEREVENT,
    Control.USERMODEREBOOT: Accept.USERMODEREBOOT,
    Control.LOWRESOURCES: Accept.LOWRESOURCES,
    Control.SYSTEMLOWRESOURCES: Accept.SYSTEMLOWRESOURCES,
}
_STOPS = (Control.STOP, Control.SHUTDOWN, Control.PRESHUTDOWN)


def refusal(code: int, what: str) -> OSError:
    """Return the error that the real binding would raise for a code."""
    error = OSError(code, what)
    error.winerror = code  # type: ignore[attr-defined,unused-ignore]  # as py_raise
    return error


@dataclass(slots=True, eq=False)
class Record:
    """One service in the database."""

    name: str
    display_name: str
    command_line: str
    service_type: int
    start_type: int
    account: str | None
    load: Loader | None = None
    description: str = ""
    process: SimulatedProcess | None = None
    past: list[SimulatedProcess] = field(default_factory=list)
    pid: int = 0
    stop_sent: bool = False  # B-37
    deleted: bool = False  # E-31
    handles: int = 0


@dataclass(slots=True, eq=False)
class Handle:
    """A client's handle: of the SCM itself without a record."""

    record: Record | None
    is_open: bool = True
    seen: int = 0  # reports that its holder knows of


class SimulatedBackend:
    """The functions of a client of the SCM, on the simulated database.

    Args:
        clock: ``"virtual"`` or ``"real"``.
        launch: Where a process's main thread runs; default: a new thread.
    """

    def __init__(self, *, virtual: bool, launch: Launcher = launch_thread) -> None:
        self._sim = _native.require_sim()
        self.clock = self._sim.clock_new(virtual)
        self.launch = launch
        self.records: dict[str, Record] = {}
        self.pipe_timeout = PIPE_TIMEOUT
        self._lock = threading.RLock()
        self._pids = itertools.count(1000, 4)

    # --- handles ------------------------------------------------------------------

    def manager_open(self, machine: str | None, access: int) -> Handle:
        """Open the SCM; there is only this machine's."""
        del access
        if machine is not None:
            raise refusal(1722, "open the SCM")  # E-20
        return Handle(None)

    def handle_close(self, handle: Handle) -> None:
        """Close a handle; a deleted, stopped service goes with its last (E-32)."""
        with self._lock:
            if not handle.is_open:
                raise refusal(ERROR_INVALID_HANDLE, "close a handle")
            handle.is_open = False
            if handle.record is not None:
                handle.record.handles -= 1
                self._sweep(handle.record)

    def _handle(self, record: Record) -> Handle:
        record.handles += 1
        return Handle(record)

    def _record(self, handle: Handle, what: str) -> Record:
        if not handle.is_open or handle.record is None:  # E-24, E-25
            raise refusal(ERROR_INVALID_HANDLE, what)
        return handle.record

    def _sweep_all(self) -> None:
        """Let go what was deleted while it ran, and has stopped since (E-32)."""
        for record in list(self.records.values()):
            self._sweep(record)

    def _sweep(self, record: Record) -> None:
        if (
            record.deleted
            and record.handles == 0
            and self.status_of(record)[1] == State.STOPPED
        ):
            self.records.pop(record.name.upper(), None)

    # --- the database -------------------------------------------------------------

    def service_create(
        self,
        manager: Handle,
        name: str,
        display_name: str,
        command_line: str,
        service_type: int,
        start_type: int,
        account: str | None,
        password: str | None,
        access: int,
    ) -> Handle:
        """Create a service (E-6)."""
        del password, access
        what = "create the service"
        with self._lock:
            self._sweep_all()
            if not manager.is_open or manager.record is not None:
                raise refusal(ERROR_INVALID_HANDLE, what)
            if not 0 < len(name) <= MAX_NAME or set("/\\") & set(name):  # E-1
                raise refusal(ERROR_INVALID_NAME, what)
            if not command_line:
                raise refusal(ERROR_INVALID_PARAMETER, what)
            old = self.records.get(name.upper())
            if old is not None:
                deleted = ERROR_SERVICE_MARKED_FOR_DELETE
                raise refusal(deleted if old.deleted else ERROR_SERVICE_EXISTS, what)
            if display_name.upper() in self.records:  # E-12
                raise refusal(ERROR_DUPLICATE_SERVICE_NAME, what)
            record = Record(
                name=name,
                display_name=display_name or name,  # E-4
                command_line=command_line,
                service_type=service_type,
                start_type=start_type,
                account=account,
            )
            self.records[name.upper()] = record
            return self._handle(record)

    def service_open(self, manager: Handle, name: str, access: int) -> Handle:
        """Open a service by its key name (E-21)."""
        del access
        what = "open the service"
        with self._lock:
            self._sweep_all()
            if not manager.is_open or manager.record is not None:
                raise refusal(ERROR_INVALID_HANDLE, what)
            record = self.records.get(name.upper())
            if record is None:
                raise refusal(ERROR_SERVICE_DOES_NOT_EXIST, what)
            return self._handle(record)

    def service_delete(self, handle: Handle) -> None:
        """Mark a service for deletion (E-30, E-31)."""
        with self._lock:
            record = self._record(handle, "delete the service")
            if record.deleted:
                raise refusal(ERROR_SERVICE_MARKED_FOR_DELETE, "delete the service")
            record.deleted = True
            record.start_type = StartType.DISABLED

    def service_describe(self, handle: Handle, text: str) -> None:
        """Set the description."""
        with self._lock:
            self._record(handle, "describe the service").description = text

    def service_list(self, manager: Handle) -> list[tuple[str, str, StatusTuple]]:
        """Return all services in the database's order (F-18)."""
        with self._lock:
            self._sweep_all()
            if not manager.is_open:
                raise refusal(ERROR_INVALID_HANDLE, "list the services")
            return [
                (record.name, record.display_name, self.status_of(record))
                for record in self.records.values()
            ]

    # --- starting -----------------------------------------------------------------

    def service_start(self, handle: Handle, args: tuple[str, ...]) -> None:
        """Start a service; the checks come in the order of A-63."""
        what = "start the service"
        with self._lock:
            record = self._record(handle, what)
            _check_arguments(args, what)
            if record.deleted:
                raise refusal(ERROR_SERVICE_MARKED_FOR_DELETE, what)
            if record.start_type == StartType.DISABLED:
                raise refusal(ERROR_SERVICE_DISABLED, what)
            if self.status_of(record)[1] != State.STOPPED:
                raise refusal(ERROR_SERVICE_ALREADY_RUNNING, what)
            if record.process is not None:
                record.past.append(record.process)
            load = record.load or _loader(record.command_line)
            record.stop_sent = False
            record.pid = next(self._pids)
            process = record.process = SimulatedProcess(
                record.name, load, self.clock, self.launch
            )
        # too late, or gone before it connected.
        if process.connected(self.pipe_timeout) != DONE:
            process.kill(1)
            raise refusal(ERROR_SERVICE_REQUEST_TIMEOUT, what)
        # the key name comes first.
        outcome = process.start((record.name, *args), self.pipe_timeout)
        if outcome != DONE:
            process.kill(1)
            raise refusal(_OUTCOMES[outcome], what)

    # --- status -------------------------------------------------------------------

    def service_status(self, handle: Handle) -> StatusTuple:
        """Return the record; the service is not asked (B-43)."""
        with self._lock:
            record = self._record(handle, "query the status")
            if record.process is not None:
                handle.seen = record.process.last_report()[0]
            return self.status_of(record)

    def status_of(self, record: Record) -> StatusTuple:
        """Return what the SCM shows of a service."""
        kind = record.service_type  # B-6: never the reported one
        process = record.process
        if process is None:
            stopped = ERROR_SERVICE_NEVER_STARTED
            return (kind, State.STOPPED, 0, stopped, 0, 0, 0, 0)
        dead = process.is_dead
        count, report = process.last_report()
        state, accepted, exit_code, specific, checkpoint, hint = report[3:]
        if dead and state != State.STOPPED:  # E-51; A-42 when it never connected
            code = ERROR_PROCESS_ABORTED if count else ERROR_SERVICE_REQUEST_TIMEOUT
            return (kind, State.STOPPED, 0, code, 0, 0, 0, 0)
        if not count:
            pending = State.START_PENDING
            return (kind, pending, 0, 0, 0, 0, START_HINT_MS, record.pid)
        if not State(state).is_pending:  # B-7
            checkpoint = hint = 0
        pid = 0 if state == State.STOPPED else record.pid  # B-20
        return (kind, state, accepted, exit_code, specific, checkpoint, hint, pid)

    def wait_change(self, handle: Handle, status: StatusTuple, seconds: float) -> None:
        """Wait for a report that the handle's holder has not seen."""
        del status
        process = self._record(handle, "wait for the service").process
        if process is None or process.is_dead:
            time.sleep(min(seconds, 0.01))  # only another client's start can help
        else:
            process.wait_report(handle.seen, seconds)

    def advance(self, seconds: float) -> None:
        """Move a virtual clock on."""
        self._sim.clock_advance(self.clock, seconds)

    def monotonic(self) -> float:
        """Return the simulated time in seconds."""
        return self._sim.clock_now(self.clock) / 1e9

    # --- controls -----------------------------------------------------------------

    def service_control(self, handle: Handle, code: int) -> StatusTuple:
        """Send a client's control; the checks come in the order of B-30."""
        what = "control the service"
        record = self._record(handle, what)
        if code not in _CLIENT_CONTROLS:
            raise refusal(ERROR_INVALID_PARAMETER, what)
        status = self.status_of(record)
        self._check_state(record, status, code, what)
        # B-33: answered by the SCM itself.
        if code == Control.INTERROGATE and status[1] == State.START_PENDING:
            return status
        bit = _ACCEPT_BITS.get(code)
        if bit is not None and not status[2] & bit:
            raise refusal(ERROR_INVALID_SERVICE_CONTROL, what)
        self.deliver(record, code, 0, None, what)
        return self.status_of(record)

    def _check_state(
        self, record: Record, status: StatusTuple, code: int, what: str
    ) -> None:
        state = status[1]
        if state == State.STOPPED:
            raise refusal(ERROR_SERVICE_NOT_ACTIVE, what)
        starting = state == State.START_PENDING
        if (
            record.stop_sent  # B-37
            or state == State.STOP_PENDING
            or (starting and code not in (Control.STOP, Control.INTERROGATE))
        ):
            raise refusal(ERROR_SERVICE_CANNOT_ACCEPT_CTRL, what)

    def deliver(
        self,
        record: Record,
        code: int,
        event_type: int,
        data: bytes | None,
        what: str,
    ) -> int:
        """Call the handler, whatever the state; return what it answered (A-34)."""
        process = record.process
        if process is None:
            raise refusal(ERROR_SERVICE_NOT_ACTIVE, what)
        outcome, answer = process.control(code, event_type, data, self.pipe_timeout)
        if outcome == DEAD and self.status_of(record)[1] == State.STOPPED:
            # It stopped between the check and the delivery (I-33).
            raise refusal(ERROR_SERVICE_NOT_ACTIVE, what)
        if outcome != DONE:
            raise refusal(_OUTCOMES[outcome], what)
        if code in _STOPS:
            record.stop_sent = True
        return answer


def _check_arguments(args: tuple[str, ...], what: str) -> None:
    """A-27; lengths in UTF-16 code units (J-10), the NUL included."""
    long = any(
        len(arg.encode("utf-16-le", "surrogatepass")) // 2 >= MAX_ARGUMENT
        for arg in args
    )
    if long or len(args) > MAX_ARGUMENTS:
        raise refusal(ERROR_INVALID_PARAMETER, what)


def _loader(command_line: str) -> Loader:
    """Return what a ``python -m winsvc host … TARGET`` command would import."""
    from winsvc.target import load_target, parse_target

    words = [word.strip('"') for word in shlex.split(command_line, posix=False)]
    if "host" not in words[1:]:
        raise refusal(ERROR_FILE_NOT_FOUND, "start the service")
    target = parse_target(words[-1])
    return lambda: load_target(target)
