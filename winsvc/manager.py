"""The SCM's client: create, find, start, control, watch and delete services.

Everything here may be called from any thread, and blocks for as long as the SCM,
the service or the network takes.  Each operation asks for the access right that
it needs and no more, when it is first used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from winsvc import _native
from winsvc._native import Capsule, Managing, StatusTuple
from winsvc.config import ServiceConfig
from winsvc.errors import (
    ServiceFailed,
    ServiceTimeout,
    describe_exit,
    service_error,
)
from winsvc.states import USER_CONTROLS, Accept, Control, ServiceType, State

# Access rights (D.4).
_CONNECT = 0x1
_CREATE_SERVICE = 0x2
_ENUMERATE_SERVICE = 0x4
_CHANGE_CONFIG = 0x2
_QUERY_STATUS = 0x4
_START = 0x10
_STOP = 0x20
_PAUSE_CONTINUE = 0x40
_INTERROGATE = 0x80
_USER_DEFINED_CONTROL = 0x100
_DELETE = 0x10000
# Its creator gets what it asks for, whatever the descriptor says (E-13).
_OF_CREATOR = (
    _CHANGE_CONFIG
    | _QUERY_STATUS
    | _START
    | _STOP
    | _PAUSE_CONTINUE
    | _INTERROGATE
    | _USER_DEFINED_CONTROL
    | _DELETE
)
# B-32; for any other code the SCM says 87 before it looks at rights (B-30).
_RIGHT_FOR = {
    Control.STOP: _STOP,
    Control.INTERROGATE: _INTERROGATE,
    **dict.fromkeys(
        (
            Control.PAUSE,
            Control.CONTINUE,
            Control.PARAMCHANGE,
            Control.NETBINDADD,
            Control.NETBINDREMOVE,
            Control.NETBINDENABLE,
            Control.NETBINDDISABLE,
        ),
        _PAUSE_CONTINUE,
    ),
    **dict.fromkeys(USER_CONTROLS, _USER_DEFINED_CONTROL),
}
_VERBS = {
    Control.STOP: "stop",
    Control.PAUSE: "pause",
    Control.CONTINUE: "resume",
    Control.INTERROGATE: "interrogate",
}

ERROR_INVALID_HANDLE = 6
ERROR_SERVICE_NOT_ACTIVE = 1062

# Waiting (C-10, C-11, C-14), in seconds.
DEFAULT_HINT = 5.0
MAX_HINT = 24 * 3600.0
_FIRST_INTERVAL = 0.02
_MIN_CEILING = 0.1
_MAX_CEILING = 1.0


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The SCM's record of a service (D.3).

    Attributes:
        type: Kind of the service, as configured (B-6).
        state: Its state.
        accepts: The controls it takes now.
        exit_code: Windows exit code; 1077 if never started, 1066 if its own
            exit code counts.
        service_exit_code: Its own exit code, of use only with 1066 (B-8).
        checkpoint: Rises with the progress of a pending state.
        wait_hint: Seconds until the next report is due, in a pending state.
        pid: Its process; 0 if there is none, and in what controls return.
    """

    type: ServiceType
    state: State
    accepts: Accept
    exit_code: int
    service_exit_code: int
    checkpoint: int
    wait_hint: float
    pid: int

    @classmethod
    def from_tuple(cls, raw: StatusTuple) -> Self:
        """Return the status for what the extension gives."""
        kind, state, accepts, exit_code, specific, checkpoint, hint, pid = raw
        return cls(
            type=ServiceType(kind),
            state=State(state),
            accepts=Accept(accepts),
            exit_code=exit_code,
            service_exit_code=specific,
            checkpoint=checkpoint,
            wait_hint=hint / 1000,
            pid=pid,
        )


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A service in the list of all.

    Attributes:
        name: Key name.
        display_name: Name shown to people.
        status: Its status.
    """

    name: str
    display_name: str
    status: ServiceStatus


class Backend(Managing, Protocol):
    """An SCM: the extension's client functions, and a clock to wait by."""

    def wait_change(
        self, handle: Capsule, status: StatusTuple, seconds: float, /
    ) -> None:
        """Block until the status may differ from ``status``, or time is up."""

    def monotonic(self) -> float:
        """Return the time in seconds that waiting is measured in."""


class NativeBackend:
    """The SCM of this computer, or of another one.

    Raises:
        NoSCM: This is not Windows.
    """

    def __init__(self) -> None:
        core = _native.require_core("open the SCM")
        self.manager_open = core.manager_open
        self.handle_close = core.handle_close
        self.service_list = core.service_list
        self.service_create = core.service_create
        self.service_open = core.service_open
        self.service_delete = core.service_delete
        self.service_start = core.service_start
        self.service_control = core.service_control
        self.service_status = core.service_status
        self.service_describe = core.service_describe

    def wait_change(
        self, _handle: Capsule, _status: StatusTuple, seconds: float, /
    ) -> None:
        """Sleep."""
        time.sleep(seconds)

    def monotonic(self) -> float:
        """Return the system's monotonic time."""
        return time.monotonic()


@contextmanager
def _reported(operation: str, service: str | None) -> Iterator[None]:
    """Turn the extension's OSError into a ServiceError."""
    try:
        yield
    except OSError as error:
        code = getattr(error, "winerror", None)
        if code is None:
            raise
        raise service_error(operation, service, code) from error


class _Handles:
    """Native handles to one object, one for each right first needed.

    Args:
        backend: The SCM.
        opener: Opens a handle with some access rights.
    """

    def __init__(self, backend: Backend, opener: Callable[[int], Capsule]) -> None:
        self._backend = backend
        self._opener = opener
        self._open: list[tuple[int, Capsule]] = []
        self._closed = False

    def add(self, rights: int, handle: Capsule) -> None:
        """Take over a handle that has these rights."""
        self._open.append((rights, handle))

    def get(self, right: int) -> Capsule:
        """Return a handle that has the right."""
        if self._closed:
            error = OSError(ERROR_INVALID_HANDLE, "it is closed")
            error.winerror = ERROR_INVALID_HANDLE
            raise error
        for rights, handle in self._open:
            if rights & right == right:
                return handle
        handle = self._opener(right)
        self.add(right, handle)
        return handle

    def close(self) -> None:
        """Close them all; again does nothing."""
        self._closed = True
        while self._open:
            self._backend.handle_close(self._open.pop()[1])


class ServiceManager:
    """The SCM: a context manager that closes its handles at the end.

    Args:
        machine: Name of another computer; default: this one.
        backend: The SCM to use in place of the system's: a simulated one.

    Raises:
        NoSCM: This is not Windows, and there is no ``backend``.
        ServiceError: The SCM cannot be reached: 5, 1722 (E-20).
    """

    def __init__(
        self, machine: str | None = None, *, backend: Backend | None = None
    ) -> None:
        self._backend = backend if backend is not None else NativeBackend()
        self._handles = _Handles(
            self._backend, lambda right: self._backend.manager_open(machine, right)
        )
        with _reported("open the SCM", None):
            self._handles.get(_CONNECT)

    def __enter__(self) -> Self:
        """Return the manager itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it."""
        self.close()

    def create(self, config: ServiceConfig) -> ServiceHandle:
        """Create a service; on failure there is none.

        Args:
            config: Its settings.

        Returns:
            A handle with every right, to be closed by the caller.

        Raises:
            ServiceExists: There is one of this key name (1073).
            ServiceMarkedForDelete: There still is one, being deleted (1072).
            ServiceAccessDenied: The caller is no administrator (5).
            ServiceError: Another code of E-6, E-12, E-15.
        """
        backend = self._backend
        with _reported("create", config.name):
            native = backend.service_create(
                self._handles.get(_CREATE_SERVICE),
                config.name,
                config.display_name or config.name,
                config.command_line,
                int(config.service_type),
                int(config.start_type),
                config.account,
                config.password,
                _OF_CREATOR,
            )
        handle = self._handle(config.name)
        handle._handles.add(_OF_CREATOR, native)
        if config.description:
            try:
                with _reported("describe", config.name):
                    backend.service_describe(native, config.description)
            except BaseException:
                with handle:
                    handle.delete()
                raise
        return handle

    def open(self, name: str) -> ServiceHandle:
        """Open a service by its key name; display names are not looked at (E-21).

        Args:
            name: The key name, in any case.

        Returns:
            A handle, to be closed by the caller; the manager may be closed
            first, but then the handle has only the rights used so far.

        Raises:
            ServiceNotFound: There is no such service (1060).
            ServiceAccessDenied: Not even its status may be read (5).
            ServiceError: The name is not valid (123).
        """
        handle = self._handle(name)
        with _reported("open", name):
            handle._handles.get(_QUERY_STATUS)
        return handle

    def list(self) -> tuple[ServiceInfo, ...]:
        """Return all services, drivers left out, in the SCM's order (F-18).

        Raises:
            ServiceError: The SCM did not answer.

        Those whose status the caller may not read are missing (F-17).
        """
        with _reported("list the services", None):
            found = self._backend.service_list(self._handles.get(_ENUMERATE_SERVICE))
        return tuple(
            ServiceInfo(name, display_name, ServiceStatus.from_tuple(status))
            for name, display_name, status in found
        )

    def close(self) -> None:
        """Close the SCM's handles; again does nothing."""
        self._handles.close()

    def _handle(self, name: str) -> ServiceHandle:
        backend, manager = self._backend, self._handles

        def opener(right: int) -> Capsule:
            return backend.service_open(manager.get(_CONNECT), name, right)

        return ServiceHandle(name, backend, _Handles(backend, opener))


class ServiceHandle:
    """One service: a context manager that closes its handles at the end.

    Made by :meth:`ServiceManager.open` and :meth:`ServiceManager.create`.

    Attributes:
        name: Key name, as it was opened.
    """

    def __init__(self, name: str, backend: Backend, handles: _Handles) -> None:
        self.name = name
        self._backend = backend
        self._handles = handles
        self._just_started = False

    def __enter__(self) -> Self:
        """Return the handle itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Return the name."""
        return f"<ServiceHandle {self.name!r}>"

    def start(self, *args: str) -> None:
        """Start the service; do not wait until it is RUNNING.

        Blocks until its process has connected to the SCM, 30 s at most (A-40).

        Args:
            *args: What ServiceMain gets after the service's name (A-20).

        Raises:
            ServiceTimeout: Its process did not connect to the SCM (1053).
            ServiceError: Another code of A-62; 1056: it is not STOPPED.
        """
        with _reported("start", self.name):
            self._backend.service_start(self._handles.get(_START), args)
        self._just_started = True

    def stop(self) -> ServiceStatus:
        """Send STOP; do not wait until it is STOPPED.

        Returns:
            Its status after its handler returned, without pid.

        Raises:
            ServiceNotActive: It is STOPPED (1062).
            ServiceCannotAcceptControl: It is stopping already (1061).
            ServiceError: Another code of B-30; 1051: others depend on it.
        """
        return self.control(Control.STOP)

    def pause(self) -> ServiceStatus:
        """Send PAUSE; do not wait until it is PAUSED.

        Returns, raises: as :meth:`stop`; 1052: it cannot pause.
        """
        return self.control(Control.PAUSE)

    def resume(self) -> ServiceStatus:
        """Send CONTINUE; do not wait until it is RUNNING.

        Returns, raises: as :meth:`stop`; 1052: it cannot pause.
        """
        return self.control(Control.CONTINUE)

    def control(self, code: Control | int) -> ServiceStatus:
        """Send a control.

        Blocks until its handler has returned, 30 s at most (A-43).

        Args:
            code: One that a client may send: STOP to NETBINDDISABLE without
                SHUTDOWN, or 128 to 255 (B-31).

        Returns, raises: as :meth:`stop`; 87: not a code for clients.
        """
        verb = _VERBS.get(code) or f"send control {int(code)} to"
        with _reported(verb, self.name):
            right = _RIGHT_FOR.get(code, _QUERY_STATUS)
            raw = self._backend.service_control(self._handles.get(right), int(code))
        if code == Control.STOP:
            self._just_started = False
        return ServiceStatus.from_tuple(raw)

    def status(self) -> ServiceStatus:
        """Return the SCM's record; the service itself is not asked (B-43).

        Raises:
            ServiceError: The record cannot be read.
        """
        return ServiceStatus.from_tuple(self._raw_status("query"))

    def wait_state(
        self,
        state: State,
        timeout: float | None = None,
        on_progress: Callable[[ServiceStatus], None] | None = None,
    ) -> ServiceStatus:
        """Block until the service is in a state (C-10, C-11).

        Args:
            state: The state to wait for.
            timeout: Seconds; ``None``: as long as the service makes progress,
                and for ever while it is in a state that does not pend.
            on_progress: Called on this thread with the status at the first
                look, and whenever it has changed.

        Returns:
            The status in that state.

        Raises:
            ServiceFailed: It cannot get there any more: it has stopped on its
                way (I-143), or gone back to the state that it came from.
            ServiceTimeout: The time is up, or a pending state made no progress
                within its wait hint; without a hint, within 5 s (C-14).
            ServiceError: The status cannot be read.
        """
        operation = f"wait for {state.name} of"
        watch = _Watch(self.name, operation, state, self._just_started)
        clock = self._backend.monotonic
        deadline = None if timeout is None else clock() + timeout
        while True:
            raw = self._raw_status(operation)
            now = clock()
            status = ServiceStatus.from_tuple(raw)
            changed = watch.look(status, now)
            if changed and on_progress is not None:
                on_progress(status)
            if status.state in (state, State.STOPPED):
                self._just_started = False
            if status.state == state:
                return status
            watch.check(status, now)
            if deadline is not None and now >= deadline:
                raise ServiceTimeout(
                    operation=operation,
                    service=self.name,
                    detail=f"after {timeout:g} s it is {watch.describe(status)}",
                )
            seconds = watch.interval(status, now)
            if deadline is not None:
                seconds = min(seconds, deadline - now)
            handle = self._handles.get(_QUERY_STATUS)
            self._backend.wait_change(handle, raw, seconds)

    def delete(self) -> None:
        """Delete the service, which is not stopped by that (E-36).

        It is gone once it has stopped and all handles to it, this one included,
        are closed (E-32).

        Raises:
            ServiceMarkedForDelete: It is being deleted already (1072).
            ServiceError: It cannot be deleted.
        """
        with _reported("delete", self.name):
            self._backend.service_delete(self._handles.get(_DELETE))

    def close(self) -> None:
        """Close the service's handles; again does nothing."""
        self._handles.close()

    def _raw_status(self, operation: str) -> StatusTuple:
        with _reported(operation, self.name):
            return self._backend.service_status(self._handles.get(_QUERY_STATUS))


# From which pending state a service gets to a state, and back to which.
_WAYS = {
    State.RUNNING: {
        State.START_PENDING: State.STOPPED,
        State.CONTINUE_PENDING: State.PAUSED,
    },
    State.PAUSED: {State.PAUSE_PENDING: State.RUNNING},
}


@dataclass(slots=True)
class _Watch:
    """What a wait has seen of a service so far."""

    service: str
    operation: str
    target: State
    alive: bool
    """It was started, or has been seen in a state other than STOPPED."""
    seen: ServiceStatus | None = None
    backs: set[State] = field(default_factory=set)
    """Settled states that mean that it went back."""
    risen: float = 0.0
    """When the state or the checkpoint moved last."""
    pause: float = _FIRST_INTERVAL

    def look(self, status: ServiceStatus, now: float) -> bool:
        """Take a status in; return whether it has changed."""
        seen = self.seen
        if seen is None or seen.state != status.state or seen.pid != status.pid:
            self.risen = now
            self.pause = _FIRST_INTERVAL
        elif status.checkpoint > seen.checkpoint:  # C-2
            self.risen = now
        self.seen = status
        if status.state != State.STOPPED:
            self.alive = True
        back = _WAYS.get(self.target, {}).get(status.state)
        if back is not None:
            self.backs.add(back)
        return seen != status

    def check(self, status: ServiceStatus, now: float) -> None:
        """Raise if the target cannot be reached any more."""
        leads_up = self.target in _WAYS
        if status.state == State.STOPPED and leads_up and self.alive:
            self._fail(status, "it has stopped with")
        if status.state in self.backs and status.state != State.STOPPED:
            self._fail(status, f"it has gone back to {status.state.name}, with")
        if status.state.is_pending and now - self.risen > _hint(status):
            raise ServiceTimeout(
                operation=self.operation,
                service=self.service,
                detail=f"no progress for {now - self.risen:.3g} s, though it said "
                f"{_hint(status):g} s: it is {self.describe(status)}",
            )

    def interval(self, status: ServiceStatus, now: float) -> float:
        """Return the seconds until the next look; they grow."""
        pause = self.pause
        ceiling = min(max(_hint(status) / 10, _MIN_CEILING), _MAX_CEILING)
        self.pause = min(pause * 1.5, ceiling)
        del now
        return pause

    def describe(self, status: ServiceStatus) -> str:
        """Return the state as text, with the checkpoint of a pending one."""
        if not status.state.is_pending:
            return status.state.name
        return f"{status.state.name}, checkpoint {status.checkpoint}"

    def _fail(self, status: ServiceStatus, what: str) -> None:
        exit_code = describe_exit(status.exit_code, status.service_exit_code)
        raise ServiceFailed(
            operation=self.operation,
            service=self.service,
            winerror=status.exit_code or ERROR_SERVICE_NOT_ACTIVE,
            detail=f"{what} {exit_code}",
            exit_code=status.exit_code,
            service_exit_code=status.service_exit_code,
        )


def _hint(status: ServiceStatus) -> float:
    """Return how long a pending service may go without progress (C-14)."""
    return min(status.wait_hint, MAX_HINT) if status.wait_hint else DEFAULT_HINT
