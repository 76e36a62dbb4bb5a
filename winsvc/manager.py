"""The SCM's client: create, find, start, control, watch and delete services.

Everything here may be called from any thread, and blocks for as long as the SCM,
the service or the network takes.  Each operation asks for the access right that
it needs and no more, when it is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from winsvc._interfaces import Capsule, StatusTuple
from winsvc.backend import Backend, Handles, NativeBackend, reported
from winsvc.config import ServiceConfig
from winsvc.errors import (
    ServiceError,
    ServiceTimeout,
)
from winsvc.states import USER_CONTROLS, Control, State
from winsvc.status import ServiceInfo, ServiceStatus
from winsvc.waiting import Watch

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
_RIGHT_FOR: dict[int, int] = {
    Control.STOP: _STOP,
    Control.INTERROGATE: _INTERROGATE,
    Control.PAUSE: _PAUSE_CONTINUE,
    Control.CONTINUE: _PAUSE_CONTINUE,
    Control.PARAMCHANGE: _PAUSE_CONTINUE,
    Control.NETBINDADD: _PAUSE_CONTINUE,
    Control.NETBINDREMOVE: _PAUSE_CONTINUE,
    Control.NETBINDENABLE: _PAUSE_CONTINUE,
    Control.NETBINDDISABLE: _PAUSE_CONTINUE,
    **dict.fromkeys(USER_CONTROLS, _USER_DEFINED_CONTROL),
}
_BROKEN_PIPE = (109, 232)
_VERBS: dict[int, str] = {
    Control.STOP: "stop",
    Control.PAUSE: "pause",
    Control.CONTINUE: "resume",
    Control.INTERROGATE: "interrogate",
}


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
        self._handles = Handles(
            self._backend, lambda right: self._backend.manager_open(machine, right)
        )
        with reported("open the SCM", None):
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
        with reported("create", config.name):
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
        handles = self._handles_of(config.name)
        handles.add(_OF_CREATOR, native)
        handle = ServiceHandle(config.name, backend, handles)
        if config.description:
            try:
                with reported("describe", config.name):
                    backend.service_describe(native, config.description)
            except BaseException:
                with suppress(ServiceError), handle:
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
        handles = self._handles_of(name)
        with reported("open", name):
            handles.get(_QUERY_STATUS)
        return ServiceHandle(name, self._backend, handles)

    def list(self) -> tuple[ServiceInfo, ...]:
        """Return all services, drivers left out, in the SCM's order (F-18).

        Raises:
            ServiceError: The SCM did not answer.

        Those whose status the caller may not read are missing (F-17).
        """
        with reported("list the services", None):
            found = self._backend.service_list(self._handles.get(_ENUMERATE_SERVICE))
        return tuple(
            ServiceInfo(name, display_name, ServiceStatus.from_tuple(status))
            for name, display_name, status in found
        )

    def close(self) -> None:
        """Close the SCM's handles; again does nothing."""
        self._handles.close()

    def _handles_of(self, name: str) -> Handles:
        backend, manager = self._backend, self._handles

        def opener(right: int) -> Capsule:
            return backend.service_open(manager.get(_CONNECT), name, right)

        return Handles(backend, opener)


class ServiceHandle:
    """One service: a context manager that closes its handles at the end.

    Made by :meth:`ServiceManager.open` and :meth:`ServiceManager.create`.

    Attributes:
        name: Key name, as it was opened.
    """

    def __init__(self, name: str, backend: Backend, handles: Handles) -> None:
        self.name = name
        self._backend = backend
        self._handles = handles
        self._is_up = False

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
        with reported("start", self.name):
            self._backend.service_start(self._handles.get(_START), args)
        self._is_up = True

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
        with reported(verb, self.name):
            right = _RIGHT_FOR.get(code, _QUERY_STATUS)
            handle = self._handles.get(right)
            try:
                raw = self._backend.service_control(handle, int(code))
            except OSError as error:
                # Its process ended before the answer had left it.
                pipe = getattr(error, "winerror", None) in _BROKEN_PIPE
                status = self.status() if pipe and code == Control.STOP else None
                if status is None or status.state != State.STOPPED:
                    raise
                return status
        self._is_up = code != Control.STOP
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
        watch = Watch(self.name, operation, state, self._is_up)
        clock = self._backend.monotonic
        deadline = None if timeout is None else clock() + timeout
        while True:
            raw = self._raw_status(operation)
            now = clock()
            status = ServiceStatus.from_tuple(raw)
            changed = watch.look(status, now)
            if changed and on_progress is not None:
                on_progress(status)
            if status.state == state:
                self._is_up = state != State.STOPPED
                return status
            watch.check(status, now)
            if deadline is not None and now >= deadline:
                raise ServiceTimeout(
                    operation=operation,
                    service=self.name,
                    detail=f"after {timeout:g} s it is {watch.describe(status)}",
                )
            seconds = watch.interval(status)
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
        with reported("delete", self.name):
            self._backend.service_delete(self._handles.get(_DELETE))

    def close(self) -> None:
        """Close the service's handles; again does nothing."""
        self._handles.close()

    def _raw_status(self, operation: str) -> StatusTuple:
        with reported(operation, self.name):
            return self._backend.service_status(self._handles.get(_QUERY_STATUS))
