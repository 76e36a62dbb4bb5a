"""The simulated SCM's database and its rules, each named by its number.

The numbers are those of ``docs/scm-rules.md``.  Everything here is what the SCM
does; how a service process answers is in ``process.py``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence

from winsvc import _native
from winsvc._interfaces import StatusTuple
from winsvc.handlers import HANDLERS
from winsvc.reasons import MAX_COMMENT
from winsvc.settings.accounts import needs_logon_right
from winsvc.states import (
    USER_CONTROLS,
    Accept,
    Control,
    ServiceType,
    StartType,
    State,
)
from winsvc.testing.configuration import SimulatedDatabase
from winsvc.testing.notifying import SimulatedNotifying
from winsvc.testing.process import (
    DEAD,
    DONE,
    LATE,
    NO_THREAD,
    NOT_IN_EXE,
    NOT_RUNNING,
    OWN_PROCESS,
    RUNNING,
    ControlTuple,
    Launcher,
    SimulatedProcess,
    launch_thread,
)
from winsvc.testing.records import (
    Handle,
    Program,
    Record,
    check_arguments,
    loader,
    program_of,
    refusal,
)
from winsvc.testing.rules import is_stop_reason, utf16_units
from winsvc.winerror import (
    ERROR_BROKEN_PIPE,
    ERROR_CTX_WINSTATION_NOT_FOUND,
    ERROR_DEPENDENT_SERVICES_RUNNING,
    ERROR_DIFFERENT_SERVICE_ACCOUNT,
    ERROR_INVALID_PARAMETER,
    ERROR_INVALID_SERVICE_CONTROL,
    ERROR_SERVICE_ALREADY_RUNNING,
    ERROR_SERVICE_CANNOT_ACCEPT_CTRL,
    ERROR_SERVICE_DISABLED,
    ERROR_SERVICE_LOGON_FAILED,
    ERROR_SERVICE_MARKED_FOR_DELETE,
    ERROR_SERVICE_NO_THREAD,
    ERROR_SERVICE_NOT_ACTIVE,
    ERROR_SERVICE_NOT_IN_EXE,
    ERROR_SERVICE_REQUEST_TIMEOUT,
)

PIPE_TIMEOUT = 30.0


_OUTCOMES = {
    LATE: ERROR_SERVICE_REQUEST_TIMEOUT,
    DEAD: ERROR_BROKEN_PIPE,
    NO_THREAD: ERROR_SERVICE_NO_THREAD,
    NOT_IN_EXE: ERROR_SERVICE_NOT_IN_EXE,
    RUNNING: ERROR_SERVICE_ALREADY_RUNNING,
    NOT_RUNNING: ERROR_SERVICE_NOT_ACTIVE,
}

# B-31: the codes that a client may send.
_CLIENT_CONTROLS = frozenset((1, 2, 3, 4, 6, 7, 8, 9, 10)) | frozenset(USER_CONTROLS)
# B-34 and D.1; INTERROGATE, DEVICEEVENT and user codes need none.
_ACCEPT_BITS: dict[int, Accept] = {
    code: handler.accept for code, handler in HANDLERS.items() if handler.accept
}
_STOPS = (Control.STOP, Control.SHUTDOWN, Control.PRESHUTDOWN)


class SimulatedBackend(SimulatedNotifying, SimulatedDatabase):
    """The functions of a client of the SCM, on the simulated database.

    Args:
        clock: ``"virtual"`` or ``"real"``.
        launch: Where a process's main thread runs; default: a new thread.
    """

    def __init__(self, *, virtual: bool, launch: Launcher = launch_thread) -> None:
        super().__init__()
        self._sim = _native.require_sim()
        self.clock = self._sim.clock_new(virtual)
        self.launch = launch
        self._programs: dict[str, Program] = {}  # by their command line
        self.session_users: dict[int, tuple[str, str]] = {}
        self.pipe_timeout = PIPE_TIMEOUT
        self._pids = itertools.count(1000, 4)

    # --- starting -----------------------------------------------------------------

    def service_start(self, handle: Handle, args: tuple[str, ...]) -> None:
        """Start a service; the checks come in the order of A-63."""
        what = "start the service"
        with self._lock:
            record = self._record(handle, what)
            check_arguments(args, what)
            if record.deleted:
                raise refusal(ERROR_SERVICE_MARKED_FOR_DELETE, what)
            if record.start_type == StartType.DISABLED:
                raise refusal(ERROR_SERVICE_DISABLED, what)
            if record.status()[1] != State.STOPPED:
                raise refusal(ERROR_SERVICE_ALREADY_RUNNING, what)
            process, is_new = self._process_for(record, what)
            record.is_starting = True
            record.life += 1
        try:
            while not self._start_in(process, is_new, record, args, what):
                with self._lock:  # that process has come to its end: a new one
                    process, is_new = self._process_for(record, what)
        finally:
            record.is_starting = False

    def _process_for(self, record: Record, what: str) -> tuple[SimulatedProcess, bool]:
        """Return the process to start a service in, and whether it is new."""
        self._find_program(record)
        program = record.program
        process = program.process if program else None
        if program and process and not process.is_dead:
            if record.account != program.account:  # E-49e
                record.failure = ERROR_DIFFERENT_SERVICE_ACCOUNT
                raise refusal(ERROR_DIFFERENT_SERVICE_ACCOUNT, what)
            record.enter(process)
            return process, False
        account = record.account
        if needs_logon_right(account) and account.upper() not in self.logon_rights:
            record.fail(ERROR_SERVICE_LOGON_FAILED)  # E-15
            raise refusal(ERROR_SERVICE_LOGON_FAILED, what)
        if program:
            table, loads = program.names, program.loads
        else:
            table = OWN_PROCESS
            loads = (record.load or loader(record.command_line),)
        pid = next(self._pids)
        process = SimulatedProcess(
            record.name, table, loads, self.clock, self.launch, pid, self._session_user
        )
        if program:
            program.process = process
            program.account = record.account
        record.enter(process)
        return process, True

    def _find_program(self, record: Record) -> None:
        """Let services of one command line share a process, as on Windows."""
        if record.program or not record.service_type & ServiceType.SHARE_PROCESS:
            return
        line = record.command_line
        program = self._programs.get(line) or program_of(line)
        if program is not None:
            record.program = self._programs[line] = program
            record.place = program.place(record.name)

    def _start_in(
        self,
        process: SimulatedProcess,
        is_new: bool,
        record: Record,
        args: tuple[str, ...],
        what: str,
    ) -> bool:
        """Let a process run ServiceMain; False: it has ended meanwhile (A-10)."""
        code = ERROR_SERVICE_REQUEST_TIMEOUT
        outcome = process.connected(self.pipe_timeout)
        if outcome == DONE:
            # the key name comes first.
            outcome = process.start((record.name, *args), self.pipe_timeout)
            if outcome == DONE:
                return True
            code = _OUTCOMES[outcome]
        with self._lock:
            if outcome == DEAD and not is_new:
                if record.program and record.program.process is process:
                    record.program.process = None
                return False
            record.is_starting = False
            if record.program:
                record.failure = code
            if not self._is_in_use(process):
                process.kill(1)
        raise refusal(code, what)

    def _is_in_use(self, process: SimulatedProcess) -> bool:
        """Tell whether a service of a shared process runs, or is to."""
        return any(
            each.program and each.status()[1] != State.STOPPED
            for each in self.records.values()
            if each.process is process
        )

    # --- status -------------------------------------------------------------------

    def service_status(self, handle: Handle) -> StatusTuple:
        """Return the record; the service is not asked (B-43)."""
        with self._lock:
            return self._record(handle, "query the status").status()

    def wait_change(self, handle: Handle, status: StatusTuple, seconds: float) -> None:
        """Wait for a moment: who is not notified looks, in a time of its own."""
        del handle, status
        time.sleep(min(seconds, 0.005))

    def advance(self, seconds: float) -> None:
        """Move a virtual clock on."""
        self._sim.clock_advance(self.clock, seconds)

    def monotonic(self) -> float:
        """Return the simulated time in seconds."""
        return self._sim.clock_now(self.clock) / 1e9

    def _session_user(self, session_id: int) -> tuple[str, str]:
        """Return a session's domain and user, as the real system does."""
        if session_id not in self.session_users:
            raise refusal(ERROR_CTX_WINSTATION_NOT_FOUND, "look up a session's user")
        return self.session_users[session_id]

    # --- controls -----------------------------------------------------------------

    def service_control(self, handle: Handle, code: int) -> StatusTuple:
        """Send a client's control; the checks come in the order of B-30."""
        what = "control the service"
        record = self._record(handle, what)
        if code not in _CLIENT_CONTROLS:
            raise refusal(ERROR_INVALID_PARAMETER, what)
        status = record.status()
        if code == Control.STOP and self.has_active_dependents(record):
            raise refusal(ERROR_DEPENDENT_SERVICES_RUNNING, what)  # B-38
        self._check_state(record, status, code, what)
        # B-33: answered by the SCM itself.
        if code == Control.INTERROGATE and status[1] == State.START_PENDING:
            return status
        bit = _ACCEPT_BITS.get(code)
        if bit is not None and not status[2] & bit:
            raise refusal(ERROR_INVALID_SERVICE_CONTROL, what)
        self.deliver(record, (code, 0, None), what)
        return record.status()

    def service_control_reason(
        self, handle: Handle, code: int, reason: int, comment: str | None
    ) -> StatusTuple:
        """Send a control with a reason, which is for STOP alone (B-40)."""
        what = "control the service"
        record = self._record(handle, what)
        fits = is_stop_reason(reason) if code == Control.STOP else comment is None
        if not fits or utf16_units(comment or "") > MAX_COMMENT:
            raise refusal(ERROR_INVALID_PARAMETER, what)
        status = self.service_control(handle, code)
        if code == Control.STOP:
            record.stop_reason = (reason, comment)
        return status

    def _check_state(
        self, record: Record, status: StatusTuple, code: int, what: str
    ) -> None:
        state = status[1]
        if state == State.STOPPED:
            raise refusal(ERROR_SERVICE_NOT_ACTIVE, what)
        starting = state == State.START_PENDING
        if (
            record.stop_sent == record.life  # B-37
            or state == State.STOP_PENDING
            or (starting and code not in (Control.STOP, Control.INTERROGATE))
        ):
            raise refusal(ERROR_SERVICE_CANNOT_ACCEPT_CTRL, what)

    def deliver(self, record: Record, control: ControlTuple, what: str) -> int:
        """Call the handler, whatever the state; return what it answered (A-34)."""
        process, life = self._life_of(record, what)
        outcome, answer = process.control(control, self.pipe_timeout, record.place)
        self._check_delivered(outcome, what)
        if control[0] in _STOPS:
            record.stop_sent = life
        return answer

    def deliver_many(
        self, record: Record, controls: Sequence[ControlTuple], what: str
    ) -> int:
        """Deliver up to the first that is not answered with 0; return how many."""
        process, life = self._life_of(record, what)
        sent, outcome, _ = process.control_many(
            tuple(controls), self.pipe_timeout, record.place
        )
        if any(code in _STOPS for code, *_ in controls[: sent + (outcome == DONE)]):
            record.stop_sent = life
        self._check_delivered(outcome, what)
        return sent

    def _life_of(self, record: Record, what: str) -> tuple[SimulatedProcess, int]:
        with self._lock:
            if record.process is None:
                raise refusal(ERROR_SERVICE_NOT_ACTIVE, what)
            return record.process, record.life

    def _check_delivered(self, outcome: int, what: str) -> None:
        if outcome != DONE:  # I-33: it may have stopped since the check
            raise refusal(_OUTCOMES[outcome], what)
