"""One service, as a client of the SCM sees it: start, control, watch, delete it.

Everything here may be called from any thread, and blocks for as long as the SCM,
the service or the network takes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from winsvc._interfaces import Capsule, StatusTuple
from winsvc.errors import ServiceError, service_error
from winsvc.manage import arguments, rights
from winsvc.manage.backend import Backend, Handles, reported
from winsvc.manage.configured import ConfiguredService
from winsvc.manage.notifier import Bell
from winsvc.manage.status import ServiceInfo, ServiceStatus
from winsvc.manage.stopping import (
    Budget,
    about_code,
    about_pending,
    about_running,
    start_again,
    start_unless_up,
    stop_and_wait,
    stop_dependents,
)
from winsvc.manage.waiting import Watch, wait_until
from winsvc.manage.watching import ServiceWatch
from winsvc.reasons import StopReason
from winsvc.states import Control, State
from winsvc.winerror import (
    ERROR_BROKEN_PIPE,
    ERROR_CALL_NOT_IMPLEMENTED,
    ERROR_DEPENDENT_SERVICES_RUNNING,
    ERROR_INVALID_PARAMETER,
    ERROR_INVALID_SERVICE_CONTROL,
    ERROR_NO_DATA,
)

_BROKEN_PIPE = (ERROR_BROKEN_PIPE, ERROR_NO_DATA)
_ACTIVE, _ALL = 1, 3  # F-15
_VERBS: dict[int, str] = {
    Control.STOP: "stop",
    Control.PAUSE: "pause",
    Control.CONTINUE: "resume",
    Control.INTERROGATE: "interrogate",
}


class ServiceHandle(ConfiguredService):
    """One service: a context manager that closes its handles at the end.

    Made by :meth:`ServiceManager.open` and :meth:`ServiceManager.create`.

    Attributes:
        name: Key name, as it was opened.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        handles: Handles,
        opener: Callable[[str], ServiceHandle],
    ) -> None:
        super().__init__(name, backend, handles)
        self._opener = opener
        self._is_up = False
        self._is_deleted = False

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
            TypeError: An argument is no text.
        """
        arguments.check_texts("start", "an argument", args)
        with reported("start", self.name):
            self._backend.service_start(self._handles.get(rights.START), args)
        self._is_up = True

    def stop(
        self,
        *,
        reason: StopReason | None = None,
        comment: str | None = None,
        dependents: bool = False,
        timeout: float | None = None,
    ) -> ServiceStatus:
        """Send STOP; do not wait until it is STOPPED.

        Args:
            reason: Why, for the event log (B-40).
            comment: Words to the reason, at most 127 characters.
            dependents: First stop the services that depend on it, one after the
                other in the SCM's order, and wait until each is STOPPED (C-13).
            timeout: Seconds for all of those together; ``None``: for each as long
                as it makes progress.

        Returns:
            Its status after its handler returned, without pid.

        Raises:
            ServiceNotActive: It is STOPPED (1062).
            ServiceCannotAcceptControl: It is stopping already (1061).
            ServiceError: Another code of B-30; 1051: others that run depend on it,
                the detail names them; 120: this system takes no reason.  With
                ``dependents`` also what kept one of them from stopping, which the
                detail names.
            ValueError: The comment is too long, or has no reason with it.
            TypeError: An argument is of another type.
        """
        arguments.check_reason("stop", reason, comment)
        arguments.check_flag("stop", "dependents", dependents)
        arguments.check_timeout("stop", timeout)
        if dependents:
            budget = Budget(timeout, self._backend.monotonic)
            stop_dependents(self, budget, self._opener)
        try:
            if reason is None:
                return self.control(Control.STOP)
            return self._stop_because(reason, comment)
        except ServiceError as error:
            running: tuple[ServiceInfo, ...] = ()
            if error.winerror == ERROR_DEPENDENT_SERVICES_RUNNING:
                with suppress(ServiceError):  # who they are: may not be ours to know
                    running = self.dependents(active_only=True)
            if not running:
                raise
            raise about_running(error, running) from error

    def dependents(self, *, active_only: bool = False) -> tuple[ServiceInfo, ...]:
        """Return the services that depend on it, directly or not (F-20).

        Args:
            active_only: Leave out those that are STOPPED.

        Returns:
            The one that the SCM would start last comes first: in this order they
            can be stopped.  The statuses have no pid.

        Raises:
            ServiceError: They cannot be listed.
            TypeError: ``active_only`` is neither True nor False.
        """
        arguments.check_flag("dependents", "active_only", active_only)
        with reported("list the dependents of", self.name):
            found = self._backend.service_dependents(
                self._handles.get(rights.ENUMERATE_DEPENDENTS),
                _ACTIVE if active_only else _ALL,
            )
        return tuple(
            ServiceInfo(name, display_name, ServiceStatus.from_tuple(status))
            for name, display_name, status in found
        )

    def restart(
        self,
        *args: str,
        timeout: float | None = None,
        on_progress: Callable[[ServiceStatus], None] | None = None,
        dependents: bool = False,
        reason: StopReason | None = None,
        comment: str | None = None,
    ) -> ServiceStatus:
        """Stop the service, wait until it is STOPPED, start it, wait for RUNNING.

        One that is STOPPED is started; one that is stopping, or just starting, is
        waited for (C-12).  If another client has started it meanwhile, and there
        are no arguments for the start, that is as good.

        Args:
            *args: What ServiceMain gets after the service's name (A-20).
            timeout: Seconds for all of that; ``None``: as long as it progresses.
            on_progress: Called on this thread with each new status.
            dependents: First stop those that depend on it and run; at the end
                start them again, and wait until they are RUNNING.
            reason: As for :meth:`stop`.
            comment: As for :meth:`stop`.

        Returns:
            The status in RUNNING.

        Raises:
            ServiceFailed: It stopped again instead (I-143).
            ServiceTimeout: The time is up, or there was no progress.
            ServiceError: It, or a dependent, could not be stopped or started.
            TypeError: An argument is no text, or of another type.
            ValueError: The comment is too long, or has no reason with it.
        """
        arguments.check_texts("restart", "an argument", args)
        arguments.check_reason("restart", reason, comment)
        arguments.check_timeout("restart", timeout)
        arguments.check_on_progress("restart", on_progress)
        arguments.check_flag("restart", "dependents", dependents)
        budget = Budget(timeout, self._backend.monotonic)
        stopped: tuple[ServiceInfo, ...] = ()
        if dependents:
            stopped = stop_dependents(self, budget, self._opener)
        stop_and_wait(self, budget, on_progress, reason=reason, comment=comment)
        if args:
            self.start(*args)
        else:
            start_unless_up(self)
        status = self.wait_state(State.RUNNING, budget.left, on_progress)
        start_again(self.name, stopped, budget, self._opener)
        return status

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

        Returns, raises: as :meth:`stop`; 87: not a code for clients; 1052: it takes
        none such, or not yet; TypeError, ValueError: it is no control code at all.
        """
        code = arguments.code_of(
            "control", "code", code, "a winsvc.Control, or 128 to 255"
        )
        try:
            return self._send(code)
        except ServiceError as error:
            if error.winerror == ERROR_INVALID_PARAMETER:
                raise about_code(error) from error
            self._raise_if_pending(error)
            raise

    def _raise_if_pending(self, error: ServiceError) -> None:
        """Say so if a control is not accepted (1052) since it is not RUNNING yet."""
        if error.winerror != ERROR_INVALID_SERVICE_CONTROL:
            return
        try:
            state = self.status().state
        except ServiceError:  # may not be ours to know
            return
        if state.is_pending:
            raise about_pending(error, state) from error

    def _send(self, code: int) -> ServiceStatus:
        verb = _VERBS.get(code) or f"send control {code} to"
        right = rights.RIGHT_FOR.get(code, rights.QUERY_STATUS)
        with reported(verb, self.name):
            handle = self._handles.get(right)
            if code == Control.STOP:
                return self._stopping(
                    lambda: self._backend.service_control(handle, Control.STOP)
                )
            raw = self._backend.service_control(handle, code)
        self._is_up = True
        return ServiceStatus.from_tuple(raw)

    def status(self) -> ServiceStatus:
        """Return the SCM's record; the service itself is not asked (B-43).

        Raises:
            ServiceError: The record cannot be read.
        """
        return ServiceStatus.from_tuple(self._raw_status("query"))

    def wait_state(
        self,
        state: State | int,
        timeout: float | None = None,
        on_progress: Callable[[ServiceStatus], None] | None = None,
    ) -> ServiceStatus:
        """Block until the service is in a state (C-10, C-11).

        Args:
            state: The state to wait for; its number will do.
            timeout: Seconds; ``None``: as long as the service makes progress,
                and for ever while it is in a state that does not pend.
            on_progress: Called on this thread with the status at the first
                look, and whenever it has changed.

        Returns:
            The status in that state.

        Raises:
            ServiceFailed: It cannot get there any more: it has stopped on its
                way (I-143), or gone back to the state that it came from; or it is
                in another process, and was STOPPED in between (1056).
            ServiceTimeout: The time is up (1460), or a pending state made no progress
                within its wait hint; without a hint, within 5 s (C-14): 1053.
            ServiceError: The status cannot be read.
            TypeError, ValueError: It is no state, the time is no number, or
                ``on_progress`` cannot be called.
        """
        state = arguments.state_of("wait_state", state)
        arguments.check_timeout("wait_state", timeout)
        arguments.check_on_progress("wait_state", on_progress)
        watch = Watch(self.name, f"wait for {state.name} of", state, self._is_up)

        def look() -> tuple[Capsule, StatusTuple]:
            raw = self._raw_status(watch.operation)
            return self._handles.get(rights.QUERY_STATUS), raw

        with Bell(self._backend, self._open_to_notify) as bell:
            clock = self._backend.monotonic
            status = wait_until(watch, look, bell, clock, timeout, on_progress)
        self._is_up = state != State.STOPPED
        return status

    def watch(
        self, timeout: float | None = None, *, checkpoints: bool = False
    ) -> ServiceWatch:
        """Return every status of the service, for ``for`` and ``async for``.

        The first item is its status now, each later one comes when its state, its
        process, its exit codes or the controls it accepts have changed.  States
        that follow each other at once may be left out, but never the last.  It
        ends when the service has been deleted and is stopped, after the status
        that it stopped with; when it is closed; or at the time-out: its ``end``
        says which.  Close it, best by ``with`` or ``async with``.

        Changes of the state are seen as they happen, by notifications; what it
        accepts, and everything where the system has none, within 2 s.  That another
        client deletes it is not seen on Wine (H-33).

        Args:
            timeout: Seconds without a change after which it ends; ``None``: never.
            checkpoints: A checkpoint and a wait hint are changes too.

        Raises:
            TypeError, ValueError: The time is no number of seconds, or
                ``checkpoints`` neither True nor False.
        """
        arguments.check_timeout("watch", timeout)
        arguments.check_flag("watch", "checkpoints", checkpoints)
        return ServiceWatch(
            self.name,
            self._backend,
            self._handles,
            lambda: self._is_deleted,
            timeout=timeout,
            checkpoints=checkpoints,
        )

    def delete(self) -> None:
        """Delete the service, which is not stopped by that (E-36).

        It is gone once it has stopped and all handles to it, this one included,
        are closed (E-32).

        Raises:
            ServiceMarkedForDelete: It is being deleted already (1072).
            ServiceError: It cannot be deleted.
        """
        with reported("delete", self.name):
            self._backend.service_delete(self._handles.get(rights.DELETE))
        self._is_deleted = True

    def close(self) -> None:
        """Close the service's handles; again does nothing."""
        self._handles.close()

    def _stop_because(self, reason: StopReason, comment: str | None) -> ServiceStatus:
        try:
            with reported("stop", self.name):
                handle = self._handles.get(rights.STOP)
                return self._stopping(
                    lambda: self._backend.service_control_reason(
                        handle, Control.STOP, reason.code, comment
                    )
                )
        except ServiceError as error:
            if error.winerror != ERROR_CALL_NOT_IMPLEMENTED:
                self._raise_if_pending(error)
                raise
            detail = "it has no ControlServiceEx: stop without a reason"
            raise service_error("stop", self.name, error.winerror, detail) from error

    def _stopping(self, send: Callable[[], StatusTuple]) -> ServiceStatus:
        """Send STOP; its process may end before the answer has left it (A-45)."""
        try:
            status = ServiceStatus.from_tuple(send())
        except OSError as error:
            if getattr(error, "winerror", None) not in _BROKEN_PIPE:
                raise
            status = self.status()
            if status.state != State.STOPPED:
                raise
        self._is_up = False
        return status

    def _open_to_notify(self) -> Capsule:
        return self._handles.open(rights.QUERY_STATUS)

    def _raw_status(self, operation: str) -> StatusTuple:
        with reported(operation, self.name):
            return self._backend.service_status(self._handles.get(rights.QUERY_STATUS))
