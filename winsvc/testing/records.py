"""What the simulated SCM keeps of a service, and what it shows of it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from winsvc.__main__ import parse_shared_host
from winsvc.settings.levels import Level
from winsvc.settings.values import NO_NODE, FailureActions, LaunchProtection, SidType
from winsvc.states import State
from winsvc.winerror import (
    ERROR_FILE_NOT_FOUND,
    ERROR_INVALID_PARAMETER,
    ERROR_PROCESS_ABORTED,
    ERROR_SERVICE_NEVER_STARTED,
    ERROR_SERVICE_REQUEST_TIMEOUT,
)

if TYPE_CHECKING:
    from winsvc._interfaces import StatusTuple
    from winsvc.host import Loader
    from winsvc.testing.process import SimulatedProcess

START_HINT_MS = 2000
MAX_ARGUMENTS = 1024
MAX_ARGUMENT = 1024  # with its NUL


DEFAULT_DACL = (
    "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"
    "(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)"
)
DEFAULTS: dict[Level, Any] = {
    Level.DESCRIPTION: "",
    Level.FAILURE_ACTIONS: FailureActions(),
    Level.DELAYED_AUTO_START: False,
    Level.FAILURE_ACTIONS_FLAG: False,
    Level.SERVICE_SID: SidType.NONE,
    Level.REQUIRED_PRIVILEGES: (),
    Level.PRESHUTDOWN: 10.0,  # C-33
    Level.TRIGGERS: (),
    Level.PREFERRED_NODE: NO_NODE,
    Level.LAUNCH_PROTECTED: LaunchProtection.NONE,
}


def refusal(code: int, what: str) -> OSError:
    """Return the error that the real binding would raise for a code."""
    error = OSError(code, what)
    error.winerror = code  # type: ignore[attr-defined,unused-ignore]  # as py_raise
    return error


@dataclass(slots=True, eq=False)
class Program:
    """What a shared process runs; services that it has not may name it too."""

    names: tuple[str, ...]
    loads: tuple[Loader, ...]
    process: SimulatedProcess | None = None
    """The one that lives, or the last that did."""
    account: str | None = None
    """That of the process's first service (E-49e)."""

    def place(self, name: str) -> int:
        """Return a service's place in the table (A-8); behind all: it has none."""
        names = [each.upper() for each in self.names]
        return names.index(name.upper()) if name.upper() in names else len(names)


@dataclass(slots=True, eq=False)
class Record:
    """One service in the database."""

    name: str
    display_name: str
    command_line: str
    service_type: int
    start_type: int
    account: str
    error_control: int = 1
    group: str = ""
    dependencies: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)
    levels: dict[Level, Any] = field(default_factory=dict)
    """What QueryServiceConfig2 has, as far as it has been set."""
    security: str = DEFAULT_DACL
    environment: tuple[str, ...] | None = None
    load: Loader | None = None
    program: Program | None = None
    """For a service of a shared process."""
    place: int = 0
    """In its process's table."""
    process: SimulatedProcess | None = None
    past: list[SimulatedProcess] = field(default_factory=list)
    pid: int = 0
    life: int = 0
    """Number of the last start."""
    reports_before: int = 0
    """What its process had reported of it before that start."""
    is_starting: bool = False
    """A StartService has not returned yet."""
    failure: int = 0
    """Why a start failed, in a shared process or without any."""
    stop_sent: int = 0
    """The life in which it was told to stop (B-37)."""
    stop_reason: tuple[int, str | None] | None = None
    """Reason and comment of the last stop that had one (B-40)."""
    deleted: bool = False  # E-31
    handles: int = 0

    @property
    def description(self) -> str:
        """The description."""
        return str(self.level(Level.DESCRIPTION))

    def level(self, level: Level) -> Any:
        """Return what a level is set to, or what it is without (E.7)."""
        return self.levels.get(level, DEFAULTS[level])

    def enter(self, process: SimulatedProcess) -> None:
        """Be in a process from now on; its reports so far are of former lives."""
        if self.process is not process:
            if self.process is not None:
                self.past.append(self.process)
            self.process = process
        process.hosts.pop(self.place, None)
        self.pid = process.pid
        self.failure = 0
        self.reports_before = process.last_report(self.place)[0]

    def fail(self, code: int) -> None:
        """Show why a start has failed that got no process."""
        self.failure = code
        if self.process is not None:
            self.reports_before = self.process.last_report(self.place)[0]

    def status(self) -> StatusTuple:
        """Return what the SCM shows of it."""
        kind = self.service_type  # B-6: never the reported one
        process = self.process
        if process is None:
            stopped = self.failure or ERROR_SERVICE_NEVER_STARTED
            return (kind, State.STOPPED, 0, stopped, 0, 0, 0, 0)
        dead = process.is_dead
        count, report = process.last_report(self.place)
        state, accepted, exit_code, specific, checkpoint, hint = (
            State(report[3]),
            *report[4:],
        )
        if count <= self.reports_before:
            if self.is_starting or not (dead or self.failure):
                pending = State.START_PENDING
                return (kind, pending, 0, 0, 0, 0, START_HINT_MS, self.pid)
            # E-51 if it has been started, and has not said so.
            died = ERROR_PROCESS_ABORTED if self.program else 0
            code = self.failure or died or ERROR_SERVICE_REQUEST_TIMEOUT
            return (kind, State.STOPPED, 0, code, 0, 0, 0, 0)
        if dead and state != State.STOPPED:  # E-51
            return (kind, State.STOPPED, 0, ERROR_PROCESS_ABORTED, 0, 0, 0, 0)
        if not state.is_pending:  # B-7
            checkpoint = hint = 0
        pid = 0 if state == State.STOPPED else self.pid  # B-20
        return (kind, state, accepted, exit_code, specific, checkpoint, hint, pid)


@dataclass(slots=True, eq=False)
class Handle:
    """A client's handle: of the SCM itself without a record."""

    record: Record | None
    access: int = 0
    is_open: bool = True


def check_arguments(args: tuple[str, ...], what: str) -> None:
    """A-27; lengths in UTF-16 code units (J-10), the NUL included."""
    long = any(
        len(arg.encode("utf-16-le", "surrogatepass")) // 2 >= MAX_ARGUMENT
        for arg in args
    )
    if long or len(args) > MAX_ARGUMENTS:
        raise refusal(ERROR_INVALID_PARAMETER, what)


def loader(command_line: str) -> Loader:
    """Return what a ``python -m winsvc host … TARGET`` command would import."""
    return _loader_of(_host_words(command_line)[-1])


def program_of(command_line: str) -> Program | None:
    """Return what a command with several ``NAME=TARGET`` runs; else ``None``."""
    hosted = parse_shared_host(_host_words(command_line))
    if hosted is None:
        return None
    targets, names = hosted[0]
    return Program(names, tuple(map(_loader_of, targets)))


def _host_words(command_line: str) -> list[str]:
    words = [word.strip('"') for word in shlex.split(command_line, posix=False)]
    if "host" not in words[1:-1]:
        raise refusal(ERROR_FILE_NOT_FOUND, "start the service")
    return words[words.index("host", 1) + 1 :]


def _loader_of(text: str) -> Loader:
    from winsvc.target import load_target, parse_target

    target = parse_target(text)
    return lambda: load_target(target)
